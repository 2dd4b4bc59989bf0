#include "passes/planning/schedule.h"

#include <algorithm>

#include "passes/planning/order.h"
#include "passes/planning/state_order.h"
#include "passes/planning/storage.h"
#include "runtime/base/checked.h"

namespace memopt {
namespace {

class ProblemBuilder {
 public:
  ProblemBuilder(const Graph& graph, const NodeMap<KernelChoice>& kernels, const Aliases& aliases,
                 const BufferOptions& options)
      : graph_(graph),
        kernels_(kernels),
        aliases_(aliases),
        options_(options),
        op_(graph, kNoOp),
        storage_(graph, kNone),
        value_(graph, kNone) {}

  OrderProblem build() {
    for (const NodeId id : graph_.order()) {
      op_[id] = static_cast<int32_t>(problem_.scratch_bytes.size());
      const int64_t scratch = aliases_.elided[id] ? 0 : kernels_[id].needs.scratch_bytes;
      problem_.scratch_bytes.push_back(align_up(scratch, kArenaAlignment));
    }
    for (const ValueId id : live_values(graph_)) add_value(id);
    for (const NodeId id : graph_.order()) {
      if (!aliases_.elided[id] && options_.in_place) add_candidates(id);
    }
    // A value without bytes between two operators keeps them in order.
    for (const auto& [first, second] : state_order(graph_).precedence) {
      const auto storage = static_cast<int32_t>(problem_.storages.size());
      problem_.storages.push_back({.bytes = 0});
      problem_.values.push_back(
          {.storage = storage, .producer = op_[first], .consumers = {op_[second]}});
    }
    return std::move(problem_);
  }

 private:
  static constexpr int32_t kNone = -1;

  bool is_in_arena(ValueId root) const {
    return storage_of(graph_, options_.io_in_arena, root) == Storage::kArena;
  }

  // Values outside the arena order the operators too; their storage has no bytes.
  int32_t storage_index(ValueId root) {
    if (storage_[root] == kNone) {
      storage_[root] = static_cast<int32_t>(problem_.storages.size());
      const int64_t bytes =
          is_in_arena(root) ? align_up(graph_.type(root).bytes(), kArenaAlignment) : 0;
      problem_.storages.push_back({.bytes = bytes});
    }
    return storage_[root];
  }

  void add_value(ValueId id) {
    const Value& value = graph_.value(id);
    if (value.kind == ValueKind::kConstant) return;
    const int32_t storage = storage_index(aliases_.placement[id].root);
    OrderValue entry{.storage = storage, .producer = kNoOp, .consumers = {}};
    if (value.kind == ValueKind::kResult) entry.producer = op_[value.producer];
    for (const Use& use : graph_.uses(id)) entry.consumers.push_back(op_[use.node]);
    auto& bytes = problem_.storages[static_cast<size_t>(storage)];
    bytes.live_at_start = bytes.live_at_start || value.kind == ValueKind::kInput;
    bytes.live_at_end = bytes.live_at_end || graph_.is_output(id);
    value_[id] = static_cast<int32_t>(problem_.values.size());
    problem_.values.push_back(std::move(entry));
  }

  void add_candidates(NodeId id) {
    const Node& node = graph_.node(id);
    for (size_t o = 0; o < node.outputs.size(); ++o) {
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (!node.inputs[i] || !node.outputs[o] || value_[node.inputs[i]] == kNone) continue;
        if (!is_in_arena(aliases_.placement[node.inputs[i]].root) || !is_in_arena(node.outputs[o]))
          continue;
        if (!can_overwrite(graph_, aliases_, kernels_[id], options_.target, id, i, o)) continue;
        problem_.in_place.push_back({op_[id], value_[node.outputs[o]], value_[node.inputs[i]]});
      }
    }
  }

  const Graph& graph_;
  const NodeMap<KernelChoice>& kernels_;
  const Aliases& aliases_;
  const BufferOptions& options_;
  NodeMap<int32_t> op_;
  ValueMap<int32_t> storage_;
  ValueMap<int32_t> value_;
  OrderProblem problem_;
};

}  // namespace

Result<ScheduleResult> schedule_nodes(const Graph& graph, const NodeMap<KernelChoice>& kernels,
                                      const Aliases& aliases, const BufferOptions& options) {
  const OrderProblem problem = ProblemBuilder(graph, kernels, aliases, options).build();
  OrderOptions ordering = options.ordering;
  ordering.stop = options.planner.stop;
  auto found = order_ops(problem, ordering);
  if (!found.ok()) return internal_error("ordering: " + found.error().message);
  ScheduleResult result{.order = {},
                        .peak_bytes = found->peak_bytes,
                        .lower_bound_bytes = found->lower_bound_bytes,
                        .optimal = found->proof == OrderProof::kOptimal,
                        .cancelled = found->cancelled};
  const std::vector<NodeId> given(graph.order().begin(), graph.order().end());
  for (const int32_t op : found->order) result.order.push_back(given[static_cast<size_t>(op)]);
  return result;
}

}  // namespace memopt
