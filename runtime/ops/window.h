// Output extents of sliding windows: convolution, its transpose, pooling. One entry per spatial
// dimension everywhere; `pads` holds all begins, then all ends.
#pragma once

#include <span>

#include "runtime/base/result.h"
#include "runtime/base/shape.h"

namespace memopt {

// The attributes that all windows share. The spans must outlive the value.
struct WindowView {
  std::span<const int64_t> kernel;
  std::span<const int64_t> strides;
  std::span<const int64_t> dilations;
  std::span<const int64_t> pads;
};

// ONNX's extents: floor (or ceil) of (in + pads - dilation (kernel - 1) - 1) / stride, plus 1; in
// ceil mode without a last window that would start in the end padding. `in` has the spatial
// dimensions only. An error if an attribute is missing or out of range, or a window does not fit.
Result<Dims> window_output(std::span<const int64_t> in, const WindowView& window, bool ceil_mode);

// The extents of the transposed convolution: stride (in - 1) + output_padding + dilation (kernel -
// 1) + 1 - pads.
Result<Dims> transposed_window_output(std::span<const int64_t> in, const WindowView& window,
                                      std::span<const int64_t> output_padding);

}  // namespace memopt
