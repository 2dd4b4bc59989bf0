#include "benchmarks/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace memopt {
namespace {

constexpr double kLeft = 70, kTop = 40, kWidth = 520, kHeight = 360;

struct Axis {
  double low, high;  // powers of ten
  double at(double value) const { return (std::log10(value) - low) / (high - low); }
};

Axis axis_of(const std::vector<double>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double low = std::floor(std::log10(*least));
  return {low, std::max(low + 1, std::ceil(std::log10(*most)))};
}

template <typename... Values>
void print(std::string& out, const char* format, Values... values) {
  char text[512];
  std::snprintf(text, sizeof(text), format, values...);
  out += text;
}

}  // namespace

std::string log_plot_svg(const std::string& title, const std::string& x_label,
                         const std::string& y_label, const std::vector<Curve>& curves) {
  static constexpr const char* kColors[] = {"#1b6ca8", "#d1495b", "#2e8b57", "#8e5ea2", "#d98e04"};
  std::vector<double> xs, ys;
  for (const Curve& curve : curves) {
    for (const auto& [x, y] : curve.points) {
      xs.push_back(x);
      ys.push_back(y);
    }
  }
  const Axis x_axis = axis_of(xs), y_axis = axis_of(ys);
  const auto x_of = [&](double x) { return kLeft + kWidth * x_axis.at(x); };
  const auto y_of = [&](double y) { return kTop + kHeight * (1 - y_axis.at(y)); };
  std::string out =
      "<svg xmlns='http://www.w3.org/2000/svg' width='740' height='460' font-family='sans-serif' "
      "font-size='12'><rect width='740' height='460' fill='white'/>\n";
  print(out, "<text x='%g' y='22' font-size='15'>%s</text>\n", kLeft, title.c_str());
  for (double power = x_axis.low; power <= x_axis.high; ++power) {
    const double x = x_of(std::pow(10, power));
    print(out,
          "<path d='M%.1f %g v%g' stroke='#ddd'/><text x='%.1f' y='%g' "
          "text-anchor='middle'>%g</text>\n",
          x, kTop, kHeight, x, kTop + kHeight + 18, std::pow(10, power));
  }
  for (double power = y_axis.low; power <= y_axis.high; ++power) {
    const double y = y_of(std::pow(10, power));
    print(
        out,
        "<path d='M%g %.1f h%g' stroke='#ddd'/><text x='%g' y='%.1f' text-anchor='end'>%g</text>\n",
        kLeft, y, kWidth, kLeft - 6, y + 4, std::pow(10, power));
  }
  print(out, "<text x='%g' y='%g' text-anchor='middle'>%s</text>\n", kLeft + kWidth / 2,
        kTop + kHeight + 38, x_label.c_str());
  print(out, "<text x='16' y='%g' transform='rotate(-90 16 %g)' text-anchor='middle'>%s</text>\n",
        kTop + kHeight / 2, kTop + kHeight / 2, y_label.c_str());
  // Linear growth is a diagonal of as many decades as both axes have.
  const double decades = std::min(x_axis.high - x_axis.low, y_axis.high - y_axis.low);
  print(out, "<path d='M%.1f %.1f L%.1f %.1f' stroke='#999' stroke-dasharray='4'/>\n",
        x_of(std::pow(10, x_axis.high - decades)), y_of(std::pow(10, y_axis.high - decades)),
        x_of(std::pow(10, x_axis.high)), y_of(std::pow(10, y_axis.high)));
  print(out, "<text x='%g' y='%g' fill='#777'>dashed: linear</text>\n", kLeft + kWidth + 14,
        kTop + 10);
  for (size_t i = 0; i < curves.size(); ++i) {
    const char* color = kColors[i % std::size(kColors)];
    std::string path;
    for (const auto& [x, y] : curves[i].points) {
      print(path, "%s%.1f %.1f ", path.empty() ? "M" : "L", x_of(x), y_of(y));
      print(out, "<circle cx='%.1f' cy='%.1f' r='3' fill='%s'/>\n", x_of(x), y_of(y), color);
    }
    out += "<path d='" + path + "' fill='none' stroke-width='1.5' stroke='" + color + "'/>\n";
    print(out, "<text x='%g' y='%g' fill='%s'>%s</text>\n", kLeft + kWidth + 14,
          kTop + 30 + 18 * static_cast<double>(i), color, curves[i].name.c_str());
  }
  return out + "</svg>\n";
}

}  // namespace memopt
