// The whole compilation after import: graph in, plan and constants out.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "passes/backend.h"
#include "passes/budget/budget.h"
#include "passes/emit/emit_plan.h"

namespace memopt {

struct CompileOptions : BackendOptions {
  std::vector<TileRequest> tiles;  // applied behind the optimization pipeline, in this order
  // Arena bytes allowed: where the plan needs more, rewrites lower its peak; the smallest plan
  // found where none fits. 0: as few as there can be.
  std::optional<int64_t> budget_bytes;
  // What a plan needs beside its arena that the budget bounds too, in bytes; null: the arena is
  // all.
  std::function<Result<int64_t>(const Plan&)> beside_arena;
  bool explore_budget = false;  // fill CompiledModel::curve in any case
  BudgetOptions budget;
  // "name=value" of what the user asked for, kept in the plan, with
  // "network=" and the digest of the graph.
  std::vector<std::string> recorded;
  // Called when a stage begins: "optimize", "layout", "kernels", "memory", "emit".
  std::function<void(std::string_view stage)> progress;
};

// A graph and its plan.
struct PlannedModel {
  Graph optimized;  // with ONNX's meaning, before layouts: what --emit-onnx writes
  LoweredModel lowered;
  EmittedPlan emitted;
  std::vector<Move> moves;         // of the curve's base, taken for the budget
  int64_t beside_arena_bytes = 0;  // CompileOptions::beside_arena, of this plan
};

struct CompiledModel : PlannedModel {
  std::optional<BudgetCurve> curve;  // where a budget made the compiler look for one
  int64_t naive_bytes = 0;           // of the model before it was cut into bands or rewritten
  std::optional<Plan> unbudgeted;    // what there was before the budget, where it changed the plan
  bool cancelled = false;            // a search was stopped (BufferOptions::planner.stop)
  std::string network;               // network_digest() of what was compiled
  const Plan& plan() const { return emitted.plan; }
  // What a budget is compared with.
  int64_t budgeted_bytes() const { return plan().arena_bytes + beside_arena_bytes; }
};

// The plan has passed the independent verifier (verify_plan) before it is returned. Heap-allocated,
// because the constant writer refers into it.
Result<std::unique_ptr<CompiledModel>> compile_graph(Graph graph, const CompileOptions& options);

// Writes the plan file, atomically (runtime/plan/write.h).
Status write_compiled(const CompiledModel& model, const std::string& path);

// Arena bytes with inputs and outputs placed the other way (in the arena or by the caller): for the
// report. Nothing when the search for them is stopped.
Result<std::optional<int64_t>> arena_bytes_with_io(const CompiledModel& model,
                                                   const CompileOptions& options, bool io_in_arena);

}  // namespace memopt
