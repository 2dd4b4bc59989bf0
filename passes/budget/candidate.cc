#include "passes/budget/candidate.h"

namespace memopt {

Result<Candidate> evaluate_moves(const Graph& base, std::vector<Move> moves,
                                 const BackendOptions& options, const CostModel& costs) {
  MEMOPT_ASSIGN_OR_RETURN(MovedGraph moved, apply_moves(base, moves));
  BackendOptions backend = options;
  backend.kernels.avoided.insert(backend.kernels.avoided.end(), moved.avoided_kernels.begin(),
                                 moved.avoided_kernels.end());
  MEMOPT_ASSIGN_OR_RETURN(LoweredModel lowered, lower_model(moved.graph, backend));
  std::vector<int64_t> live = live_bytes_per_step(lowered.buffers.assignment);
  const double ns =
      predict_ns(costs, lowered.graph, lowered.kernels, lowered.buffers.assignment.steps);
  return Candidate{.moves = std::move(moves),
                   .moved = std::move(moved),
                   .lowered = std::move(lowered),
                   .live_bytes = std::move(live),
                   .predicted_ns = ns};
}

std::optional<NodeId> origin_of_step(const Candidate& candidate, size_t step) {
  const Graph& lowered = candidate.lowered.graph;
  const Graph& moved = candidate.moved.graph;
  const Node& node = lowered.node(candidate.lowered.buffers.assignment.steps[step]);
  const auto producer = [&](ValueId id) -> std::optional<NodeId> {
    if (!id) return std::nullopt;
    const auto value = moved.find(lowered.value(id).name);
    if (!value || moved.value(*value).kind != ValueKind::kResult) return std::nullopt;
    return moved.value(*value).producer;
  };
  for (const ValueId output : node.outputs) {
    if (const auto id = producer(output)) return id;
  }
  for (const ValueId input : node.inputs) {
    if (const auto id = producer(input)) return id;
  }
  // A reorder of an input of the graph: what reads it.
  for (const ValueId output : node.outputs) {
    if (!output) continue;
    for (const Use& use : lowered.uses(output)) {
      for (const ValueId result : lowered.node(use.node).outputs) {
        if (const auto id = producer(result)) return id;
      }
    }
  }
  return std::nullopt;
}

}  // namespace memopt
