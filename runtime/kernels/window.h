// Sliding windows over up to three spatial dimensions, as kernels walk them. Tensors
// have dimensions (N, C, spatial...) and any strides; missing spatial dimensions have extent 1.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/base/tensor.h"

namespace memopt {

// One spatial dimension. Steps are strides in elements.
struct WindowAxis {
  int64_t in = 1;
  int64_t out = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad = 0;  // at the begin
  int64_t x_step = 0;
  int64_t y_step = 0;
};
using WindowAxes = std::array<WindowAxis, 3>;

// `kernel` has the spatial extents of the window; `pads` begins with the begins.
inline WindowAxes window_axes(const Tensor& x, const Tensor& y, std::span<const int64_t> kernel,
                              std::span<const int64_t> strides, std::span<const int64_t> dilations,
                              std::span<const int64_t> pads) {
  WindowAxes axes;
  const int n = x.rank() - 2;
  for (int i = 0; i < n; ++i) {
    const size_t at = static_cast<size_t>(i);
    axes[static_cast<size_t>(3 - n + i)] = {
        .in = x.dims[2 + i],
        .out = y.dims[2 + i],
        .kernel = kernel[at],
        .stride = strides[at],
        .dilation = dilations[at],
        .pad = pads[at],
        .x_step = x.strides[2 + i],
        .y_step = y.strides[2 + i],
    };
  }
  return axes;
}

inline int64_t positions(const WindowAxes& axes) { return axes[0].out * axes[1].out * axes[2].out; }

// The coordinates of output position `i` in row-major order.
inline std::array<int64_t, 3> position(const WindowAxes& axes, int64_t i) {
  return {i / (axes[2].out * axes[1].out), i / axes[2].out % axes[1].out, i % axes[2].out};
}

}  // namespace memopt
