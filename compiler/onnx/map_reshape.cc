// Operators that give the same elements other dimensions.
#include <algorithm>

#include "compiler/onnx/mapping.h"
#include "compiler/onnx/types.h"
#include "runtime/base/checked.h"

namespace memopt {
namespace {

Status reshape_to(NodeContext& node, const std::vector<int64_t>& dims) {
  MEMOPT_ASSIGN_OR_RETURN(const Dims checked, checked_dims(dims));
  return node.result(Reshape{.dims = {checked.begin(), checked.end()}}, {node.in(0)});
}

Status map_reshape(NodeContext& node) {
  std::vector<int64_t> shape = node.attr_ints("shape");  // below opset 5
  if (node.opset() >= 5) {
    MEMOPT_ASSIGN_OR_RETURN(shape, node.constant_ints(1, "shape"));
  }
  const Dims& dims = node.dims(0);
  const bool copies_zeros = !node.attr_bool("allowzero", false);
  int64_t known = 1;
  size_t unknown = shape.size();
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && copies_zeros) {
      if (static_cast<int>(i) >= dims.rank()) {
        return node.error("entry " + std::to_string(i) + " of the shape copies a dimension that " +
                          to_string(node.type(0)) + " does not have");
      }
      shape[i] = dims[static_cast<int>(i)];
    }
    if (shape[i] == -1) {
      if (unknown != shape.size()) return node.error("the shape has two entries of -1");
      unknown = i;
      continue;
    }
    const std::optional<int64_t> product = checked_mul(known, shape[i]);
    if (shape[i] < 0 || !product) return node.error("the shape is out of range");
    known = *product;
  }
  if (unknown != shape.size()) {
    const int64_t count = node.type(0).count();
    if (known == 0 || count % known != 0) {
      return node.error(std::to_string(count) + " elements do not divide by " +
                        std::to_string(known));
    }
    shape[unknown] = count / known;
  }
  return reshape_to(node, shape);
}

Status map_flatten(NodeContext& node) {
  const Dims& dims = node.dims(0);
  const int rank = dims.rank();
  int64_t axis = node.attr_int("axis", 1);
  if (axis < -rank || axis > rank) {
    return node.error("axis " + std::to_string(axis) + " is out of range for rank " +
                      std::to_string(rank));
  }
  if (axis < 0) axis += rank;
  std::vector<int64_t> shape{1, 1};
  for (int i = 0; i < rank; ++i) {
    int64_t& side = shape[i < axis ? 0 : 1];
    const std::optional<int64_t> product = checked_mul(side, dims[i]);
    if (!product) return node.error("the result is too large");
    side = *product;
  }
  return reshape_to(node, shape);
}

// The axes of Squeeze and Unsqueeze: an attribute below opset 13.
Result<std::vector<int64_t>> axes_list(NodeContext& node) {
  if (node.opset() < 13) return node.attr_ints("axes");
  if (!node.has(1)) return std::vector<int64_t>{};
  return node.constant_ints(1, "axes");
}

Status map_squeeze(NodeContext& node) {
  const Dims& dims = node.dims(0);
  const bool all = node.opset() < 13 ? !node.has_attribute("axes") : !node.has(1);
  MEMOPT_ASSIGN_OR_RETURN(std::vector<int64_t> axes, axes_list(node));
  MEMOPT_ASSIGN_OR_RETURN(axes, node.axes_of(axes, dims.rank()));
  std::vector<int64_t> shape;
  for (int i = 0; i < dims.rank(); ++i) {
    const bool listed = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (listed && dims[i] != 1) {
      return node.error("dimension " + std::to_string(i) + " of " + to_string(node.type(0)) +
                        " is not 1");
    }
    if (!listed && !(all && dims[i] == 1)) shape.push_back(dims[i]);
  }
  return reshape_to(node, shape);
}

Status map_unsqueeze(NodeContext& node) {
  const Dims& dims = node.dims(0);
  MEMOPT_ASSIGN_OR_RETURN(std::vector<int64_t> axes, axes_list(node));
  const size_t rank = axes.size() + static_cast<size_t>(dims.rank());
  if (rank > kMaxRank) return node.error("more than 8 dimensions");
  MEMOPT_ASSIGN_OR_RETURN(axes, node.axes_of(axes, static_cast<int>(rank)));
  std::vector<int64_t> shape;
  int next = 0;
  for (size_t i = 0; i < rank; ++i) {
    const bool added = std::find(axes.begin(), axes.end(), static_cast<int64_t>(i)) != axes.end();
    shape.push_back(added ? 1 : dims[next++]);
  }
  return reshape_to(node, shape);
}

constexpr NodeMapping kMappings[] = {
    {"Flatten", 1, 1, map_flatten},
    {"Reshape", 1, 2, map_reshape},
    {"Squeeze", 1, 2, map_squeeze},
    {"Unsqueeze", 1, 2, map_unsqueeze},
};

}  // namespace

std::span<const NodeMapping> reshape_mappings() { return kMappings; }

}  // namespace memopt
