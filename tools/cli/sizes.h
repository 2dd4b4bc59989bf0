// Sizes as people write them; runtime/base/size_text.h is how they read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace memopt {

// "4096", "8MiB", "1.5GiB", "10MB": bytes; KiB/MiB/GiB are binary, KB/MB/GB decimal. nullopt:
// malformed, negative or too large.
std::optional<int64_t> parse_size(std::string_view text);

// The same for the value of `flag`: kUsage, saying what a size looks like, where it is none.
Result<int64_t> parse_size_flag(std::string_view flag, const std::string& text);

// A sentence for answers to a size that was likely meant to have a unit ("8"); empty for others.
std::string unit_hint(const std::string& text);

}  // namespace memopt
