// Sizes and durations as people write and read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace memopt {

// "4096", "8MiB", "1.5GiB", "10MB": bytes; KiB/MiB/GiB are binary, KB/MB/GB decimal. nullopt:
// malformed, negative or too large.
std::optional<int64_t> parse_size(std::string_view text);

// "5.22 MiB (5473408 bytes)".
std::string format_size(int64_t bytes);

}  // namespace memopt
