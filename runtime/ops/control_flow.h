// Operators that hold regions (graphs of their own). What a region uses from outside is an explicit
// input.
#pragma once

#include <string_view>
#include <tuple>

#include "runtime/ops/fields.h"

namespace memopt {

// Inputs: condition (bool scalar), then what both regions read. Regions: then, else.
struct If {
  static constexpr std::string_view kName = "if";
  static constexpr auto fields() { return std::tuple{}; }
  bool operator==(const If&) const = default;
};

// Inputs: trip count?, condition?, `carried` loop-carried values, then what the region reads from
// outside. Region inputs: iteration, condition, carried..., outside... .
struct Loop {
  static constexpr std::string_view kName = "loop";
  int64_t carried = 0;
  static constexpr auto fields() { return std::tuple{Field{"carried", &Loop::carried}}; }
  bool operator==(const Loop&) const = default;
};

// Inputs: states, scanned inputs (`scanned` of them, along `axes`), then what the region reads from
// outside.
struct Scan {
  static constexpr std::string_view kName = "scan";
  int64_t scanned = 0;
  std::vector<int64_t> input_axes;
  std::vector<int64_t> input_directions;
  std::vector<int64_t> output_axes;
  std::vector<int64_t> output_directions;
  static constexpr auto fields() {
    return std::tuple{Field{"scanned", &Scan::scanned}, Field{"input_axes", &Scan::input_axes},
                      Field{"input_directions", &Scan::input_directions},
                      Field{"output_axes", &Scan::output_axes},
                      Field{"output_directions", &Scan::output_directions}};
  }
  bool operator==(const Scan&) const = default;
};

}  // namespace memopt
