// Text of files that strangers made, safe to show: every name that a message or a table prints
// passes through here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace memopt {

// `text` with what a terminal or a page would obey instead of show escaped as \x1b: control
// characters (also line ends and those that C1 hides in UTF-8), marks that have no width or change
// the direction of the text, and bytes that are not UTF-8. One line, well-formed UTF-8.
std::string printable(std::string_view text);

// The same; of more than `columns` characters the middle is left out ("stage1...block2/conv1").
std::string printable(std::string_view text, size_t columns);

// Characters of well-formed UTF-8.
size_t columns_of(std::string_view text);

}  // namespace memopt
