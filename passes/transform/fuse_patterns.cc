#include <cmath>

#include "passes/transform/constants.h"
#include "passes/transform/fold_weights.h"
#include "passes/transform/transforms.h"

namespace memopt {
namespace {

bool near(double a, double b) { return std::abs(a - b) <= 1e-6 * std::abs(b); }

// The unary node that computes `id`, if one does.
const Unary* unary_of(const Graph& graph, ValueId id, ValueId* input) {
  if (!id || graph.value(id).kind != ValueKind::kResult) return nullptr;
  const Node& node = graph.node(graph.value(id).producer);
  *input = node.inputs.empty() ? ValueId::none() : node.inputs[0];
  return std::get_if<Unary>(&node.op);
}

// fn(value, constant), in either order where fn commutes: the operand that is no constant, and the
// constant.
struct WithConstant {
  ValueId value;
  double constant = 0;
};
std::optional<WithConstant> with_constant(const Graph& graph, ValueId id, BinaryFn fn) {
  if (!id || graph.value(id).kind != ValueKind::kResult) return std::nullopt;
  const Node& node = graph.node(graph.value(id).producer);
  const auto* binary = std::get_if<Binary>(&node.op);
  if (!binary || binary->fn != fn || binary->activation != Activation{}) return std::nullopt;
  const bool commutes = fn == BinaryFn::kAdd || fn == BinaryFn::kMul;
  for (size_t i = 0; i < (commutes ? 2u : 1u); ++i) {
    if (const auto constant = scalar_constant(graph, node.inputs[1 - i])) {
      return WithConstant{node.inputs[i], *constant};
    }
  }
  return std::nullopt;
}

// The x of v / 6.
ValueId sixth_of(const Graph& graph, ValueId id) {
  if (const auto m = with_constant(graph, id, BinaryFn::kDiv); m && near(m->constant, 6))
    return m->value;
  if (const auto m = with_constant(graph, id, BinaryFn::kMul); m && near(m->constant, 1.0 / 6)) {
    return m->value;
  }
  return ValueId::none();
}

// The x of clip(x + 3, 0, 6).
ValueId clipped_plus_three(const Graph& graph, ValueId id) {
  ValueId sum;
  const Unary* clip = unary_of(graph, id, &sum);
  if (!clip || clip->fn != Activation{UnaryFn::kClip, 0, 6}) return ValueId::none();
  const auto m = with_constant(graph, sum, BinaryFn::kAdd);
  return m && near(m->constant, 3) ? m->value : ValueId::none();
}

// The x of hard_sigmoid(x), also where it is written with a clip.
ValueId hard_sigmoid_of(const Graph& graph, ValueId id) {
  ValueId x;
  const Unary* unary = unary_of(graph, id, &x);
  if (unary && unary->fn.fn == UnaryFn::kHardSigmoid && near(unary->fn.alpha, 1.0 / 6) &&
      near(unary->fn.beta, 0.5)) {
    return x;
  }
  const ValueId clipped = sixth_of(graph, id);
  return clipped ? clipped_plus_three(graph, clipped) : ValueId::none();
}

struct Match {
  Activation fn;
  ValueId x;
};

// What the result `id` of a node computes, if it is one of the patterns.
std::optional<Match> match(const Graph& graph, ValueId id) {
  const Node& node = graph.node(graph.value(id).producer);
  const auto* binary = std::get_if<Binary>(&node.op);
  if (!binary || binary->activation != Activation{}) return std::nullopt;
  if (binary->fn == BinaryFn::kMul) {
    for (const size_t i : {size_t{0}, size_t{1}}) {
      const ValueId x = node.inputs[i];
      const ValueId other = node.inputs[1 - i];
      ValueId inner;
      const Unary* unary = unary_of(graph, other, &inner);
      if (unary && unary->fn.fn == UnaryFn::kSigmoid && inner == x) {
        return Match{{UnaryFn::kSwish, 1, 0}, x};
      }
      if (hard_sigmoid_of(graph, other) == x && x) return Match{{UnaryFn::kHardSwish, 0, 0}, x};
    }
  }
  // (x * clip(x + 3, 0, 6)) / 6
  if (const ValueId product = sixth_of(graph, id);
      product && graph.value(product).kind == ValueKind::kResult) {
    const Node& inner = graph.node(graph.value(product).producer);
    const auto* mul = std::get_if<Binary>(&inner.op);
    if (mul && mul->fn == BinaryFn::kMul && mul->activation == Activation{}) {
      for (const size_t i : {size_t{0}, size_t{1}}) {
        const ValueId x = inner.inputs[i];
        if (clipped_plus_three(graph, inner.inputs[1 - i]) == x) {
          return Match{{UnaryFn::kHardSwish, 0, 0}, x};
        }
      }
    }
  }
  if (const ValueId x = hard_sigmoid_of(graph, id)) {
    return Match{{UnaryFn::kHardSigmoid, 1.0 / 6, 0.5}, x};
  }
  return std::nullopt;
}

}  // namespace

Result<bool> fuse_patterns(Graph& graph, const PassOptions&) {
  bool changed = false;
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  // Backwards, so that x * clip(x + 3, 0, 6) / 6 is seen whole before its parts.
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Node& node = graph.node(*it);
    if (!std::holds_alternative<Binary>(node.op)) continue;
    const auto found = match(graph, node.outputs[0]);
    if (!found || graph.type(found->x) != graph.type(node.outputs[0])) continue;
    graph.mutable_op(*it) = Unary{found->fn};
    graph.truncate_inputs(*it, 1);
    graph.set_input(*it, 0, found->x);
    changed = true;
  }
  // The parts may still be read by others; if not they are dead.
  return changed;
}

}  // namespace memopt
