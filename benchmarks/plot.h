// Growth curves as an SVG picture.
#pragma once

#include <string>
#include <vector>

namespace memopt {

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;  // positive
};

// Both axes logarithmic, with a line of linear growth to compare with.
std::string log_plot_svg(const std::string& title, const std::string& x_label,
                         const std::string& y_label, const std::vector<Curve>& curves);

}  // namespace memopt
