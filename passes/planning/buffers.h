// The one bridge from graphs to rectangles: which storages there are, when they live, and the
// memory problem that they make.
#pragma once

#include <optional>
#include <vector>

#include "passes/analysis/liveness.h"
#include "passes/planning/aliases.h"
#include "passes/planning/problem.h"
#include "runtime/plan/plan.h"

namespace memopt {

struct BufferAssignment {
  Aliases aliases;
  std::vector<NodeId> steps;  // the nodes that run, in order
  MemoryProblem problem;      // space 0 is the arena; lifetimes in steps, -1: before the first
  ValueMap<std::optional<uint32_t>> buffer;  // per root in the arena; in-place results share one
  std::vector<std::optional<uint32_t>> scratch;  // per step
  int64_t naive_bytes = 0;                       // every value and scratch with bytes of its own
};

// For the present order of the graph.
BufferAssignment assign_buffers(const Graph& graph, const NodeMap<KernelChoice>& kernels,
                                const BufferOptions& options,
                                const std::vector<NodeId>& without_destination = {});

// The largest sum of live bytes over all steps.
int64_t peak_bytes(const MemoryProblem& problem);

struct PlannedBuffers {
  BufferAssignment assignment;
  MemoryPlan plan;
  BoundKind bound_kind = BoundKind::kFixedOrder;
  bool cancelled = false;  // PlannerOptions::stop ended the search for the order or the offsets
};

// Orders the graph (where options allow), decides aliases and finds offsets; validated. Never worse
// than the given order. Errors: kInternal for a plan that the validator rejects.
Result<PlannedBuffers> plan_buffers(Graph& graph, const NodeMap<KernelChoice>& kernels,
                                    const BufferOptions& options);

}  // namespace memopt
