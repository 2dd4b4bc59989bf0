// The exact search: is there an order whose peak stays within a budget? Answered for growing
// budgets.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/planning/order_graph.h"
#include "passes/planning/stop.h"

namespace memopt::ordering {

struct SearchLimits {
  int64_t floor_bytes = 0;  // a peak this small is as good as any smaller one
  int64_t below_bytes = 0;  // only an order with a smaller peak than this is wanted
  int64_t max_work = 0;     // operators run, or words of memory stored
  StopToken stop = {};      // ends it like the work limit
};

struct SearchResult {
  std::vector<int32_t> order;     // of least peak, or empty: none below `below_bytes` (or gave up)
  int64_t lower_bound_bytes = 0;  // every order has at least this peak
  int64_t work = 0;
  bool finished = false;  // false: the work limit or the token ended it
};

// Depth-first search over closed sets of operators under a budget for the peak, with a memory of
// the sets seen; when a budget is exhausted, it grows to the smallest one that lets a step more
// happen, and the search goes on from the steps that it had blocked. So the first complete order is
// of least peak. From every set the operators (and chains of operators, each waiting for the one
// before) that fit the budget and end with no more live bytes than before run at once: because live
// bytes are a submodular function of the set, running them earlier raises no later step.
//
// Two such searches take turns, one from the start forwards and one from the end backwards: where
// one meets many dead ends, the other often meets few.
SearchResult search_order(const OrderGraph& graph, const SearchLimits& limits);

// The same searches, from either end, restricted to the `width` most promising sets of each size:
// proves nothing, but ends on large problems. It halves the range of budgets until none is left.
SearchResult beam_search(const OrderGraph& graph, const SearchLimits& limits, int32_t width);

}  // namespace memopt::ordering
