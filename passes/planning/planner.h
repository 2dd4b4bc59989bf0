// Finds offsets for a memory problem. The planners are a table that one can read; `plan_memory`
// runs a portfolio of them and says what it proved.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "passes/planning/bound.h"
#include "passes/planning/instance.h"
#include "passes/planning/problem.h"
#include "passes/planning/stop.h"
#include "passes/planning/validate.h"

namespace memopt {

enum class Objective {
  kMinimize,  // the smallest height
  kFit,       // any plan within the capacity of its space; spaces without one are minimised
};

struct PlannerOptions {
  Objective objective = Objective::kMinimize;
  std::string planner = {};  // a name from planners(), or empty for the portfolio
  // Of the exact search per space, in units of some microseconds. Each of the heuristics may take
  // as much again, on instances large enough to.
  int64_t work_limit = 400000;
  uint64_t seed = 1;
  int threads = 1;      // used at most; the plan does not depend on it
  StopToken stop = {};  // once stopped, the best plan so far is the result
  // Told now and then how far the exact search is, as a line.
  std::function<void(std::string_view line)> progress = {};
};

// Offsets for every buffer, fixed ones kept, and per space the height, the bound and the proof.
// Deterministic: the same problem and options give the same plan, unless it is stopped. A plan that
// exceeds a capacity is returned too, with kImpossible or kWorkLimitReached: capacity_error() turns
// that into an Error. Errors: a problem that check_problem rejects, an unknown planner, fixed
// buffers that collide.
Result<MemoryPlan> plan_memory(const MemoryProblem& problem, const PlannerOptions& options = {});

// Ok, or the kBudgetImpossible or kBudgetNotReached of the first space whose capacity is exceeded.
Status capacity_error(const MemoryProblem& problem, const MemoryPlan& plan);

// What an algorithm found for one space.
struct SpaceResult {
  std::vector<int64_t> offsets;  // of the instance's items; empty when stopped before all had one
  int64_t lower_bound = 0;       // proved
  int64_t work = 0;
  std::string planner = {};  // the algorithm that found the offsets, if not the one asked
};

// One algorithm. `target_bytes` is the height at which it may stop: the bound, or the capacity.
struct Planner {
  const char* name;
  const char* summary;
  bool is_heuristic;  // part of the portfolio's first stage, which stops at the first to meet the
                      // target
  size_t max_items;   // above this the portfolio leaves it out: its time grows with the square
  SpaceResult (*solve)(const Instance&, int64_t target_bytes, const PlannerOptions&);
};
std::span<const Planner> planners();

}  // namespace memopt
