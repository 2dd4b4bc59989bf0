// Everything behind the optimized graph: layouts, kernels, order, aliases and offsets.
#pragma once

#include <functional>
#include <string_view>

#include "passes/lowering.h"
#include "passes/pass.h"
#include "passes/planning/buffers.h"

namespace memopt {

struct BackendOptions {
  RunPassesOptions passes;
  SelectOptions kernels;
  BufferOptions buffers;  // its target is set from kernels.target
};

struct LoweredModel {
  Graph graph;  // in the planned order, with layouts
  NodeMap<KernelChoice> kernels;
  PlannedBuffers buffers;
  int64_t arena_bytes() const { return buffers.plan.spaces[0].height_bytes; }
};

// `progress`, where given, is told when "layout", "kernels" and "memory" begin.
Result<LoweredModel> lower_model(Graph optimized, const BackendOptions& options,
                                 const std::function<void(std::string_view)>& progress = {});

// What the model takes without any sharing: every value and every kernel's scratch its own bytes.
Result<int64_t> naive_bytes(Graph optimized, const BackendOptions& options);

// Arena bytes in use while each step runs: the sums of the planned buffers that are live then.
std::vector<int64_t> live_bytes_per_step(const BufferAssignment& assignment);

}  // namespace memopt
