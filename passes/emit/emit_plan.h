// The last step of a compilation: graph, kernels, storages and offsets become a Plan.
#pragma once

#include <memory>
#include <vector>

#include "compiler/ir/graph.h"
#include "passes/lowering.h"
#include "passes/planning/buffers.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/write.h"

namespace memopt {

// Where the bytes of a constant root of the plan come from: as they are, or packed by the kernel of
// a node.
struct ConstantSource {
  std::shared_ptr<const ConstantData> data;
  NodeId packed_for;  // none(): not packed
  int input = 0;      // the operand of packed_for that the data are
};

struct EmittedPlan {
  Plan plan;
  std::vector<std::optional<ConstantSource>> sources;  // per plan value
};

EmittedPlan emit_plan(const Graph& graph, const NodeMap<KernelChoice>& kernels,
                      const PlannedBuffers& planned, const BufferOptions& options);

// Fills constants on demand for write_plan(); all references must outlive the result.
ConstantWriter constant_writer(const Graph& graph, const NodeMap<KernelChoice>& kernels,
                               const Target& target, const EmittedPlan& emitted);

}  // namespace memopt
