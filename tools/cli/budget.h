// The answers to a memory budget: --memory-budget and --pareto of memopt-compile, memopt-inspect
// fits.
#pragma once

#include <optional>
#include <string>

#include "passes/compile.h"

namespace memopt {

struct MemoryBudget {
  int64_t bytes = 0;
  bool is_min = false;  // as few as there can be; `bytes` is 0
};
// "8MiB" or "min".
Result<MemoryBudget> parse_budget(const std::string& text);

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
