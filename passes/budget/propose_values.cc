// Proposals that keep the shape of the graph: values computed again, kernels with less scratch.
#include <algorithm>

#include "passes/budget/propose.h"

namespace memopt {
namespace {

constexpr size_t kMaxCopiedNodes = 12;

// The second computation of one value, grown backward across its largest input.
class Recomputation {
 public:
  Recomputation(const Neighbourhood& around, ValueId value, int64_t place)
      : around_(around), graph_(around.graph), value_(value), place_(place) {
    take(value);
  }

  const std::vector<ValueId>& inputs() const { return inputs_; }
  double ns() const { return ns_; }

  // Bytes that need not live at the place any more: the value's, less those of inputs that must
  // live there now.
  int64_t saved_bytes() const {
    int64_t saved = around_.bytes[value_];
    for (const ValueId input : inputs_) {
      const bool lives_already = around_.begin[input] < place_ && around_.end[input] > place_;
      if (!lives_already) saved -= around_.bytes[input];
    }
    return saved;
  }

  bool grow() {
    std::optional<ValueId> best;
    for (const ValueId input : inputs_) {
      if (can_take(input) && (!best || around_.bytes[input] > around_.bytes[*best])) best = input;
    }
    if (!best || nodes_ >= kMaxCopiedNodes) return false;
    take(*best);
    return true;
  }

 private:
  bool can_take(ValueId id) const {
    const Value& value = graph_.value(id);
    return value.kind == ValueKind::kResult && around_.is_base_node(value.producer) &&
           graph_.node(value.producer).regions.empty();
  }

  void take(ValueId id) {
    std::erase(inputs_, id);
    const NodeId producer = graph_.value(id).producer;
    ++nodes_;
    ns_ += around_.rate[producer].predict_ns(node_work(graph_, producer));
    for (const ValueId input : graph_.node(producer).inputs) {
      if (!input || graph_.value(input).kind == ValueKind::kConstant) continue;
      if (std::find(inputs_.begin(), inputs_.end(), input) == inputs_.end()) {
        inputs_.push_back(input);
      }
    }
  }

  const Neighbourhood& around_;
  const Graph& graph_;
  ValueId value_;
  int64_t place_;
  std::vector<ValueId> inputs_;
  size_t nodes_ = 0;
  double ns_ = 0;
};

}  // namespace

std::vector<Proposal> propose_rematerializations(const Neighbourhood& around, NodeId place,
                                                 int64_t live_bytes) {
  std::vector<Proposal> proposals;
  const Graph& graph = around.graph;
  const int64_t now = around.position[place];
  for (const ValueId id : around.values) {
    const Value& value = graph.value(id);
    if (value.kind != ValueKind::kResult || !around.is_base_node(value.producer)) continue;
    if (!graph.node(value.producer).regions.empty() || graph.is_output(id)) continue;
    if (around.begin[id] >= now || around.end[id] <= now) continue;
    const auto uses = graph.uses(id);
    if (std::any_of(uses.begin(), uses.end(), [&](const Use& use) { return use.node == place; })) {
      continue;
    }
    Recomputation again(around, id, now);
    int64_t best_saved = 0;
    do {
      const int64_t saved = again.saved_bytes();
      if (saved <= best_saved) continue;
      best_saved = saved;
      proposals.push_back(
          {.move = Rematerialization{.value = id, .inputs = again.inputs(), .after = place},
           .replaces = {},
           .peak_bytes = live_bytes - saved,
           .extra_ns = again.ns()});
    } while (again.grow());
  }
  return proposals;
}

std::vector<Proposal> propose_kernels(const Candidate& candidate, size_t step,
                                      const CostModel& costs, const Target& target) {
  std::vector<Proposal> proposals;
  const Graph& graph = candidate.lowered.graph;
  const NodeId id = candidate.lowered.buffers.assignment.steps[step];
  const Node& node = graph.node(id);
  const KernelChoice& present = candidate.lowered.kernels[id];
  if (present.needs.scratch_bytes == 0 || node.outputs.empty() || !node.outputs[0]) return {};
  const NodeOperands operands = node_operands(graph, id);
  const KernelRequest request = operands.request(node.op, target);
  const StepWork work = node_work(graph, id);
  const double present_ns = costs.rate(present.kernel->name).predict_ns(work);
  bool is_behind = false;  // avoiding the present kernel chooses the next one that serves
  for (const KernelDef* kernel : kernels_for(op_kind(node.op))) {
    if (kernel == present.kernel) {
      is_behind = true;
      continue;
    }
    if (!is_behind || !kernel->supports(request)) continue;
    int64_t scratch = 0;
    if (kernel->needs) {
      const auto needs = kernel->needs(request);
      if (!needs.ok()) continue;
      scratch = needs->scratch_bytes;
    }
    if (scratch < present.needs.scratch_bytes) {
      proposals.push_back(
          {.move = AvoidKernel{.result = graph.value(node.outputs[0]).name,
                               .kernel = std::string(present.kernel->name)},
           .replaces = {},
           .peak_bytes = candidate.live_bytes[step] - present.needs.scratch_bytes + scratch,
           .extra_ns = costs.rate(kernel->name).predict_ns(work) - present_ns});
    }
    break;
  }
  return proposals;
}

}  // namespace memopt
