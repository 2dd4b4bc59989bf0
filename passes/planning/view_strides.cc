#include "passes/planning/view_strides.h"

#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

// Elements that follow each other at one stride.
struct Run {
  int64_t count;
  int64_t stride;
};

// The runs of a tensor, outermost first and as long as they can be: dimensions that follow each
// other without a gap are one.
std::vector<Run> runs_of(const Dims& dims, const Dims& strides) {
  std::vector<Run> runs;
  for (int i = 0; i < dims.rank(); ++i) {
    if (dims[i] == 1) continue;  // has any stride
    if (!runs.empty() && runs.back().stride == strides[i] * dims[i]) {
      runs.back() = {runs.back().count * dims[i], strides[i]};
    } else {
      runs.push_back({dims[i], strides[i]});
    }
  }
  return runs;
}

// The strides at which a tensor of `dims` has its elements where a reshape of it, of dimensions
// `reshaped` at `strides`, has them; nullopt where there are none: a dimension would go on from one
// run into the next.
std::optional<Dims> undo_reshape(const Dims& dims, const Dims& reshaped, const Dims& strides) {
  Dims result = row_major_strides(dims);
  if (dims.count() == 0) return result;
  std::vector<Run> runs = runs_of(reshaped, strides);
  for (int i = dims.rank() - 1; i >= 0; --i) {
    if (dims[i] == 1) continue;
    Run& run = runs.back();
    if (run.count % dims[i] != 0) return std::nullopt;
    result[i] = run.stride;
    run = {run.count / dims[i], run.stride * dims[i]};
    if (run.count == 1) runs.pop_back();
  }
  return result;
}

// Whether the strides of a tensor are the same where they mean something.
bool same_places(const Dims& dims, const Dims& a, const Dims& b) {
  for (int i = 0; i < dims.rank(); ++i) {
    if (dims[i] > 1 && a[i] != b[i]) return false;
  }
  return true;
}

}  // namespace

bool moves_whole(const Node& node) {
  const OpDef& def = op_def(node.op);
  return def.reshapes || def.permutation || std::holds_alternative<Reorder>(node.op);
}

std::optional<Dims> strides_before(const Graph& graph, const Node& node, const Dims& strides) {
  if (!moves_whole(node)) return std::nullopt;
  const OpDef& def = op_def(node.op);
  const Dims& out = graph.type(node.outputs[0]).dims;
  if (def.reshapes) return undo_reshape(graph.type(node.inputs[0]).dims, out, strides);
  Dims result = strides;  // of a reorder: the same tensor
  if (!def.permutation) return result;
  const auto permutation = def.permutation(node.op);
  for (int i = 0; i < out.rank(); ++i) {
    result[static_cast<int>(permutation[static_cast<size_t>(i)])] = strides[i];
  }
  return result;
}

std::optional<Dims> strides_after(const Graph& graph, const Node& node, const Dims& strides) {
  const TensorType& out = graph.type(node.outputs[0]);
  const Dims dense = dense_strides(out.dims, out.layout);
  const auto before = strides_before(graph, node, dense);
  if (!before || !same_places(graph.type(node.inputs[0]).dims, *before, strides)) {
    return std::nullopt;
  }
  return dense;
}

}  // namespace memopt
