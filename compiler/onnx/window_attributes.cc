#include "compiler/onnx/window_attributes.h"

#include <algorithm>
#include <cstdlib>

namespace memopt {
namespace {

// Products of two of these and a dimension stay far from overflow.
constexpr int64_t kMaxWindowValue = int64_t{1} << 22;

Status check_list(const NodeContext& node, const char* name, const std::vector<int64_t>& values,
                  size_t count, int64_t min) {
  if (values.size() != count) {
    return node.error(std::string(name) + " has " + std::to_string(values.size()) +
                      " entries, needed " + std::to_string(count));
  }
  for (const int64_t value : values) {
    if (value < min || value > kMaxWindowValue) {
      return node.error(std::string(name) + " holds " + std::to_string(value) + ", needed " +
                        std::to_string(min) + " to " + std::to_string(kMaxWindowValue));
    }
  }
  return {};
}

}  // namespace

Result<WindowAttributes> read_window(NodeContext& node, int spatial_rank,
                                     const std::vector<int64_t>& kernel) {
  const auto n = static_cast<size_t>(spatial_rank);
  WindowAttributes window{.kernel = node.attr_ints("kernel_shape", kernel),
                          .strides = node.attr_ints("strides", std::vector<int64_t>(n, 1)),
                          .dilations = node.attr_ints("dilations", std::vector<int64_t>(n, 1)),
                          .pads = node.attr_ints("pads", std::vector<int64_t>(2 * n, 0)),
                          .auto_pad = node.attr_string("auto_pad", "NOTSET")};
  MEMOPT_RETURN_IF_ERROR(check_list(node, "kernel_shape", window.kernel, n, 1));
  MEMOPT_RETURN_IF_ERROR(check_list(node, "strides", window.strides, n, 1));
  MEMOPT_RETURN_IF_ERROR(check_list(node, "dilations", window.dilations, n, 1));
  MEMOPT_RETURN_IF_ERROR(check_list(node, "pads", window.pads, 2 * n, -kMaxWindowValue));
  if (!kernel.empty() && window.kernel != kernel) {
    return node.error("kernel_shape does not agree with the shape of the weights");
  }
  const std::string& mode = window.auto_pad;
  if (mode.empty()) {
    window.auto_pad = "NOTSET";
  } else if (mode != "NOTSET" && mode != "VALID" && mode != "SAME_UPPER" && mode != "SAME_LOWER") {
    return node.error("unknown auto_pad '" + mode + "'");
  }
  return window;
}

Result<WindowAttributes> read_sliding_window(NodeContext& node, const Dims& input,
                                             const std::vector<int64_t>& kernel) {
  if (input.rank() < 3) {
    return node.error("needed an operand (N, C, spatial...), found " + to_string(input));
  }
  const int spatial_rank = input.rank() - 2;
  MEMOPT_ASSIGN_OR_RETURN(WindowAttributes window, read_window(node, spatial_rank, kernel));
  if (window.auto_pad == "NOTSET") return window;
  const auto n = static_cast<size_t>(spatial_rank);
  std::fill(window.pads.begin(), window.pads.end(), 0);
  if (window.auto_pad == "VALID") return window;
  for (size_t i = 0; i < n; ++i) {
    const int64_t extent = input[static_cast<int>(i) + 2];
    const int64_t output = (extent + window.strides[i] - 1) / window.strides[i];
    const int64_t total =
        std::max<int64_t>(0, (output - 1) * window.strides[i] + window_extent(window, i) - extent);
    const int64_t smaller = total / 2;
    window.pads[i] = window.auto_pad == "SAME_UPPER" ? smaller : total - smaller;
    window.pads[i + n] = total - window.pads[i];
  }
  return window;
}

}  // namespace memopt
