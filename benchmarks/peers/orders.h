// Orders of operators that other systems use, written from their published descriptions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "passes/planning/order_graph.h"

namespace memopt::peers {

// Reversed post-order of a depth-first search from the inputs: the order of most importers.
std::vector<int32_t> reverse_post_order(const ordering::OrderGraph& graph);

// Post-order of a depth-first search from the results against the edges: a tensor is made when it
// is first needed. The baseline that HMCOS (Wang et al., "Hierarchical Memory-Constrained Operator
// Scheduling of Neural Architecture Search Networks", DAC 2022) calls RPO.
std::vector<int32_t> post_order(const ordering::OrderGraph& graph);

// List scheduling of PyTorch Inductor (torch/_inductor/memory.py, "LPMF", least peak memory first):
// of the ready operators the one that raises the peak so far the least, then the one after which
// the fewest bytes live. Ties go to the given order.
std::vector<int32_t> least_peak_first(const ordering::OrderGraph& graph);

// List scheduling of XLA (hlo_memory_scheduler.cc, "list"): of the ready operators the one that
// frees the most bytes, less what it allocates. Ties go to the given order.
std::vector<int32_t> bytes_freed_first(const ordering::OrderGraph& graph);

struct OrderPeer {
  const char* name;
  std::vector<int32_t> (*order)(const ordering::OrderGraph&);
};
std::span<const OrderPeer> order_peers();

}  // namespace memopt::peers
