#include "passes/compile.h"

#include <algorithm>
#include <set>

#include "compiler/ir/digest.h"
#include "compiler/ir/verify.h"
#include "passes/emit/plan_limits.h"
#include "passes/pipeline.h"
#include "runtime/plan/verify.h"

namespace memopt {
namespace {

constexpr std::string_view kProducer = "memopt " MEMOPT_VERSION;

void report_stage(const CompileOptions& options, std::string_view stage) {
  if (options.progress) options.progress(stage);
}

// The caller binds every output to memory of its own, so that one that is listed again, or is no
// result, is a copy, with a name of its own.
void separate_outputs(Graph& graph) {
  std::set<ValueId> seen;
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const ValueId output = graph.outputs()[i];
    const bool is_result = graph.value(output).kind == ValueKind::kResult;
    if (seen.insert(output).second && is_result) continue;
    graph.set_output(i, graph.add_simple(Identity{}, {{output}}, graph.type(output),
                                         graph.value(output).name, ""));
  }
}

Status emit(CompiledModel& model, const CompileOptions& options) {
  report_stage(options, "emit");
  BufferOptions buffers = options.buffers;
  buffers.target = options.kernels.target;
  const LoweredModel& lowered = model.lowered;
  model.emitted = emit_plan(lowered.graph, lowered.kernels, lowered.buffers, buffers);
  Plan& plan = model.emitted.plan;
  plan.producer = kProducer;
  plan.certificate.naive_bytes = model.naive_bytes;
  plan.options = options.recorded;
  plan.options.push_back("network=" + model.network);
  for (const Move& move : model.moves) {
    plan.options.push_back("budget=" + describe(model.curve->base, move));
  }
  std::sort(plan.options.begin(), plan.options.end());
  MEMOPT_RETURN_IF_ERROR(fit_plan_limits(plan));
  if (Status status = verify_plan(plan); !status.ok()) {
    return internal_error("the compiler made a plan that its verifier rejects: " +
                          status.error().message);
  }
  MEMOPT_RETURN_IF_ERROR(check_round_trip(plan));
  if (options.beside_arena) {
    MEMOPT_ASSIGN_OR_RETURN(model.beside_arena_bytes, options.beside_arena(plan));
  }
  return {};
}

// The model with the moves of one point of its curve.
Status compile_point(CompiledModel& model, const BudgetPoint& point,
                     const CompileOptions& options) {
  MEMOPT_ASSIGN_OR_RETURN(MovedGraph moved, apply_moves(model.curve->base, point.moves));
  MEMOPT_RETURN_IF_ERROR(verify_graph(moved.graph));
  BackendOptions backend = options;
  backend.kernels.avoided = moved.avoided_kernels;
  MEMOPT_ASSIGN_OR_RETURN(LoweredModel lowered,
                          lower_model(moved.graph, backend, options.progress));
  if (lowered.arena_bytes() > point.arena_bytes) {
    // The searches were stopped, or found less with more effort: as it was when the point was
    // found.
    backend.buffers.planner.stop = {};
    backend.buffers.ordering = options.budget.ordering;
    backend.buffers.planner.work_limit = options.budget.work_limit;
    MEMOPT_ASSIGN_OR_RETURN(lowered, lower_model(moved.graph, backend, options.progress));
  }
  model.optimized = std::move(moved.graph);
  model.lowered = std::move(lowered);
  model.moves = point.moves;
  return emit(model, options);
}

// Compiles the fastest point of the curve that fits, or the smallest. What a point needs beside the
// arena is known only then, so that the next ones are tried too where that counts.
Status take_point(CompiledModel& model, const CompileOptions& options) {
  const std::vector<BudgetPoint>& points = model.curve->points;
  const BudgetPoint* point = point_within(*model.curve, *options.budget_bytes);
  if (point == nullptr) point = options.beside_arena ? points.data() : &points.back();
  const Plan unbudgeted = model.plan();
  for (; point != points.data() + points.size(); ++point) {
    const int64_t least_bytes = model.budgeted_bytes();
    PlannedModel best = std::move(static_cast<PlannedModel&>(model));
    MEMOPT_RETURN_IF_ERROR(compile_point(model, *point, options));
    if (model.budgeted_bytes() >= least_bytes) {
      static_cast<PlannedModel&>(model) = std::move(best);
    }
    if (!options.beside_arena || model.budgeted_bytes() <= *options.budget_bytes ||
        options.buffers.planner.stop.stopped()) {
      break;
    }
  }
  if (!model.moves.empty()) model.unbudgeted = unbudgeted;
  return {};
}

}  // namespace

Result<std::unique_ptr<CompiledModel>> compile_graph(Graph graph, const CompileOptions& options) {
  std::string network = network_digest(graph);
  if (!options.buffers.io_in_arena) separate_outputs(graph);
  report_stage(options, "optimize");
  MEMOPT_RETURN_IF_ERROR(run_passes(graph, optimization_pipeline(), options.passes));
  std::optional<int64_t> untiled_bytes;
  if (!options.tiles.empty()) {
    MEMOPT_ASSIGN_OR_RETURN(untiled_bytes, naive_bytes(graph, options));
    RunPassesOptions passes = options.passes;
    passes.pass.tiles = options.tiles;
    const Pass* const tile[] = {find_pass("tile")};
    MEMOPT_RETURN_IF_ERROR(run_passes(graph, tile, passes));
  }
  MEMOPT_ASSIGN_OR_RETURN(LoweredModel lowered, lower_model(graph, options, options.progress));
  PlannedModel planned{.optimized = std::move(graph),
                       .lowered = std::move(lowered),
                       .emitted = {},
                       .moves = {},
                       .beside_arena_bytes = 0};
  auto model = std::make_unique<CompiledModel>(
      CompiledModel{std::move(planned), {}, 0, {}, false, std::move(network)});
  model->naive_bytes = untiled_bytes.value_or(model->lowered.buffers.assignment.naive_bytes);
  MEMOPT_RETURN_IF_ERROR(emit(*model, options));
  const bool over_budget = options.budget_bytes && options.budget.techniques.any() &&
                           model->budgeted_bytes() > *options.budget_bytes;
  if (over_budget || options.explore_budget) {
    MEMOPT_ASSIGN_OR_RETURN(
        model->curve, explore_budget(model->optimized, options, options.budget, options.progress));
  }
  model->cancelled =
      model->lowered.buffers.cancelled || (model->curve && options.buffers.planner.stop.stopped());
  if (over_budget) MEMOPT_RETURN_IF_ERROR(take_point(*model, options));
  return model;
}

Status write_compiled(const CompiledModel& model, const std::string& path) {
  return write_plan(model.plan(),
                    constant_writer(model.lowered.graph, model.lowered.kernels, model.plan().target,
                                    model.emitted),
                    path);
}

Result<std::optional<int64_t>> arena_bytes_with_io(const CompiledModel& model,
                                                   const CompileOptions& options,
                                                   bool io_in_arena) {
  if (options.buffers.planner.stop.stopped()) return std::optional<int64_t>();
  BufferOptions buffer_options = options.buffers;
  buffer_options.target = options.kernels.target;
  buffer_options.io_in_arena = io_in_arena;
  Graph graph = model.lowered.graph;
  MEMOPT_ASSIGN_OR_RETURN(const PlannedBuffers buffers,
                          plan_buffers(graph, model.lowered.kernels, buffer_options));
  return buffers.cancelled ? std::optional<int64_t>()
                           : std::optional(buffers.plan.spaces[0].height_bytes);
}

}  // namespace memopt
