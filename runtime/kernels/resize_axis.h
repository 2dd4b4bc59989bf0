// Resize is separable: along every axis an output element is a weighted sum of a few neighbouring
// input elements. The weights of each axis are worked out once, when a kernel is made. Definitions:
// ONNX Resize and its reference implementation (edge padding, windows that prefer the left
// neighbour, weights by ratio).
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/base/shape.h"
#include "runtime/ops/movement.h"

namespace memopt {

// The window of one output coordinate: weights of the input coordinates [first, first + count).
struct ResizeWindow {
  int64_t first = 0;
  int64_t count = 0;
  size_t weights = 0;    // index of the first weight in ResizeAxis::weights
  bool outside = false;  // gives extrapolation_value (tf_crop_and_resize)
};

struct ResizeAxis {
  std::vector<ResizeWindow> windows;  // one per output coordinate
  std::vector<double> weights;
};

// One per dimension of an input of dimensions `in`; without windows where the result is empty.
std::vector<ResizeAxis> make_resize_axes(const Resize& op, const Dims& in);

}  // namespace memopt
