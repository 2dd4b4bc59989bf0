#include "passes/planning/buffers.h"

#include <algorithm>

#include "passes/planning/bound.h"
#include "passes/planning/schedule.h"
#include "passes/planning/validate.h"
#include "runtime/base/checked.h"

namespace memopt {
namespace {

// Lifetimes of the roots, before results overwrite operands. The caller fills all inputs before the
// first step, and an input that no step reads is dead when that begins: where there is one, inputs
// live from step -1 on.
ValueMap<StepRange> root_lifetimes(const Graph& graph, const BufferAssignment& assignment) {
  ValueMap<StepRange> lifetimes(graph);
  const auto& placement = assignment.aliases.placement;
  const auto steps = static_cast<int64_t>(assignment.steps.size());
  for (int64_t step = 0; step < steps; ++step) {
    const Node& node = graph.node(assignment.steps[static_cast<size_t>(step)]);
    for (const ValueId input : node.inputs) {
      if (input) touch(lifetimes[placement[input].root], step);
    }
    for (const ValueId output : node.outputs) {
      if (output) touch(lifetimes[placement[output].root], step);
    }
  }
  for (const ValueId output : graph.outputs()) {
    touch(lifetimes[placement[output].root], std::max<int64_t>(steps - 1, 0));
  }
  const auto is_unread = [&](ValueId input) { return lifetimes[input] == StepRange{}; };
  const bool any_unread = std::any_of(graph.inputs().begin(), graph.inputs().end(), is_unread);
  for (const ValueId input : graph.inputs()) touch(lifetimes[input], any_unread ? -1 : 0);
  return lifetimes;
}

// Roots that the caller owns or that are no memory of a run.
bool is_outside_arena(const Graph& graph, const BufferOptions& options, ValueId root) {
  const Value& value = graph.value(root);
  if (value.kind == ValueKind::kConstant) return true;
  return !options.io_in_arena && (value.kind == ValueKind::kInput || graph.is_output(root));
}

}  // namespace

BufferAssignment assign_buffers(const Graph& graph, const NodeMap<KernelChoice>& kernels,
                                const BufferOptions& options,
                                const std::vector<NodeId>& without_destination) {
  BufferAssignment result{.aliases = find_aliases(graph, kernels, options, without_destination),
                          .steps = {},
                          .problem = {},
                          .buffer = ValueMap<std::optional<uint32_t>>(graph),
                          .scratch = {},
                          .naive_bytes = 0};
  const auto& placement = result.aliases.placement;
  for (const NodeId id : graph.order()) {
    if (!result.aliases.elided[id]) result.steps.push_back(id);
  }
  result.problem.spaces[0].name = "arena";
  const ValueMap<StepRange> lifetimes = root_lifetimes(graph, result);
  const auto last_step = static_cast<int64_t>(result.steps.size());
  ValueMap<bool> lives_on(graph, false);  // after the last step
  for (const ValueId output : graph.outputs()) lives_on[placement[output].root] = true;

  const auto add_buffer = [&](ValueId root) {
    const Value& value = graph.value(root);
    const StepRange life = lifetimes[root];
    if (life.begin == life.end) return;
    result.buffer[root] = static_cast<uint32_t>(result.problem.buffers.size());
    MemoryBuffer buffer;
    buffer.name = value.name;
    buffer.lower = options.reuse ? life.begin : std::min<int64_t>(life.begin, 0);
    buffer.upper =
        !options.reuse || lives_on[root] ? std::max<int64_t>(last_step, life.end) : life.end;
    buffer.size_bytes = align_up(value.type.bytes(), kArenaAlignment);
    buffer.alignment = kArenaAlignment;
    result.problem.buffers.push_back(std::move(buffer));
  };
  // Takes over the buffer of a dying operand, if there is one that the kernel may overwrite.
  const auto overwrite = [&](NodeId id, size_t output, int64_t step) {
    const Node& node = graph.node(id);
    const ValueId root = node.outputs[output];
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.inputs[i]) continue;
      const ValueId dying = placement[node.inputs[i]].root;
      if (!result.buffer[dying] || lives_on[dying] || lifetimes[dying].end != step + 1) continue;
      MemoryBuffer& buffer = result.problem.buffers[*result.buffer[dying]];
      if (buffer.upper != step + 1) continue;  // another result has it already
      if (!can_overwrite(graph, result.aliases, kernels[id], options.target, id, i, output))
        continue;
      result.buffer[root] = result.buffer[dying];
      buffer.upper =
          lives_on[root] ? std::max(last_step, lifetimes[root].end) : lifetimes[root].end;
      return true;
    }
    return false;
  };

  for (const ValueId input : graph.inputs()) {
    if (!is_outside_arena(graph, options, input)) add_buffer(input);
  }
  for (int64_t step = 0; step < last_step; ++step) {
    const NodeId id = result.steps[static_cast<size_t>(step)];
    const Node& node = graph.node(id);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (!node.outputs[i]) continue;
      const ValueId root = placement[node.outputs[i]].root;
      if (result.buffer[root] || is_outside_arena(graph, options, root)) continue;
      const bool takes_over =
          options.in_place && options.reuse && root == node.outputs[i] && overwrite(id, i, step);
      if (!takes_over) add_buffer(root);
    }
    result.scratch.emplace_back();
    if (const int64_t bytes = kernels[id].needs.scratch_bytes; bytes > 0) {
      result.scratch.back() = static_cast<uint32_t>(result.problem.buffers.size());
      MemoryBuffer buffer;
      buffer.name = "scratch:" + std::to_string(step);
      buffer.lower = options.reuse ? step : 0;
      buffer.upper = options.reuse ? step + 1 : last_step;
      buffer.size_bytes = align_up(bytes, kArenaAlignment);
      buffer.alignment = kArenaAlignment;
      result.problem.buffers.push_back(std::move(buffer));
      result.naive_bytes += bytes;
    }
  }
  for (const ValueId id : live_values(graph)) {
    if (graph.value(id).kind != ValueKind::kConstant && !is_outside_arena(graph, options, id)) {
      result.naive_bytes += graph.type(id).bytes();
    }
  }
  return result;
}

int64_t peak_bytes(const MemoryProblem& problem) { return lower_bound(problem); }

Result<PlannedBuffers> plan_buffers(Graph& graph, const NodeMap<KernelChoice>& kernels,
                                    const BufferOptions& options) {
  std::vector<NodeId> without;
  BufferAssignment best = assign_buffers(graph, kernels, options, without);
  int64_t best_peak = peak_bytes(best.problem);
  std::vector<NodeId> best_order(graph.order().begin(), graph.order().end());
  const auto consider = [&](const std::vector<NodeId>& candidate_without) {
    BufferAssignment candidate = assign_buffers(graph, kernels, options, candidate_without);
    const int64_t peak = peak_bytes(candidate.problem);
    if (peak >= best_peak) return false;
    best = std::move(candidate);
    best_peak = peak;
    best_order.assign(graph.order().begin(), graph.order().end());
    without = candidate_without;
    return true;
  };
  // A destination lives from its first part on, which can raise the peak: leave out those that do.
  constexpr int kMaxDestinationTrials = 64;
  const std::vector<NodeId> destinations = best.aliases.destinations;
  if (!destinations.empty()) consider(destinations);
  int trials = 0;
  for (const NodeId id : destinations) {
    if (++trials > kMaxDestinationTrials || without.size() == destinations.size()) break;
    std::vector<NodeId> candidate = without;
    candidate.push_back(id);
    consider(candidate);
  }
  BoundKind kind = BoundKind::kFixedOrder;
  bool cancelled = false;
  if (options.order && options.reuse) {
    const std::vector<NodeId> given(graph.order().begin(), graph.order().end());
    MEMOPT_ASSIGN_OR_RETURN(const ScheduleResult schedule,
                            schedule_nodes(graph, kernels, best.aliases, options));
    cancelled = schedule.cancelled;
    graph.set_order(schedule.order);
    if (!consider(without) &&
        peak_bytes(assign_buffers(graph, kernels, options, without).problem) >= best_peak) {
      graph.set_order(given);
    }
    if (schedule.optimal && best_peak <= schedule.lower_bound_bytes) kind = BoundKind::kAllOrders;
  }
  MEMOPT_ASSIGN_OR_RETURN(MemoryPlan plan, plan_memory(best.problem, options.planner));
  if (Status status = validate(best.problem, plan); !status.ok()) {
    return internal_error("the planner made an invalid plan: " + status.error().message);
  }
  cancelled = cancelled || plan.cancelled;
  return PlannedBuffers{.assignment = std::move(best),
                        .plan = std::move(plan),
                        .bound_kind = kind,
                        .cancelled = cancelled};
}

}  // namespace memopt
