#include "passes/emit/report_budget.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "passes/emit/html_text.h"
#include "passes/emit/text_table.h"
#include "runtime/base/json_text.h"

namespace memopt {
namespace {

std::string times_text(double ratio) {
  std::ostringstream text;
  text.precision(ratio < 10 ? 3 : 4);
  text << ratio << " x";
  return text.str();
}

double relative_time(const BudgetCurve& curve, const BudgetPoint& point) {
  const double whole = curve.points.front().predicted_ns;
  return whole > 0 ? point.predicted_ns / whole : 1;
}

// Text of a model in a page.
std::string for_html(std::string_view text) { return html_text(printable(text, 200)); }

constexpr double kMargin = 56;

// Round numbers from 0 to `most`, `least` to twice as many steps; a step is 1, 2 or 5 times a power
// of `base`, or a power of it where that is 2.
std::vector<double> ticks(double most, int base, int least) {
  if (most <= 0) return {0};
  double step = std::pow(base, std::floor(std::log(most / least) / std::log(base)));
  if (base == 10 && most / step > 5 * least) step *= 5;
  if (base == 10 && most / step > 2 * least) step *= 2;
  std::vector<double> result;
  for (double at = 0; at <= most * 1.0001; at += step) result.push_back(at);
  return result;
}

// Bytes to the right, time upward, both from zero.
class Plot {
 public:
  // Sizes in pixels; `style` is a class of the page's style sheet.
  Plot(const BudgetCurve& curve, double width, double height, const char* style)
      : curve_(curve), width_(width), height_(height), style_(style) {
    for (const BudgetPoint& point : curve.points) {
      most_bytes_ = std::max(most_bytes_, static_cast<double>(point.arena_bytes));
      most_time_ = std::max(most_time_, relative_time(curve, point));
    }
  }

  std::string svg() const {
    std::ostringstream out;
    out << "<svg class=\"" << style_ << "\" viewBox=\"0 0 " << width_ << ' ' << height_
        << "\" role=\"img\" aria-label=\"Arena against time\">\n";
    const double x0 = x(0), y0 = y(0), x1 = x(most_bytes_), y1 = y(most_time_);
    out << "<path class=\"axis\" d=\"M" << x0 << ' ' << y1 << 'V' << y0 << 'H' << x1 << "\"/>\n";
    for (const double bytes : ticks(most_bytes_, 2, width_ < 500 ? 2 : 4)) {
      out << "<path class=\"axis\" d=\"M" << x(bytes) << ' ' << y0 << "v5\"/><text x=\"" << x(bytes)
          << "\" y=\"" << y0 + 18 << "\" text-anchor=\"middle\">"
          << size_text(static_cast<int64_t>(bytes)) << "</text>\n";
    }
    for (const double time : ticks(most_time_, 10, 4)) {
      out << "<path class=\"axis\" d=\"M" << x0 << ' ' << y(time) << "h-5\"/><text x=\"" << x0 - 8
          << "\" y=\"" << y(time) + 4 << "\" text-anchor=\"end\">" << times_text(time)
          << "</text>\n";
    }
    if (curve_.floor_bytes > 0) {
      const double floor = x(static_cast<double>(curve_.floor_bytes));
      out << "<path class=\"floor\" d=\"M" << floor << ' ' << y0 << 'V' << y1 << "\"/><text x=\""
          << floor + 4 << "\" y=\"" << y1 + 12 << "\">floor</text>\n";
    }
    // A budget between two points gets the smaller one: steps, not slopes.
    out << "<path class=\"curve\" d=\"";
    for (size_t i = 0; i < curve_.points.size(); ++i) {
      const BudgetPoint& point = curve_.points[i];
      const double px = x(static_cast<double>(point.arena_bytes));
      const double py = y(relative_time(curve_, point));
      out << (i == 0 ? "M" : "L") << px << ' ' << py;
      if (i + 1 < curve_.points.size())
        out << 'V' << y(relative_time(curve_, curve_.points[i + 1]));
    }
    out << "\"/>\n";
    for (const BudgetPoint& point : curve_.points) {
      out << "<circle cx=\"" << x(static_cast<double>(point.arena_bytes)) << "\" cy=\""
          << y(relative_time(curve_, point)) << "\" r=\"4\"><title>"
          << both_sizes_text(point.arena_bytes) << ", " << times_text(relative_time(curve_, point))
          << "</title></circle>\n";
    }
    out << "<text x=\"" << (x0 + x1) / 2 << "\" y=\"" << y0 + 40
        << "\" text-anchor=\"middle\">arena of one run</text><text x=\"" << x0 << "\" y=\""
        << y1 - 10 << "\">predicted time (1 x: without a budget)</text>\n"
        << "</svg>\n";
    return out.str();
  }

 private:
  double x(double bytes) const {
    return kMargin + (width_ - 2 * kMargin) * bytes / std::max(most_bytes_, 1.0);
  }
  double y(double time) const {
    return height_ - kMargin - (height_ - 2 * kMargin) * time / most_time_;
  }

  const BudgetCurve& curve_;
  double width_, height_;
  const char* style_;
  double most_bytes_ = 0;
  double most_time_ = 1;
};

constexpr std::string_view kHead = R"(<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root { --ink: #222222; --muted: #555b63; --line: #d8d8d2; --curve: #2266bb; --floor: #a82c2c; --ground: #ffffff; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #dddddd; --muted: #a2a8b0; --line: #3a4047; --curve: #7fb0ee; --floor: #ee8f83; --ground: #181a1d; }
}
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
  color: var(--ink); background: var(--ground); overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; }
svg { display: block; width: 100%; height: auto; } svg.narrow { display: none; }
text { font-size: 12px; fill: var(--muted); }
.axis { fill: none; stroke: var(--muted); } .curve { fill: none; stroke: var(--curve); stroke-width: 2; }
circle { fill: var(--curve); } .floor { stroke: var(--floor); stroke-dasharray: 4 4; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
td.n, th.n { text-align: right; } .n { white-space: nowrap; }
summary { cursor: pointer; } ul { margin: .3rem 0; padding-left: 1.2rem; color: var(--muted); }
@media screen and (max-width: 640px) {
  body { margin-top: 1rem; } svg.wide { display: none; } svg.narrow { display: block; }
  td, th { padding: .3rem; } td.n { white-space: normal; } td.n + td.n { white-space: nowrap; }
}
@page { margin: 12mm; }
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 12px; }
  tr, svg { break-inside: avoid; } ul { display: none; } summary { list-style: none; }
}
</style>
)";

// "2 rematerialize, 1 tile".
std::string moves_text(const BudgetPoint& point) {
  std::string what;
  for (const std::string_view name : {"small_scratch", "rematerialize", "micro_batch", "tile"}) {
    const auto count = std::count_if(point.moves.begin(), point.moves.end(), [&](const Move& move) {
      return technique_name(move) == name;
    });
    if (count == 0) continue;
    what += (what.empty() ? "" : ", ") + std::to_string(count) + ' ' + std::string(name);
  }
  return what;
}

// A point as a row; its moves open on demand, and paper has their number only.
std::string row_html(const BudgetCurve& curve, const BudgetPoint& point) {
  // On a narrow screen a line ends between the two sizes, and nowhere else.
  std::string bytes = both_sizes_text(point.arena_bytes);
  if (const size_t second = bytes.find('('); second != std::string::npos) {
    bytes = bytes.substr(0, second) + "<span class=\"n\">" + bytes.substr(second) + "</span>";
  }
  std::string row = "<tr><td class=\"n\">" + bytes + "</td><td class=\"n\">" +
                    times_text(relative_time(curve, point)) + "</td><td>";
  if (point.moves.empty()) return row + "nothing: the plan without a budget</td></tr>\n";
  row += "<details><summary>" + moves_text(point) + "</summary><ul>";
  for (const Move& move : point.moves) {
    row += "<li>" + for_html(describe(curve.base, move)) + "</li>";
  }
  return row + "</ul></details></td></tr>\n";
}

}  // namespace

std::string budget_text(const BudgetCurve& curve) {
  using Align = TextTable::Align;
  TextTable table({Align::kRight, Align::kRight, Align::kRight, Align::kLeft});
  for (const BudgetPoint& point : curve.points) {
    table.add({size_text(point.arena_bytes), exact_size_text(point.arena_bytes),
               times_text(relative_time(curve, point)),
               point.moves.empty() ? "no rewrite" : moves_text(point)});
  }
  std::string text = table.text(2);
  if (curve.floor_bytes > 0) {
    text += "  none gets below " + both_sizes_text(curve.floor_bytes) + ": " +
            printable(curve.floor_reason, 240) + '\n';
  }
  if (!curve.complete) text += "  stopped after " + std::to_string(curve.evaluations) + " plans\n";
  return text;
}

std::string budget_json(const BudgetCurve& curve, const std::string& model_name) {
  nlohmann::json points = nlohmann::json::array();
  for (const BudgetPoint& point : curve.points) {
    nlohmann::json moves = nlohmann::json::array();
    for (const Move& move : point.moves) moves.push_back(describe(curve.base, move));
    points.push_back({{"arena_bytes", point.arena_bytes},
                      {"predicted_ns", static_cast<int64_t>(point.predicted_ns)},
                      {"relative_time", relative_time(curve, point)},
                      {"moves", moves}});
  }
  const nlohmann::json json{{"schema", "memopt.pareto/1"},
                            {"model", model_name},
                            {"floor_bytes", curve.floor_bytes},
                            {"floor_reason", curve.floor_reason},
                            {"complete", curve.complete},
                            {"plans_tried", curve.evaluations},
                            {"points", points}};
  return json_text(json) + '\n';
}

std::string budget_html(const BudgetCurve& curve, const std::string& model_name) {
  std::ostringstream out;
  const std::string title = "Memory against time: " + for_html(model_name);
  out << "<!doctype html>\n<html lang=\"en\"><head>\n"
      << kHead << "<title>" << title << "</title>\n</head><body><main>\n<h1>" << title << "</h1>\n"
      << Plot(curve, 720, 360, "wide").svg() << Plot(curve, 340, 300, "narrow").svg()
      << "<table><thead><tr><th class=\"n\">Arena</th><th class=\"n\">Time</th>"
         "<th>What is done</th></tr></thead>\n<tbody>\n";
  for (const BudgetPoint& point : curve.points) out << row_html(curve, point);
  out << "</tbody></table>\n";
  if (curve.floor_bytes > 0) {
    out << "<p>No rewrite gets below " << both_sizes_text(curve.floor_bytes) << ": "
        << for_html(curve.floor_reason) << ".</p>\n";
  }
  out << "</main></body></html>\n";
  return out.str();
}

}  // namespace memopt
