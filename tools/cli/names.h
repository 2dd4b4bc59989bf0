// What to say about a name that is not known.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace memopt {

// kUsage: "--flag: unknown 'conv.onednnn'; did you mean conv.onednn?"; all names where none is near
// or there are few.
Error unknown_name(std::string_view flag, std::string_view name,
                   std::span<const std::string_view> known);

}  // namespace memopt
