// Lower bounds on the peak of every order.
#pragma once

#include <cstdint>
#include <span>

#include "passes/planning/order_graph.h"
#include "passes/planning/stop.h"

namespace memopt::ordering {

// What an operator touches, less what in-place can save, is live while it runs; near linear.
int64_t working_set_bound(const OrderGraph& graph);

struct CutBound {
  int64_t bytes = 0;  // every order has at least this peak
  int64_t work = 0;   // arcs scanned
};

// The largest, over operators v, of the fewest bytes that can be live while v runs: a minimum cut
// that has the ancestors of v on one side and v with its descendants on the other, storages being
// hyper-edges of their size and precedence infinite arcs. An operator whose bytes while running in
// `order` (any topological order) are no more than the bound so far cannot raise it and is skipped,
// so a good order makes this cheap. Gives up with the best so far after `max_work` arcs,
// or when stopped.
CutBound min_cut_bound(const OrderGraph& graph, std::span<const int32_t> order, int64_t max_work,
                       StopToken stop = {});

}  // namespace memopt::ordering
