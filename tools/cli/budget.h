// The answers to a memory budget: --memory-budget and --pareto of memopt-compile, memopt-inspect
// fits.
#pragma once

#include <optional>
#include <string>

#include "passes/compile.h"

namespace memopt {

// "8MiB" or "min", which is 0: as few bytes as there can be.
Result<int64_t> parse_budget(const std::string& text);

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

// A file of memopt-bench --calibrate.
Result<CostModel> read_cost_model(const std::string& path);

// Ok where the plan keeps the budget, or the budget is "min". Otherwise kBudgetImpossible with what
// proves it, or kBudgetNotReached; both say what was reached, who sets the peak and what to try.
Status check_budget(const CompiledModel& model, int64_t budget_bytes, bool cancelled);

// What the budget made of the plan: a paragraph for the report; empty where it changed nothing.
std::string budget_outcome(const CompiledModel& model);

// Writes the curve as JSON or, to a path that ends in ".html", as a page.
Status write_pareto(const CompiledModel& model, const std::string& path);

}  // namespace memopt
