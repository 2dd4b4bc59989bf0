// The epilogues of contractions: bias, residual, activation. All three match a node whose operand
// is the single-use result of a contraction with room for it.
#include <algorithm>

#include "passes/transform/fold_weights.h"
#include "passes/transform/transforms.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

// Operators that carry an activation, and those with a residual operand behind the bias operand.
Activation* activation_of(Op& op) {
  if (auto* conv = std::get_if<Conv>(&op)) return &conv->activation;
  if (auto* conv = std::get_if<ConvTranspose>(&op)) return &conv->activation;
  if (auto* matmul = std::get_if<MatMul>(&op)) return &matmul->activation;
  if (auto* binary = std::get_if<Binary>(&op)) {
    return is_comparison(binary->fn) ? nullptr : &binary->activation;
  }
  return nullptr;
}
constexpr size_t kBiasOperand = 2;
constexpr size_t kResidualOperand = 3;
bool has_residual_operand(const Op& op) {
  return std::holds_alternative<Conv>(op) || std::holds_alternative<MatMul>(op);
}

// Functions that the fast kernels offer as an epilogue.
bool is_epilogue(UnaryFn fn) {
  switch (fn) {
    case UnaryFn::kRelu:
    case UnaryFn::kClip:
    case UnaryFn::kLeakyRelu:
    case UnaryFn::kElu:
    case UnaryFn::kSigmoid:
    case UnaryFn::kTanh:
    case UnaryFn::kHardSwish:
    case UnaryFn::kSwish:
    case UnaryFn::kGelu:
    case UnaryFn::kGeluTanh:
      return true;
    default:
      return false;
  }
}

// The node that computes `id` if nothing else reads `id` and no activation has been applied to it.
std::optional<NodeId> open_producer(Graph& graph, ValueId id) {
  if (!id || graph.value(id).kind != ValueKind::kResult || !graph.has_single_use(id))
    return std::nullopt;
  const NodeId producer = graph.value(id).producer;
  const Activation* activation = activation_of(graph.mutable_op(producer));
  if (!activation || *activation != Activation{}) return std::nullopt;
  return producer;
}

// All nodes that compute `id`, through nodes that only join or rearrange their results. False where
// one of them has no room for an activation.
bool find_open_producers(Graph& graph, ValueId id, std::vector<NodeId>& producers, int depth = 0) {
  constexpr int kMaxDepth = 64;
  if (const auto producer = open_producer(graph, id)) {
    producers.push_back(*producer);
    return true;
  }
  if (!id || graph.value(id).kind != ValueKind::kResult || !graph.has_single_use(id) ||
      depth == kMaxDepth) {
    return false;
  }
  const Node& node = graph.node(graph.value(id).producer);
  const OpDef& def = op_def(node.op);
  if (!def.destination && !def.reshapes && !def.permutation) return false;
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
    return find_open_producers(graph, input, producers, depth + 1);
  });
}

bool operand_is_free(const Node& node, size_t operand) {
  return node.inputs.size() <= operand || !node.inputs[operand];
}

void set_operand(Graph& graph, NodeId id, size_t operand, ValueId value) {
  while (graph.node(id).inputs.size() <= operand) graph.append_input(id, ValueId::none());
  graph.set_input(id, operand, value);
}

void append_name(Graph& graph, NodeId id, const std::string& name) {
  if (!name.empty()) graph.set_node_name(id, graph.node(id).name + '+' + name);
}

// Nodes that are absorbed by others, and where those are then. The order of the graph changes once,
// at the end: each change takes time with the size of the graph.
class Absorber {
 public:
  explicit Absorber(Graph& graph) : graph_(graph), position_(graph, 0) {
    size_t next = 0;
    for (const NodeId id : graph.order()) position_[id] = next++;
  }

  size_t position_of(NodeId id) const { return position_[id]; }

  // The result of node `from` is computed by node `into` from now on, which moves to the place of
  // `from`.
  void absorb(NodeId into, NodeId from) {
    take_over_result(graph_, graph_.node(from).outputs[0], graph_.node(into).outputs[0]);
    append_name(graph_, into, graph_.node(from).name);
    graph_.truncate_inputs(from, 0);
    position_[into] = position_[from];
    position_[from] = SIZE_MAX;
    absorbed_.push_back(from);
  }

  // Returns whether there was any.
  bool finish() {
    std::vector<NodeId> order(graph_.order().begin(), graph_.order().end());
    std::stable_sort(order.begin(), order.end(),
                     [&](NodeId a, NodeId b) { return position_[a] < position_[b]; });
    graph_.set_order(std::move(order));
    // They are the last ones, in this order.
    for (auto it = absorbed_.rbegin(); it != absorbed_.rend(); ++it) graph_.erase(*it);
    return !absorbed_.empty();
  }

 private:
  Graph& graph_;
  NodeMap<size_t> position_;
  std::vector<NodeId> absorbed_;
};

const Binary* plain_add(const Node& node) {
  const auto* binary = std::get_if<Binary>(&node.op);
  return binary && binary->fn == BinaryFn::kAdd && binary->activation == Activation{} ? binary
                                                                                      : nullptr;
}

}  // namespace

Result<bool> fuse_bias(Graph& graph, const PassOptions&) {
  Absorber absorber(graph);
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  for (const NodeId id : order) {
    if (!plain_add(graph.node(id))) continue;
    for (const size_t i : {size_t{0}, size_t{1}}) {
      const ValueId product = graph.node(id).inputs[i];
      const ValueId bias = graph.node(id).inputs[1 - i];
      const auto producer = open_producer(graph, product);
      if (!producer || !graph.is_constant(bias) ||
          graph.type(product) != graph.type(graph.node(id).outputs[0]) ||
          !is_float(graph.type(product).dtype)) {
        continue;
      }
      auto* matmul = std::get_if<MatMul>(&graph.mutable_op(*producer));
      if (!matmul || !operand_is_free(graph.node(*producer), kBiasOperand) ||
          !operand_is_free(graph.node(*producer), kResidualOperand)) {
        continue;
      }
      matmul->beta = 1;
      set_operand(graph, *producer, kBiasOperand, bias);
      graph.set_input(id, i,
                      bias);  // so that the product has no use left but the one it takes over
      absorber.absorb(*producer, id);
      break;
    }
  }
  return absorber.finish();
}

Result<bool> fuse_residual(Graph& graph, const PassOptions&) {
  Absorber absorber(graph);
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  for (const NodeId id : order) {
    if (!plain_add(graph.node(id))) continue;
    const ValueId a = graph.node(id).inputs[0];
    const ValueId b = graph.node(id).inputs[1];
    if (a == b || graph.type(a) != graph.type(b) || !is_float(graph.type(a).dtype) ||
        graph.is_constant(a) || graph.is_constant(b)) {
      continue;
    }
    // Of two candidates the later one: the other's result is there already.
    std::optional<NodeId> best;
    size_t best_operand = 0;
    for (const size_t i : {size_t{0}, size_t{1}}) {
      const auto producer = open_producer(graph, graph.node(id).inputs[i]);
      if (!producer || !has_residual_operand(graph.node(*producer).op) ||
          !operand_is_free(graph.node(*producer), kResidualOperand)) {
        continue;
      }
      if (!best || absorber.position_of(*producer) > absorber.position_of(*best)) {
        best = producer;
        best_operand = i;
      }
    }
    if (!best) continue;
    const ValueId residual = graph.node(id).inputs[1 - best_operand];
    set_operand(graph, *best, kResidualOperand, residual);
    graph.set_input(id, best_operand, residual);
    absorber.absorb(*best, id);
  }
  return absorber.finish();
}

Result<bool> fuse_activation(Graph& graph, const PassOptions&) {
  bool changed = false;
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  for (const NodeId id : order) {
    const auto* unary = std::get_if<Unary>(&graph.node(id).op);
    if (!unary || !is_epilogue(unary->fn.fn)) continue;
    const Activation fn = unary->fn;
    const ValueId input = graph.node(id).inputs[0];
    std::vector<NodeId> producers;
    if (!is_float(graph.type(input).dtype) || !find_open_producers(graph, input, producers))
      continue;
    for (const NodeId producer : producers) {
      *activation_of(graph.mutable_op(producer)) = fn;
      append_name(graph, producer, graph.node(id).name);
    }
    take_over_result(graph, graph.node(id).outputs[0], input);
    graph.erase(id);
    changed = true;
  }
  return changed;
}

}  // namespace memopt
