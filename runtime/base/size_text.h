// Bytes and counts as people read them: the one place that words them.
#pragma once

#include <cstdint>
#include <string>

namespace memopt {

// "4.59 MiB"; exact below 1 KiB ("812 B"). Binary units.
std::string size_text(int64_t bytes);
// "4,816,896 B".
std::string exact_size_text(int64_t bytes);
// "4.59 MiB (4,816,896 B)", or "812 B".
std::string both_sizes_text(int64_t bytes);
// "12,345".
std::string count_text(int64_t count);

}  // namespace memopt
