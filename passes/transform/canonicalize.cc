#include <cmath>
#include <limits>
#include <numeric>

#include "passes/transform/constants.h"
#include "passes/transform/transforms.h"

namespace memopt {
namespace {

bool all_are(const std::vector<int64_t>& items, int64_t value) {
  for (const int64_t item : items) {
    if (item != value) return false;
  }
  return true;
}

bool is_iota(const std::vector<int64_t>& perm) {
  for (size_t i = 0; i < perm.size(); ++i) {
    if (perm[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

// True where a transpose moves only dimensions of extent 1: the elements keep their row-major
// order.
bool keeps_order(const std::vector<int64_t>& perm, const Dims& dims) {
  int64_t last = -1;
  for (const int64_t axis : perm) {
    if (dims[static_cast<int>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

std::vector<int64_t> to_vector(const Dims& dims) { return {dims.begin(), dims.end()}; }

// Whether the node's only result is its first operand, unchanged.
bool is_no_op(const Graph& graph, const Node& node) {
  if (node.inputs.empty() || !node.inputs[0] || node.outputs.size() != 1) return false;
  const TensorType& in = graph.type(node.inputs[0]);
  const TensorType& out = graph.type(node.outputs[0]);
  if (in != out) return false;
  const Op& op = node.op;
  if (const auto* unary = std::get_if<Unary>(&op)) return unary->fn.fn == UnaryFn::kIdentity;
  if (const auto* slice = std::get_if<Slice>(&op)) return all_are(slice->steps, 1);
  if (const auto* pad = std::get_if<Pad>(&op)) return all_are(pad->pads, 0);
  if (const auto* transpose = std::get_if<Transpose>(&op)) return is_iota(transpose->perm);
  if (const auto* resize = std::get_if<Resize>(&op)) {
    return resize->coords != ResizeCoords::kTfCropAndResize &&
           std::all_of(resize->scales.begin(), resize->scales.end(),
                       [](double s) { return s == 1; });
  }
  return std::holds_alternative<Identity>(op) || std::holds_alternative<Cast>(op) ||
         std::holds_alternative<Reshape>(op) || std::holds_alternative<Expand>(op) ||
         std::holds_alternative<Tile>(op) || std::holds_alternative<Reorder>(op) ||
         (std::holds_alternative<Concat>(op) && node.inputs.size() == 1) ||
         std::holds_alternative<Split>(op);
}

// Gives the operator of a node its canonical form in place. Says whether it changed.
bool simplify(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.outputs.empty() || !node.outputs[0]) return false;
  const TensorType& out = graph.type(node.outputs[0]);
  const Node* producer = nullptr;
  if (!node.inputs.empty() && node.inputs[0] &&
      graph.value(node.inputs[0]).kind == ValueKind::kResult) {
    producer = &graph.node(graph.value(node.inputs[0]).producer);
  }
  if (std::holds_alternative<Reshape>(node.op) && producer &&
      std::holds_alternative<Reshape>(producer->op)) {
    graph.set_input(id, 0, producer->inputs[0]);
    return true;
  }
  if (const auto* transpose = std::get_if<Transpose>(&node.op)) {
    if (const auto* inner = producer ? std::get_if<Transpose>(&producer->op) : nullptr) {
      Transpose merged;
      for (const int64_t axis : transpose->perm) {
        merged.perm.push_back(inner->perm[static_cast<size_t>(axis)]);
      }
      graph.mutable_op(id) = merged;
      graph.set_input(id, 0, producer->inputs[0]);
      return true;
    }
    if (keeps_order(transpose->perm, graph.type(node.inputs[0]).dims)) {
      graph.mutable_op(id) = Reshape{.dims = to_vector(out.dims)};
      return true;
    }
  }
  if (std::holds_alternative<Clip>(node.op) && is_float(out.dtype)) {
    const auto bound = [&](size_t i, double missing) -> std::optional<double> {
      if (i >= node.inputs.size() || !node.inputs[i]) return missing;
      return scalar_constant(graph, node.inputs[i]);
    };
    const auto lo = bound(1, -std::numeric_limits<double>::infinity());
    const auto hi = bound(2, std::numeric_limits<double>::infinity());
    if (!lo || !hi || std::isnan(*lo) || std::isnan(*hi)) return false;
    Activation clip{UnaryFn::kClip, *lo, *hi};
    if (*lo == 0 && std::isinf(*hi)) clip = {UnaryFn::kRelu, 0, 0};
    graph.mutable_op(id) = Unary{clip};
    graph.truncate_inputs(id, 1);
    return true;
  }
  return false;
}

}  // namespace

Result<bool> canonicalize(Graph& graph, const PassOptions&) {
  bool changed = false;
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  for (const NodeId id : order) {
    while (simplify(graph, id)) changed = true;
    const Node& node = graph.node(id);
    if (!is_no_op(graph, node)) continue;
    const ValueId input = node.inputs[0];
    const ValueId output = node.outputs[0];
    if (graph.is_output(output)) {
      // The output keeps its name and memory: that is what Identity is for, unless the input's own
      // node can produce it.
      const bool can_take_over = graph.value(input).kind == ValueKind::kResult &&
                                 graph.has_single_use(input) && !graph.is_output(input);
      if (!can_take_over) {
        if (!std::holds_alternative<Identity>(node.op)) {
          graph.mutable_op(id) = Identity{};
          graph.truncate_inputs(id, 1);
          changed = true;
        }
        continue;
      }
      const std::string name = graph.value(output).name;
      graph.replace_uses(output, input);
      graph.erase(id);
      graph.rename(input, name);
      changed = true;
      continue;
    }
    graph.replace_uses(output, input);
    graph.erase(id);
    changed = true;
  }
  return changed;
}

}  // namespace memopt
