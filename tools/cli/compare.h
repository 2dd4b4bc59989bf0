// Is an output what was expected?
#pragma once

#include <cstdint>
#include <string>

#include "runtime/base/tensor_data.h"

namespace memopt {

// A float passes if |got - want| <= absolute + relative |want| + range R, where R is the range of
// the output: the largest finite |want| of the tensor (1 if that is 0). The first two are numpy's
// atol and rtol. NaN equals NaN, infinities equal themselves. Everything else must be exact.
struct Tolerance {
  double absolute = 0;
  double relative = 0;
  double range = 0;
};
// Where nobody gives another: rounding of sums grows with what is summed, not with the result.
inline constexpr Tolerance kDefaultTolerance = {.absolute = 0, .relative = 0, .range = 1e-3};

struct Comparison {
  std::string problem;  // why nothing was compared: shapes or element types differ
  int64_t elements = 0;
  int64_t differing = 0;     // outside of the tolerance
  double largest_error = 0;  // max |got - want| over finite elements
  double range = 1;          // R
  int64_t worst = 0;         // index of an element with the largest error, or that differs
  double worst_got = 0, worst_want = 0;
  bool ok() const { return problem.empty() && differing == 0; }
};

// `stride` 1: same shapes, all elements. Above: `want` is a list of got's elements 0, stride,
// 2 stride, ... in row-major order.
Comparison compare(const TensorData& got, const TensorData& want, int64_t stride,
                   const Tolerance& tolerance);

// One line for people.
std::string to_string(const Comparison& comparison);

}  // namespace memopt
