#include "passes/emit/text_table.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "runtime/base/check.h"

namespace memopt {
namespace {

std::string format(const char* pattern, double value) {
  std::array<char, 64> buffer;
  std::snprintf(buffer.data(), buffer.size(), pattern, value);
  return buffer.data();
}

}  // namespace

std::string percent_text(int64_t part, int64_t whole) {
  if (whole <= 0) return part == 0 ? "0.0 %" : "-";
  const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  if (part > 0 && percent < 0.1) return "< 0.1 %";
  return format("%.1f", percent) + " %";
}

std::string TextTable::text(size_t indent) const {
  std::vector<size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    MEMOPT_CHECK(row.size() <= columns_.size());
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line(indent, ' ');
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += "  ";
      const std::string space(widths[i] - columns_of(row[i]), ' ');
      line += columns_[i] == Align::kRight ? space + row[i] : row[i] + space;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace memopt
