#include "passes/planning/view_strides.h"

#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

// A dimension of more than one element; the others have any stride.
struct Extent {
  int64_t count = 1;
  int64_t stride = 0;
};

std::vector<Extent> extents(const Dims& dims, const Dims& strides) {
  std::vector<Extent> result;
  for (int i = 0; i < dims.rank(); ++i) {
    if (dims[i] != 1) result.push_back({dims[i], strides[i]});
  }
  return result;
}

// The strides at which a tensor of `dims` has its elements where a reshape of it, of dimensions
// `reshaped` at `strides`, has them; nullopt where a run of dimensions that became another one is
// not contiguous within itself. No extent is 0.
std::optional<Dims> undo_reshape(const Dims& dims, const Dims& reshaped, const Dims& strides) {
  Dims result = row_major_strides(dims);
  const std::vector<Extent> from = extents(reshaped, strides);
  size_t left = from.size();
  int64_t count = 1;   // of the current run of `from`, less what `dims` has used of it
  int64_t stride = 0;  // of the next element
  for (int i = dims.rank() - 1; i >= 0; --i) {
    if (dims[i] == 1) continue;
    if (count == 1) {
      if (left == 0) return std::nullopt;
      --left;
      count = from[left].count;
      stride = from[left].stride;
    }
    // The dimension takes in further ones that follow without a gap.
    int64_t needed = dims[i];
    result[i] = stride;
    while (count % needed != 0) {
      if (needed % count != 0 || left == 0 || from[left - 1].stride != stride * count) {
        return std::nullopt;
      }
      needed /= count;
      stride = from[--left].stride;
      count = from[left].count;
    }
    count /= needed;
    stride *= needed;
  }
  return result;
}

bool is_row_major(const TensorType& type) {
  return same_memory(type.dims, type.layout, Layout::kRowMajor);
}

// The one operand and the one result, of the same elements.
bool is_candidate(const Graph& graph, const Node& node) {
  return node.outputs.size() == 1 && !node.inputs.empty() && node.inputs[0] && node.outputs[0] &&
         graph.type(node.inputs[0]).dtype == graph.type(node.outputs[0]).dtype;
}

}  // namespace

std::optional<Dims> strides_after(const Graph& graph, const Node& node, const Dims& strides) {
  if (!is_candidate(graph, node)) return std::nullopt;
  const OpDef& def = op_def(node.op);
  const TensorType& in = graph.type(node.inputs[0]);
  const TensorType& out = graph.type(node.outputs[0]);
  if (!is_dense(in.dims, strides, in.layout)) return std::nullopt;
  const Dims dense = dense_strides(out.dims, out.layout);
  if (def.reshapes && is_row_major(in) && is_row_major(out)) return dense;
  // The same logical tensor in both layouts.
  if (std::holds_alternative<Reorder>(node.op) && same_memory(in.dims, in.layout, out.layout)) {
    return dense;
  }
  if (!def.permutation) return std::nullopt;
  Dims permuted;
  for (const int64_t axis : def.permutation(node.op)) {
    permuted.push_back(strides[static_cast<int>(axis)]);
  }
  return is_dense(out.dims, permuted, out.layout) ? std::optional(dense) : std::nullopt;
}

std::optional<Dims> strides_before(const Graph& graph, const Node& node, const Dims& strides) {
  if (!is_candidate(graph, node)) return std::nullopt;
  const OpDef& def = op_def(node.op);
  const TensorType& in = graph.type(node.inputs[0]);
  const TensorType& out = graph.type(node.outputs[0]);
  if (std::holds_alternative<Reorder>(node.op)) {
    return same_memory(in.dims, in.layout, out.layout) ? std::optional(strides) : std::nullopt;
  }
  if (def.reshapes) {
    if (!is_row_major(in) || !is_row_major(out)) return std::nullopt;
    return undo_reshape(in.dims, out.dims, strides);
  }
  if (!def.permutation) return std::nullopt;
  Dims result = strides;
  const auto permutation = def.permutation(node.op);
  for (int i = 0; i < out.dims.rank(); ++i) {
    result[static_cast<int>(permutation[static_cast<size_t>(i)])] = strides[i];
  }
  return result;
}

}  // namespace memopt
