// What a test asks of a page as text.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace memopt {

inline size_t count_of(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

// What is between `open` and the `close` behind it; empty where either is missing.
inline std::string_view between(std::string_view text, std::string_view open,
                                std::string_view close) {
  const size_t at = text.find(open);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + open.size());
  const size_t end = text.find(close);
  return end == std::string_view::npos ? std::string_view() : text.substr(0, end);
}

// WCAG's relative luminance of the colour "--name: #rrggbb" among `variables`.
inline std::optional<double> luminance(std::string_view variables, const std::string& name) {
  const std::string_view hex = between(variables, "--" + name + ": #", ";");
  if (hex.size() != 6) return std::nullopt;
  double sum = 0;
  for (int i = 0; i < 3; ++i) {
    const std::string digits(hex.substr(static_cast<size_t>(2 * i), 2));
    const double part = static_cast<double>(std::strtol(digits.c_str(), nullptr, 16)) / 255;
    const double linear = part <= 0.03928 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4);
    sum += linear * (i == 0 ? 0.2126 : i == 1 ? 0.7152 : 0.0722);
  }
  return sum;
}

// WCAG's contrast of two such colours; 0 where one of them is not there.
inline double contrast(std::string_view variables, const std::string& a, const std::string& b) {
  const auto first = luminance(variables, a), second = luminance(variables, b);
  if (!first || !second) return 0;
  return (std::max(*first, *second) + 0.05) / (std::min(*first, *second) + 0.05);
}

}  // namespace memopt
