// Sizes as people write them; runtime/base/size_text.h is how they read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace memopt {

// "4096", "8MiB", "1.5GiB", "10MB": bytes; KiB/MiB/GiB are binary, KB/MB/GB decimal. nullopt:
// malformed, negative or too large.
std::optional<int64_t> parse_size(std::string_view text);

}  // namespace memopt
