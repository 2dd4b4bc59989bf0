// Local improvement of an order that is too long to be searched as a whole.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/planning/order_graph.h"
#include "passes/planning/stop.h"

namespace memopt::ordering {

struct WindowLimits {
  int64_t floor_bytes = 0;  // a peak this small is as good as any smaller one
  int32_t beam_width = 0;   // where a window is too large for the exact search
  int64_t max_work = 0;
  StopToken stop = {};  // ends it like the work limit
};

// Lowers the peak of `order` (a topological one): the operators around its highest step are ordered
// again by the exact search or a beam, all others staying where they are, in windows that grow
// until one helps; again and again, until the peak is at most `floor_bytes`, no window helps at the
// highest step, or the work is used up. Returns the work done.
int64_t improve_windows(const OrderGraph& graph, const WindowLimits& limits,
                        std::vector<int32_t>* order);

}  // namespace memopt::ordering
