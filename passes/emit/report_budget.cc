#include "passes/emit/report_budget.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

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
std::string for_html(std::string_view text) {
  std::string safe;
  for (const char c : printable(text, 200)) {
    switch (c) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

constexpr double kWidth = 720, kHeight = 360, kMargin = 56;

// Round numbers from 0 to `most`, four to eight steps; a step is 1, 2 or 5 times a power of `base`,
// or a power of it where that is 2.
std::vector<double> ticks(double most, int base) {
  if (most <= 0) return {0};
  double step = std::pow(base, std::floor(std::log(most / 4) / std::log(base)));
  if (base == 10 && most / step > 20) step *= 5;
  if (base == 10 && most / step > 8) step *= 2;
  std::vector<double> result;
  for (double at = 0; at <= most * 1.0001; at += step) result.push_back(at);
  return result;
}

// Bytes to the right, time upward, both from zero.
class Plot {
 public:
  explicit Plot(const BudgetCurve& curve) : curve_(curve) {
    for (const BudgetPoint& point : curve.points) {
      most_bytes_ = std::max(most_bytes_, static_cast<double>(point.arena_bytes));
      most_time_ = std::max(most_time_, relative_time(curve, point));
    }
  }

  std::string svg() const {
    std::ostringstream out;
    out << "<svg viewBox=\"0 0 " << kWidth << ' ' << kHeight
        << "\" role=\"img\" aria-label=\"Arena against time\">\n";
    const double x0 = x(0), y0 = y(0), x1 = x(most_bytes_), y1 = y(most_time_);
    out << "<path class=\"axis\" d=\"M" << x0 << ' ' << y1 << 'V' << y0 << 'H' << x1 << "\"/>\n";
    for (const double bytes : ticks(most_bytes_, 2)) {
      out << "<path class=\"axis\" d=\"M" << x(bytes) << ' ' << y0 << "v5\"/><text x=\"" << x(bytes)
          << "\" y=\"" << y0 + 18 << "\" text-anchor=\"middle\">"
          << size_text(static_cast<int64_t>(bytes)) << "</text>\n";
    }
    for (const double time : ticks(most_time_, 10)) {
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
        << y1 - 10 << "\">predicted time of one run, relative to the plan without a budget</text>\n"
        << "</svg>\n";
    return out.str();
  }

 private:
  double x(double bytes) const {
    return kMargin + (kWidth - 2 * kMargin) * bytes / std::max(most_bytes_, 1.0);
  }
  double y(double time) const {
    return kHeight - kMargin - (kHeight - 2 * kMargin) * time / most_time_;
  }

  const BudgetCurve& curve_;
  double most_bytes_ = 0;
  double most_time_ = 1;
};

constexpr std::string_view kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;"
    "color:#222;background:#fff}svg{width:100%;height:auto}.axis{fill:none;stroke:#888}"
    ".floor{stroke:#b33;stroke-dasharray:4 4}.curve{fill:none;stroke:#27c;stroke-width:2}"
    "circle{fill:#27c}text{font-size:12px;fill:#555}table{border-collapse:collapse;width:100%}"
    "td,th{border-bottom:1px solid #ddd;padding:.3rem .6rem;text-align:left;vertical-align:top}"
    "td.n{text-align:right;white-space:nowrap}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}text{fill:#aaa}}";

}  // namespace

std::string budget_text(const BudgetCurve& curve) {
  using Align = TextTable::Align;
  TextTable table({Align::kRight, Align::kRight, Align::kRight, Align::kLeft});
  for (const BudgetPoint& point : curve.points) {
    std::string what = point.moves.empty() ? "no rewrite" : "";
    for (const std::string_view name : {"small_scratch", "rematerialize", "micro_batch", "tile"}) {
      const auto count =
          std::count_if(point.moves.begin(), point.moves.end(),
                        [&](const Move& move) { return technique_name(move) == name; });
      if (count > 0) {
        what += (what.empty() ? "" : ", ") + std::to_string(count) + ' ' + std::string(name);
      }
    }
    table.add({size_text(point.arena_bytes), exact_size_text(point.arena_bytes),
               times_text(relative_time(curve, point)), what});
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
  out << "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>" << title
      << "</title>\n<style>" << kStyle << "</style>\n<h1>" << title << "</h1>\n"
      << Plot(curve).svg() << "<table><tr><th>Arena<th>Predicted time<th>What is done</tr>\n";
  for (const BudgetPoint& point : curve.points) {
    out << "<tr><td class=\"n\">" << both_sizes_text(point.arena_bytes) << "<td class=\"n\">"
        << times_text(relative_time(curve, point)) << "<td>";
    if (point.moves.empty()) out << "nothing: the plan without a budget";
    for (const Move& move : point.moves) out << for_html(describe(curve.base, move)) << "<br>";
    out << "</tr>\n";
  }
  out << "</table>\n";
  if (curve.floor_bytes > 0) {
    out << "<p>No rewrite gets below " << both_sizes_text(curve.floor_bytes) << ": "
        << for_html(curve.floor_reason) << ".</p>\n";
  }
  out << "</html>\n";
  return out.str();
}

}  // namespace memopt
