#include "passes/emit/report_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "passes/emit/text_table.h"

namespace memopt {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

struct Glyphs {
  const char* free;
  const char* small;
  const char* scratch;
  std::array<const char*, 9> levels;
  const char* mark;
};
constexpr Glyphs kUnicode = {"·", "░", "▒", {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}, "▲"};
constexpr Glyphs kAscii = {".", ":", "#", {" ", "_", "_", ".", ".", "-", "-", "=", "="}, "^"};

// A grid over [0, steps) x [0, arena bytes); each cell remembers what covers most of it.
class Picture {
 public:
  Picture(const Report& report, int columns, int rows)
      : columns_(columns),
        rows_(rows),
        step_scale_(columns / std::max(1.0, static_cast<double>(report.steps.size()))),
        byte_scale_(rows / std::max(1.0, static_cast<double>(report.bytes.arena))),
        cells_(static_cast<size_t>(columns) * static_cast<size_t>(rows)) {}

  void add(int64_t begin, int64_t end, int64_t offset, int64_t bytes, const char* glyph) {
    const double left = static_cast<double>(begin) * step_scale_;
    const double right = static_cast<double>(end) * step_scale_;
    const double low = static_cast<double>(offset) * byte_scale_;
    const double high = static_cast<double>(offset + bytes) * byte_scale_;
    for (int row = static_cast<int>(low); row < rows_ && row < high; ++row) {
      const double height = std::min(high, row + 1.0) - std::max(low, static_cast<double>(row));
      for (int column = static_cast<int>(left); column < columns_ && column < right; ++column) {
        const double width =
            std::min(right, column + 1.0) - std::max(left, static_cast<double>(column));
        Cell& cell = cells_[index(row, column)];
        if (width * height <= cell.covered) continue;
        cell.covered = width * height;
        cell.glyph = glyph;
      }
    }
  }

  std::string row(int row, const char* free) const {
    std::string line;
    for (int column = 0; column < columns_; ++column) {
      const Cell& cell = cells_[index(row, column)];
      line += cell.glyph != nullptr ? cell.glyph : free;
    }
    return line;
  }

 private:
  struct Cell {
    double covered = 0;
    const char* glyph = nullptr;
  };
  size_t index(int row, int column) const {
    return static_cast<size_t>(row) * static_cast<size_t>(columns_) + static_cast<size_t>(column);
  }

  int columns_, rows_;
  double step_scale_, byte_scale_;
  std::vector<Cell> cells_;
};

// Roots of the arena, those with the largest area first.
std::vector<uint32_t> by_area(const Report& report) {
  std::vector<uint32_t> roots;
  for (uint32_t i = 0; i < report.tensors.size(); ++i) {
    const ReportTensor& tensor = report.tensors[i];
    if (tensor.storage == Storage::kArena && tensor.root == i && tensor.end > tensor.begin &&
        tensor.bytes > 0) {
      roots.push_back(i);
    }
  }
  const auto area = [&](uint32_t i) {
    const ReportTensor& tensor = report.tensors[i];
    return static_cast<double>(tensor.bytes) * static_cast<double>(tensor.end - tensor.begin);
  };
  std::stable_sort(roots.begin(), roots.end(),
                   [&](uint32_t a, uint32_t b) { return area(a) > area(b); });
  return roots;
}

// The columns [first, last) of one step.
std::pair<int, int> columns_of(const Report& report, int64_t step, int columns) {
  const auto steps = static_cast<int64_t>(report.steps.size());
  const auto first = static_cast<int>(step * columns / steps);
  return {first, std::max(first + 1, static_cast<int>((step + 1) * columns / steps))};
}

std::string curve(const Report& report, int columns, const Glyphs& glyphs) {
  std::vector<int64_t> highest(static_cast<size_t>(columns), 0);
  for (size_t step = 0; step < report.steps.size(); ++step) {
    const auto [first, last] = columns_of(report, static_cast<int64_t>(step), columns);
    for (int column = first; column < std::min(last, columns); ++column) {
      int64_t& value = highest[static_cast<size_t>(column)];
      value = std::max(value, report.steps[step].live_bytes);
    }
  }
  const double scale = 8.0 / std::max(1.0, static_cast<double>(report.bytes.arena));
  std::string line;
  for (const int64_t value : highest) {
    const int64_t level = std::llround(static_cast<double>(value) * scale);
    line += glyphs.levels[static_cast<size_t>(std::min<int64_t>(level, 8))];
  }
  return line;
}

std::string padded(const std::string& text, size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

}  // namespace

std::string map_text(const Report& report, const MapOptions& options) {
  const int columns = std::clamp(options.columns, 8, 1000);
  const int rows = std::clamp(options.rows, 4, 1000);
  const Glyphs& glyphs = options.ascii ? kAscii : kUnicode;
  if (report.steps.empty() || report.bytes.arena == 0) return "the arena is empty\n";

  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> out;
    for (const char letter : kLetters) out.emplace_back(1, letter);
    return out;
  }();
  Picture picture(report, columns, rows);
  const std::vector<uint32_t> roots = by_area(report);
  TextTable legend({TextTable::Align::kLeft, TextTable::Align::kRight, TextTable::Align::kLeft,
                    TextTable::Align::kLeft});
  for (size_t k = 0; k < roots.size(); ++k) {
    const ReportTensor& tensor = report.tensors[roots[k]];
    picture.add(tensor.begin, tensor.end, tensor.offset, tensor.bytes,
                k < kNames.size() ? kNames[k].c_str() : glyphs.small);
    if (k >= kNames.size()) continue;
    legend.add({kNames[k], size_text(tensor.bytes),
                "steps " + std::to_string(tensor.begin) + " to " + std::to_string(tensor.end - 1),
                printable(tensor.name, 56)});
  }
  for (size_t step = 0; step < report.steps.size(); ++step) {
    const ReportStep& at = report.steps[step];
    if (at.scratch_bytes == 0) continue;
    const auto begin = static_cast<int64_t>(step);
    picture.add(begin, begin + 1, at.scratch_offset, at.scratch_bytes, glyphs.scratch);
  }

  constexpr size_t kMargin = 10;
  std::string out;
  for (int row = rows - 1; row >= 0; --row) {
    const bool labelled = row == rows - 1 || row % 4 == 0;
    const int64_t address = row == rows - 1 ? report.bytes.arena : report.bytes.arena / rows * row;
    out +=
        padded(labelled ? size_text(address) : "", kMargin) + ' ' + picture.row(row, glyphs.free);
    out += '\n';
  }
  out += padded("live", kMargin) + ' ' + curve(report, columns, glyphs) + '\n';
  const int peak = columns_of(report, report.peak_step, columns).first;
  out += std::string(kMargin + 1 + static_cast<size_t>(peak), ' ') + glyphs.mark + " peak, step " +
         std::to_string(report.peak_step) + " of " + std::to_string(report.steps.size()) + '\n';
  out += '\n' + legend.text(2) + "  " + glyphs.scratch + "  scratch   ";
  if (roots.size() > kNames.size()) out += std::string(glyphs.small) + "  smaller tensors   ";
  return out + glyphs.free + "  free\n";
}

}  // namespace memopt
