// Moves that could lower the bytes live at a place of the graph, with estimates of what they bring.
#pragma once

#include <optional>
#include <vector>

#include "passes/budget/region.h"
#include "passes/planning/stop.h"

namespace memopt {

struct Proposal {
  Move move;
  std::optional<size_t> replaces;  // a move of the candidate that this one takes the place of
  int64_t peak_bytes = 0;          // estimate of the bytes live around the place afterwards
  double extra_ns = 0;             // estimate of the time it adds to a run
};

// Which tilings of a region are proposed: with the fewest bands whose estimate reaches the target;
// where that is close, also with more; or, with the fewest, also those that keep what overlaps.
// Ways of their own, since what comes first in one list crowds out the others.
enum class Banding { kFewest, kMore, kKeeping };

// Tilings (and micro-batches) of regions around node `place` whose estimate is at most
// `target_bytes`; those found until the token stops it.
std::vector<Proposal> propose_tilings(const Neighbourhood& around, NodeId place,
                                      int64_t target_bytes, const BudgetTechniques& techniques,
                                      Banding banding, StopToken stop);

// Values that live across `place` without being used there, computed again behind it. `live_bytes`
// are in use there now.
std::vector<Proposal> propose_rematerializations(const Neighbourhood& around, NodeId place,
                                                 int64_t live_bytes);

// Kernels with less scratch for the step `step` of the candidate.
std::vector<Proposal> propose_kernels(const Candidate& candidate, size_t step,
                                      const CostModel& costs, const Target& target);

}  // namespace memopt
