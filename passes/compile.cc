#include "passes/compile.h"

#include <algorithm>

#include "passes/pipeline.h"
#include "runtime/plan/verify.h"

namespace memopt {
namespace {

constexpr std::string_view kProducer = "memopt " MEMOPT_VERSION;

void report_stage(const CompileOptions& options, std::string_view stage) {
  if (options.progress) options.progress(stage);
}

}  // namespace

Result<std::unique_ptr<CompiledModel>> compile_graph(Graph graph, const CompileOptions& options) {
  report_stage(options, "optimize");
  MEMOPT_RETURN_IF_ERROR(run_passes(graph, optimization_pipeline(), options.passes));
  if (!options.tiles.empty()) {
    RunPassesOptions passes = options.passes;
    passes.pass.tiles = options.tiles;
    const Pass* const tile[] = {find_pass("tile")};
    MEMOPT_RETURN_IF_ERROR(run_passes(graph, tile, passes));
  }
  MEMOPT_ASSIGN_OR_RETURN(LoweredModel lowered, lower_model(graph, options, options.progress));
  report_stage(options, "emit");
  BufferOptions buffer_options = options.buffers;
  buffer_options.target = options.kernels.target;
  EmittedPlan emitted = emit_plan(lowered.graph, lowered.kernels, lowered.buffers, buffer_options);
  emitted.plan.producer = kProducer;
  emitted.plan.options = options.recorded;
  std::sort(emitted.plan.options.begin(), emitted.plan.options.end());
  if (Status status = verify_plan(emitted.plan); !status.ok()) {
    return internal_error("the compiler made a plan that its verifier rejects: " +
                          status.error().message);
  }
  return std::make_unique<CompiledModel>(CompiledModel{
      .optimized = std::move(graph), .lowered = std::move(lowered), .emitted = std::move(emitted)});
}

Status write_compiled(const CompiledModel& model, const std::string& path) {
  return write_plan(model.plan(),
                    constant_writer(model.lowered.graph, model.lowered.kernels, model.plan().target,
                                    model.emitted),
                    path);
}

Result<int64_t> arena_bytes_with_io(const CompiledModel& model, const CompileOptions& options,
                                    bool io_in_arena) {
  BufferOptions buffer_options = options.buffers;
  buffer_options.target = options.kernels.target;
  buffer_options.io_in_arena = io_in_arena;
  Graph graph = model.lowered.graph;
  MEMOPT_ASSIGN_OR_RETURN(const PlannedBuffers buffers,
                          plan_buffers(graph, model.lowered.kernels, buffer_options));
  return buffers.plan.spaces[0].height_bytes;
}

}  // namespace memopt
