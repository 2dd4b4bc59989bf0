// Finds offsets for a memory problem. The planners are a table that one can read; `plan_memory`
// runs a portfolio of them and says what it proved.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "passes/planning/bound.h"
#include "passes/planning/problem.h"
#include "passes/planning/validate.h"

namespace memopt {

enum class Objective {
  kMinimize,  // the smallest height
  kFit,       // any plan within the capacity of its space; spaces without one are minimised
};

struct PlannerOptions {
  Objective objective = Objective::kMinimize;
  std::string planner;  // a name from planners(), or empty for the portfolio
  int64_t work_limit =
      200000;  // search nodes per space; the time is proportional, the result exact
  uint64_t seed = 1;
};

// Offsets for every buffer, fixed ones kept, and per space the height, the bound and the proof.
// Deterministic: the same problem and options give the same plan. A plan that exceeds a capacity is
// returned too, with kImpossible or kWorkLimitReached: capacity_error() turns that into an Error.
// Errors: a problem that check_problem rejects, an unknown planner, fixed buffers that collide.
Result<MemoryPlan> plan_memory(const MemoryProblem& problem, const PlannerOptions& options = {});

// Ok, or the kBudgetImpossible or kBudgetNotReached of the first space whose capacity is exceeded.
Status capacity_error(const MemoryProblem& problem, const MemoryPlan& plan);

// One algorithm. `solve` sees a checked problem and returns offsets that a validator accepts,
// capacities aside; its plan has heights filled and nothing proved unless the planner proves.
struct Planner {
  const char* name;
  const char* summary;
  Result<MemoryPlan> (*solve)(const MemoryProblem&, const PlannerOptions&);
};
std::span<const Planner> planners();

}  // namespace memopt
