// A graph with moves, lowered, planned and priced.
#pragma once

#include "passes/analysis/cost.h"
#include "passes/backend.h"
#include "passes/budget/moves.h"

namespace memopt {

struct Candidate {
  std::vector<Move> moves;
  MovedGraph moved;
  LoweredModel lowered;
  std::vector<int64_t> live_bytes;  // per step of lowered
  double predicted_ns = 0;          // of a run on one thread
  int64_t arena_bytes() const { return lowered.arena_bytes(); }
};

// kBadInput where the moves do not apply.
Result<Candidate> evaluate_moves(const Graph& base, std::vector<Move> moves,
                                 const BackendOptions& options, const CostModel& costs);

// The node of the moved graph that a lowered step comes from: by the name of a result, or, for what
// the layout pass has inserted, of what it reads or what reads it. Nullopt where neither is known
// there.
std::optional<NodeId> origin_of_step(const Candidate& candidate, size_t step);

}  // namespace memopt
