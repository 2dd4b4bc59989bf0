// Orders in near-linear time: the first upper bounds of every search.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/planning/order_graph.h"

namespace memopt::ordering {

// Depth first from the operators nobody waits for, inputs first: keeps chains together. Among the
// inputs of an operator the `widest_first` way starts with the one that has the most ancestors
// (its bytes wait the shortest), the other way keeps the given order.
std::vector<int32_t> post_order(const OrderGraph& graph, bool widest_first);

// What a list scheduler looks at when it picks the next ready operator; ties go to the most
// recently unlocked operator, then to the given order.
enum class GreedyKey {
  kGrowth,   // fewest bytes more after it
  kRunning,  // fewest bytes while it runs
};
std::vector<int32_t> greedy_order(const OrderGraph& graph, GreedyKey key);

}  // namespace memopt::ordering
