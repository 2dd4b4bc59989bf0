// Text of a model in HTML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace memopt {

// `text` with what would be markup in an element or in a quoted attribute as character references.
std::string html_text(std::string_view text);

}  // namespace memopt
