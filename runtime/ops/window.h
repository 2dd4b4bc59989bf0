// Output extents of sliding windows: convolution, its transpose, pooling. One entry per spatial
// dimension everywhere; `pads` holds all begins, then all ends.
#pragma once

#include <span>

#include "runtime/base/result.h"
#include "runtime/base/shape.h"
#include "runtime/ops/op_def.h"

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

// Rows of a sliding window's result along one dimension: the rows of the input that they read (at
// least one), and the padding around those that makes the result begin and end with these rows.
// Padding is negative where the window lies beyond the one row that was taken.
struct WindowBand {
  Interval rows;
  int64_t pad_begin = 0;
  int64_t pad_end = 0;
};

// `in` >= 1 is the extent of dimension `i` of the input; `rows` of the result, not empty.
WindowBand window_band(int64_t in, const WindowView& window, size_t i, Interval rows);

}  // namespace memopt
