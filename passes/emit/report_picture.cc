#include "passes/emit/report_picture.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "passes/emit/html_text.h"
#include "passes/emit/text_table.h"
#include "runtime/base/checked.h"
#include "runtime/kernels/kernel.h"

namespace memopt {
namespace {

constexpr double kPanelWidth = 400, kPanelHeight = 300, kTop = 56, kMargin = 16, kGap = 48;
constexpr std::array<const char*, 8> kColours = {"#8aa9cf", "#93c0a6", "#d9b48a", "#b9a3cc",
                                                 "#86b9bf", "#d9a3a3", "#b1bd80", "#a8addc"};
constexpr const char* kScratch = "#d69a4a";

// Of the picture, in steps and bytes.
struct Rectangle {
  int64_t begin = 0, end = 0, offset = 0, bytes = 0;
  const char* colour = kScratch;
};

class Svg {
 public:
  Svg(const Report& report, int64_t top_bytes)
      : step_scale_(kPanelWidth / std::max(1.0, static_cast<double>(report.steps.size()))),
        byte_scale_(kPanelHeight / std::max(1.0, static_cast<double>(top_bytes))) {}

  void text(double x, double y, const char* style, const std::string& words) {
    std::array<char, 64> at;
    std::snprintf(at.data(), at.size(), "<text x=\"%.1f\" y=\"%.1f\" ", x, y);
    out_ += at.data();
    out_ += std::string(style) + '>' + html_text(words) + "</text>\n";
  }

  void panel(double x, const std::vector<Rectangle>& boxes, int64_t height_bytes) {
    rectangle(x, kTop, kPanelWidth, kPanelHeight, "#8a93a0", "fill-opacity=\"0.10\"");
    for (const Rectangle& box : boxes) {
      const double height = static_cast<double>(box.bytes) * byte_scale_;
      rectangle(x + static_cast<double>(box.begin) * step_scale_,
                kTop + kPanelHeight - static_cast<double>(box.offset) * byte_scale_ - height,
                static_cast<double>(box.end - box.begin) * step_scale_, height, box.colour, "");
    }
    const double line = kTop + kPanelHeight - static_cast<double>(height_bytes) * byte_scale_;
    rectangle(x, line - 0.75, kPanelWidth, 1.5, "#c0602a", "");
  }

  std::string take() { return std::move(out_); }

 private:
  void rectangle(double x, double y, double width, double height, const char* fill,
                 const char* more) {
    std::array<char, 160> text;
    std::snprintf(text.data(), text.size(),
                  "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\" %s/>\n",
                  x, y, std::max(0.3, width), std::max(0.15, height), fill, more);
    out_ += text.data();
  }

  double step_scale_, byte_scale_;
  std::string out_;
};

}  // namespace

std::string picture_svg(const Report& report) {
  std::vector<Rectangle> before, after;
  int64_t reached = 0;  // of the naive layout
  const auto add = [&](Rectangle box) {
    if (box.bytes == 0 || box.begin >= box.end) return;
    after.push_back(box);
    box.offset = reached;
    reached += align_up(box.bytes, kArenaAlignment);
    before.push_back(box);
  };
  // In the order of their first step, so that the left picture is a staircase.
  std::vector<uint32_t> roots;
  for (uint32_t i = 0; i < report.tensors.size(); ++i) {
    if (report.tensors[i].storage == Storage::kArena && report.tensors[i].root == i) {
      roots.push_back(i);
    }
  }
  std::stable_sort(roots.begin(), roots.end(), [&](uint32_t a, uint32_t b) {
    return report.tensors[a].begin < report.tensors[b].begin;
  });
  for (size_t k = 0; k < roots.size(); ++k) {
    const ReportTensor& tensor = report.tensors[roots[k]];
    add({tensor.begin, tensor.end, tensor.offset, tensor.bytes, kColours[k % kColours.size()]});
  }
  for (size_t s = 0; s < report.steps.size(); ++s) {
    const auto step = static_cast<int64_t>(s);
    add({step, step + 1, report.steps[s].scratch_offset, report.steps[s].scratch_bytes, kScratch});
  }
  const int64_t naive = std::max(reached, report.bytes.arena);
  const double right = kMargin + kPanelWidth + kGap;
  Svg svg(report, naive);
  const char* title = "font-size=\"15\" font-weight=\"600\"";
  const char* note = "font-size=\"12\"";
  svg.text(kMargin, 22, title, "Every tensor in its own memory: " + size_text(reached));
  svg.text(right, 22, title, "Planned: " + size_text(report.bytes.arena));
  svg.text(kMargin, 42, note, printable(report.model, 60));
  svg.text(right, 42, note,
           report.proved_optimal() ? "the lower bound"
                                   : "lower bound " + size_text(report.lower_bound_bytes));
  svg.panel(kMargin, before, reached);
  svg.panel(right, after, report.bytes.arena);
  svg.text(kMargin, kTop + kPanelHeight + 20, note, "steps \u2192, addresses \u2191, same scale");
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 880 388\" "
         "font-family=\"system-ui, sans-serif\" fill=\"#6b7480\">\n" +
         svg.take() + "</svg>\n";
}

}  // namespace memopt
