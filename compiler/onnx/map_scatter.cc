// Operators that write or add elements at places which indices or windows name.
#include <algorithm>

#include "compiler/onnx/mapping.h"
#include "compiler/onnx/types.h"
#include "compiler/onnx/window_attributes.h"

namespace memopt {
namespace {

Result<ScatterFn> scatter_fn(NodeContext& node) {
  const std::string reduction = node.attr_string("reduction", "none");
  if (reduction == "none") return ScatterFn::kReplace;
  const auto* begin = std::begin(EnumNames<ScatterFn>::kNames);
  const auto* end = std::end(EnumNames<ScatterFn>::kNames);
  const auto* found = std::find(begin + 1, end, reduction);  // behind "replace"
  if (found == end) return node.error("unknown reduction '" + reduction + "'");
  return static_cast<ScatterFn>(found - begin);
}

// Also Scatter, its name below opset 11.
Status map_scatter_elements(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const int64_t axis, node.axis_of(node.attr_int("axis", 0), node.rank(0)));
  MEMOPT_ASSIGN_OR_RETURN(const ScatterFn fn, scatter_fn(node));
  return node.result(ScatterElements{.axis = axis, .fn = fn}, node.all_inputs());
}

Status map_scatter_nd(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const ScatterFn fn, scatter_fn(node));
  return node.result(ScatterND{.fn = fn}, node.all_inputs());
}

Status map_col_to_im(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<int64_t> image, node.constant_ints(1, "image_shape"));
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<int64_t> block, node.constant_ints(2, "block_shape"));
  MEMOPT_ASSIGN_OR_RETURN(const Dims checked, checked_dims(image));
  MEMOPT_ASSIGN_OR_RETURN(const WindowAttributes window, read_window(node, checked.rank(), block));
  return node.result(ColToIm{.image = image,
                             .block = window.kernel,
                             .strides = window.strides,
                             .dilations = window.dilations,
                             .pads = window.pads},
                     {node.in(0)});
}

constexpr NodeMapping kMappings[] = {
    {"Col2Im", 3, 3, map_col_to_im},
    {"Scatter", 3, 3, map_scatter_elements},
    {"ScatterElements", 3, 3, map_scatter_elements},
    {"ScatterND", 3, 3, map_scatter_nd},
};

}  // namespace

std::span<const NodeMapping> scatter_mappings() { return kMappings; }

}  // namespace memopt
