#include "passes/backend.h"

#include <algorithm>

#include "passes/pipeline.h"
#include "passes/planning/states.h"

namespace memopt {

namespace {

BufferOptions buffer_options(const BackendOptions& options) {
  BufferOptions buffers = options.buffers;
  buffers.target = options.kernels.target;
  return buffers;
}

// The kernels of a graph with layouts, whose states are settled on the way.
Result<NodeMap<KernelChoice>> choose_kernels(Graph& graph, const SelectOptions& options) {
  MEMOPT_ASSIGN_OR_RETURN(NodeMap<KernelChoice> kernels, select_kernels(graph, options));
  if (settle_states(graph, kernels, options.target)) return select_kernels(graph, options);
  return kernels;
}

}  // namespace

Result<LoweredModel> lower_model(Graph graph, const BackendOptions& options,
                                 const std::function<void(std::string_view)>& progress) {
  const auto report = [&progress](std::string_view stage) {
    if (progress) progress(stage);
  };
  report("layout");
  MEMOPT_RETURN_IF_ERROR(run_passes(graph, layout_pipeline(), options.passes));
  report("kernels");
  MEMOPT_ASSIGN_OR_RETURN(NodeMap<KernelChoice> kernels, choose_kernels(graph, options.kernels));
  report("memory");
  MEMOPT_ASSIGN_OR_RETURN(PlannedBuffers buffers,
                          plan_buffers(graph, kernels, buffer_options(options)));
  return LoweredModel{
      .graph = std::move(graph), .kernels = std::move(kernels), .buffers = std::move(buffers)};
}

Result<int64_t> naive_bytes(Graph graph, const BackendOptions& options) {
  MEMOPT_RETURN_IF_ERROR(run_passes(graph, layout_pipeline(), options.passes));
  MEMOPT_ASSIGN_OR_RETURN(const NodeMap<KernelChoice> kernels,
                          choose_kernels(graph, options.kernels));
  return assign_buffers(graph, kernels, buffer_options(options)).naive_bytes;
}

std::vector<int64_t> live_bytes_per_step(const BufferAssignment& assignment) {
  const size_t steps = assignment.steps.size();
  std::vector<int64_t> change(steps + 1, 0);
  for (const MemoryBuffer& buffer : assignment.problem.buffers) {
    change[static_cast<size_t>(std::max<int64_t>(buffer.lower, 0))] += buffer.size_bytes;
    if (const auto upper = static_cast<size_t>(buffer.upper); upper <= steps) {
      change[upper] -= buffer.size_bytes;
    }
  }
  std::vector<int64_t> live(steps, 0);
  int64_t now = 0;
  for (size_t step = 0; step < steps; ++step) {
    now += change[step];
    live[step] = now;
  }
  return live;
}

}  // namespace memopt
