// Local improvement of an order that is too long to be searched as a whole.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/planning/order_graph.h"

namespace memopt::ordering {

// Lowers the peak of `order` (a topological one): the operators around its highest step are ordered
// again by the exact search, all others staying where they are, in windows that grow until one
// helps; again and again, until the peak is at most `floor_bytes`, no window helps at the highest
// step, or the work is used up. Returns the work done.
int64_t improve_windows(const OrderGraph& graph, int64_t floor_bytes, int64_t max_work,
                        std::vector<int32_t>* order);

}  // namespace memopt::ordering
