// The memory budget: lowers the peak of a graph by rewrites, cheapest first, and keeps the curve of
// arena bytes against predicted time that it walks along.
//
// The curve is made for a fixed ladder of targets below the unbudgeted arena, whatever the budget
// is; a budget picks the fastest point that fits. So a larger budget never gives a slower or a
// larger plan than a smaller one.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "passes/budget/candidate.h"

namespace memopt {

struct BudgetOptions {
  BudgetTechniques techniques = {};
  CostModel costs = default_cost_model();
  int max_evaluations = 1500;  // graphs lowered and planned on the way; fewer of large ones
  // Work of one order and one placement on the way; the chosen point is planned with BufferOptions'
  // own.
  OrderOptions ordering = {.bound_work = 2'000'000,
                           .exact_work = 100'000,
                           .window_work = 100'000,
                           .window_work_per_op = 50,
                           .beam_width = 8,
                           .stop = {}};
  int64_t work_limit = 20000;
  // Told of every peak that is worked on and of every move tried there, as a line.
  std::function<void(std::string_view line)> trace = {};
};

struct BudgetPoint {
  int64_t arena_bytes = 0;
  double predicted_ns = 0;
  std::vector<Move> moves;
};

struct BudgetCurve {
  Graph base;  // the graph that the moves name, in its planned order
  // From the unbudgeted plan (no moves) down: bytes fall, predicted time never does.
  std::vector<BudgetPoint> points;
  // No rewrite among the techniques gets below this: what `floor_reason` says is needed at once.
  int64_t floor_bytes = 0;
  std::string floor_reason;
  int evaluations = 0;
  bool complete = false;  // false: stopped by max_evaluations or BufferOptions::planner.stop
};

// `optimized` is the graph behind the optimization pipeline. `progress` is told of every target.
Result<BudgetCurve> explore_budget(const Graph& optimized, const BackendOptions& backend,
                                   const BudgetOptions& options,
                                   const std::function<void(std::string_view)>& progress = {});

// The fastest point whose arena is at most `budget_bytes`; nullptr if there is none.
const BudgetPoint* point_within(const BudgetCurve& curve, int64_t budget_bytes);

}  // namespace memopt
