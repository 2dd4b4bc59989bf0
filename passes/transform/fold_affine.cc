#include <cmath>

#include "passes/transform/constants.h"
#include "passes/transform/fold_weights.h"
#include "passes/transform/transforms.h"

namespace memopt {
namespace {

struct Affine {
  size_t operand = 0;  // the one that is not constant
  std::vector<double> scale;
  std::vector<double> shift;
};

// A binary node as scale * v + shift per channel, where v is what a convolution computes.
std::optional<Affine> as_affine(const Graph& graph, const Node& node) {
  const auto* binary = std::get_if<Binary>(&node.op);
  if (!binary || binary->activation != Activation{}) return std::nullopt;
  const TensorType& type = graph.type(node.outputs[0]);
  for (const size_t constant : {size_t{1}, size_t{0}}) {
    Affine affine{.operand = 1 - constant, .scale = {}, .shift = {}};
    if (!has_foldable_producer(graph, node.inputs[affine.operand]) ||
        graph.type(node.inputs[affine.operand]) != type) {
      continue;
    }
    auto values = channel_constant(graph, node.inputs[constant], type);
    if (!values) continue;
    affine.scale.assign(values->size(), 1.0);
    affine.shift.assign(values->size(), 0.0);
    for (size_t c = 0; c < values->size(); ++c) {
      const double value = (*values)[c];
      if (!std::isfinite(value)) return std::nullopt;
      if (binary->fn == BinaryFn::kMul) {
        affine.scale[c] = value;
      } else if (binary->fn == BinaryFn::kAdd) {
        affine.shift[c] = value;
      } else if (binary->fn == BinaryFn::kSub && constant == 1) {
        affine.shift[c] = -value;
      } else if (binary->fn == BinaryFn::kSub) {
        affine.scale[c] = -1;
        affine.shift[c] = value;
      } else if (binary->fn == BinaryFn::kDiv && constant == 1 && value != 0) {
        affine.scale[c] = 1 / value;
      } else {
        return std::nullopt;
      }
    }
    return affine;
  }
  return std::nullopt;
}

}  // namespace

Result<bool> fold_affine(Graph& graph, const PassOptions& options) {
  bool changed = false;
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  for (const NodeId id : order) {
    const auto affine = as_affine(graph, graph.node(id));
    if (affine &&
        fold_into_producer(graph, id, affine->scale, affine->shift, options, affine->operand)) {
      changed = true;
    }
  }
  return changed;
}

}  // namespace memopt
