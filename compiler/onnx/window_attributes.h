// Attributes that convolutions and pools share: kernel, strides, dilations and padding, with
// auto_pad resolved.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/onnx/node_context.h"
#include "runtime/base/result.h"

namespace memopt {

// All lists have one entry per spatial dimension (pads: two); values are in [1, 2^22], pads may be
// of either sign.
struct WindowAttributes {
  std::vector<int64_t> kernel;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads;
  std::string auto_pad;  // NOTSET, VALID, SAME_UPPER or SAME_LOWER
};

// Reads and checks the attributes. `kernel` is the default for kernel_shape and must agree with it;
// where it is empty, kernel_shape is required. pads stay as given (zeros by default).
Result<WindowAttributes> read_window(NodeContext& node, int spatial_rank,
                                     const std::vector<int64_t>& kernel);

// read_window for windows that slide over `input` (N, C, spatial...): pads are what auto_pad asks
// for.
Result<WindowAttributes> read_sliding_window(NodeContext& node, const Dims& input,
                                             const std::vector<int64_t>& kernel);

// (kernel - 1) * dilation + 1.
inline int64_t window_extent(const WindowAttributes& window, size_t i) {
  return (window.kernel[i] - 1) * window.dilations[i] + 1;
}

}  // namespace memopt
