#include "passes/planning/buffers.h"

#include <algorithm>

#include "passes/planning/bound.h"
#include "passes/planning/joint.h"
#include "passes/planning/storage.h"
#include "passes/planning/validate.h"
#include "runtime/base/checked.h"

namespace memopt {
namespace {

bool is_in_arena(const Graph& graph, const BufferOptions& options, ValueId root) {
  return storage_of(graph, options.io_in_arena, root) == Storage::kArena;
}

// Lifetimes of the roots, before results overwrite operands. The caller fills all inputs before the
// first step, and an input that no step reads is dead when that begins: where there is one, inputs
// live from step -1 on.
ValueMap<StepRange> root_lifetimes(const Graph& graph, const BufferAssignment& assignment,
                                   const BufferOptions& options) {
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
  const auto is_unread = [&](ValueId input) {
    return lifetimes[input] == StepRange{} && is_in_arena(graph, options, input);
  };
  const bool any_unread = std::any_of(graph.inputs().begin(), graph.inputs().end(), is_unread);
  for (const ValueId input : graph.inputs()) touch(lifetimes[input], any_unread ? -1 : 0);
  return lifetimes;
}

}  // namespace

BufferAssignment assign_buffers(const Graph& graph, const NodeMap<KernelChoice>& kernels,
                                const BufferOptions& options,
                                const std::vector<NodeId>& without_destination) {
  BufferAssignment result{.aliases = find_aliases(graph, kernels, options, without_destination),
                          .steps = {},
                          // Not {}: GCC 12 destroys it twice where what follows throws.
                          .problem = MemoryProblem(),
                          .buffer = ValueMap<std::optional<uint32_t>>(graph),
                          .scratch = {},
                          .naive_bytes = 0};
  const auto& placement = result.aliases.placement;
  for (const NodeId id : graph.order()) {
    if (!result.aliases.elided[id]) result.steps.push_back(id);
  }
  result.problem.spaces[0].name = "arena";
  const ValueMap<StepRange> lifetimes = root_lifetimes(graph, result, options);
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
    buffer.upper = options.reuse ? life.end : std::max<int64_t>(last_step, life.end);
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
      buffer.upper = lifetimes[root].end;
      return true;
    }
    return false;
  };

  for (const ValueId input : graph.inputs()) {
    if (is_in_arena(graph, options, input)) add_buffer(input);
  }
  for (int64_t step = 0; step < last_step; ++step) {
    const NodeId id = result.steps[static_cast<size_t>(step)];
    const Node& node = graph.node(id);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (!node.outputs[i]) continue;
      const ValueId root = placement[node.outputs[i]].root;
      if (result.buffer[root] || !is_in_arena(graph, options, root)) continue;
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
    if (is_in_arena(graph, options, id)) result.naive_bytes += graph.type(id).bytes();
  }
  return result;
}

int64_t peak_bytes(const MemoryProblem& problem) { return lower_bound(problem); }

namespace {

Result<PlannedBuffers> place(BufferAssignment assignment, int64_t order_bound_bytes,
                             const PlannerOptions& planner) {
  MEMOPT_ASSIGN_OR_RETURN(MemoryPlan plan, plan_memory(assignment.problem, planner));
  if (Status status = validate(assignment.problem, plan); !status.ok()) {
    return internal_error("the planner made an invalid plan: " + status.error().message);
  }
  const bool of_all_orders = plan.spaces[0].lower_bound_bytes <= order_bound_bytes;
  const bool cancelled = plan.cancelled;
  return PlannedBuffers{
      .assignment = std::move(assignment),
      .plan = std::move(plan),
      .bound_kind = of_all_orders ? BoundKind::kAllOrders : BoundKind::kFixedOrder,
      .cancelled = cancelled};
}

}  // namespace

Result<PlannedBuffers> plan_buffers(Graph& graph, const NodeMap<KernelChoice>& kernels,
                                    const BufferOptions& options) {
  MEMOPT_ASSIGN_OR_RETURN(JointResult joint, choose_jointly(graph, kernels, options));
  std::vector<JointChoice>& choices = joint.choices;
  const int64_t peak = choices[0].peak_bytes;
  const auto height = [](const PlannedBuffers& planned) {
    return planned.plan.spaces[0].height_bytes;
  };
  MEMOPT_ASSIGN_OR_RETURN(
      PlannedBuffers best,
      place(std::move(choices[0].assignment), choices[0].order_bound_bytes, options.planner));
  std::vector<NodeId> best_order = choices[0].order;
  // Where the offsets do not reach the peak, others with the same peak may.
  PlannerOptions brief = options.planner;
  brief.work_limit /= 4;
  const auto offer = [&](BufferAssignment assignment, int64_t order_bound_bytes,
                         const std::vector<NodeId>& order) -> Status {
    MEMOPT_ASSIGN_OR_RETURN(PlannedBuffers other,
                            place(std::move(assignment), order_bound_bytes, brief));
    other.cancelled |= best.cancelled;
    if (height(other) >= height(best)) return {};
    best = std::move(other);
    best_order = order;
    return {};
  };
  for (size_t i = 1; i < choices.size() && height(best) > peak; ++i) {
    MEMOPT_RETURN_IF_ERROR(
        offer(std::move(choices[i].assignment), choices[i].order_bound_bytes, choices[i].order));
  }
  graph.set_order(choices[0].order);
  if (height(best) > peak && options.in_place) {
    BufferOptions apart = options;
    apart.in_place = false;
    BufferAssignment assignment = assign_buffers(graph, kernels, apart, choices[0].without);
    if (peak_bytes(assignment.problem) < height(best)) {
      MEMOPT_RETURN_IF_ERROR(offer(std::move(assignment), 0, choices[0].order));
      // The instructions may overwrite still: nothing beyond the peak with that is proved.
      SpacePlan& space = best.plan.spaces[0];
      if (space.lower_bound_bytes > peak) {
        space.lower_bound_bytes = peak;
        space.status = ProofStatus::kGap;
      }
    }
  }
  graph.set_order(std::move(best_order));
  best.cancelled |= joint.cancelled;
  return best;
}

}  // namespace memopt
