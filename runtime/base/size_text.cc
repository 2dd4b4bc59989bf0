#include "runtime/base/size_text.h"

#include <array>
#include <cstdio>

namespace memopt {

std::string size_text(int64_t bytes) {
  constexpr std::array<const char*, 6> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while ((value >= 1024 || value <= -1024) && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  const double size = value < 0 ? -value : value;
  const char* pattern = unit == 0 || size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f";
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), pattern, value);
  return std::string(text.data()) + ' ' + kUnits[unit];
}

std::string count_text(int64_t count) {
  std::string digits = std::to_string(count);
  const size_t first = count < 0 ? 1 : 0;
  for (size_t i = digits.size(); i > first + 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string exact_size_text(int64_t bytes) { return count_text(bytes) + " B"; }

std::string both_sizes_text(int64_t bytes) {
  if (bytes > -1024 && bytes < 1024) return exact_size_text(bytes);
  return size_text(bytes) + " (" + exact_size_text(bytes) + ')';
}

}  // namespace memopt
