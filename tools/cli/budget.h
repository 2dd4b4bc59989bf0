// The answers to a memory budget: --memory-budget and --pareto of memopt-compile, memopt-inspect
// fits.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "passes/compile.h"
#include "tools/allocation/count.h"
#include "tools/cli/app.h"
#include "tools/cli/runtime_bytes.h"

namespace memopt {

struct MemoryBudget {
  int64_t bytes = 0;
  bool is_min = false;  // as few as there can be; `bytes` is 0
};
// "8MiB" or "min".
Result<MemoryBudget> parse_budget(const std::string& text);

// --budget-of: what a budget bounds. The process is the arena, the structures made at load and the
// state; constants are mapped, shared and not in it.
void add_budget_of(CLI::App& app, std::string& budget_of);
// CompileOptions::beside_arena for it.
std::function<Result<int64_t>(const Plan&)> beside_arena(const std::string& budget_of,
                                                         const AllocationCounter* counter);
// What a budget of the arena costs beside it, as a line; empty where that did not rise. `now` is
// what loading the model's plan takes.
Result<std::string> rise_text(const CompiledModel& model, const PredictedRuntime& now,
                              const AllocationCounter* counter);

enum class BudgetVerdict {
  kYes,
  kImpossible,  // proved
  kNotReached,  // not found, and not proved impossible
};

struct Judgement {
  BudgetVerdict verdict = BudgetVerdict::kNotReached;
  int64_t proved_bytes = 0;  // no plan of these operators needs less
  std::string proof;         // what is proved, as a sentence without an end
};
Judgement judge_budget(const CompiledModel& model, int64_t budget_bytes);

// "the smallest arena found is ...", or the smallest sum where the budget bounds more.
std::string smallest_text(const CompiledModel& model);

// A file of memopt-bench --calibrate.
Result<CostModel> read_cost_model(const std::string& path);

// Ok where the plan keeps the budget, a text that parse_budget() takes, or that is "min". Otherwise
// kBudgetImpossible with what proves it, or kBudgetNotReached; both say what was reached.
Status check_budget(const CompiledModel& model, const std::string& budget);
// Who sets the peak and what to try, in lines.
std::string peak_text(const Plan& plan);

// What the budget made of the plan: a paragraph for the report; empty where it changed nothing.
std::string budget_outcome(const CompiledModel& model);

// Writes the curve as JSON or, to a path that ends in ".html", as a page. `name` is the model's.
Status write_pareto(const CompiledModel& model, const std::string& name, const std::string& path);

}  // namespace memopt
