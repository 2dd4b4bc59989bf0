// Smaller ordering problems with the same optimum.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "passes/planning/order_graph.h"
#include "passes/planning/stop.h"

namespace memopt::ordering {

// A problem whose operators stand for sequences of operators of another one.
struct ReducedGraph {
  OrderGraph graph;
  Rows<int32_t> members;  // operator of `graph` → the operators it runs, in order
};

// Merges operators that some optimal order runs back to back, with exactly their joint cost:
//   u, v where v waits for nothing but u, never leaves more live bytes than it found and never
//   needs more while it runs than u did (v may run at once), and the mirror image of that (u may
//   wait for v). This is Liu's hill-valley merging of chains, for the chains where the valleys are
//   known whatever else is live.
// In time about linear in the graph; adds the elementary steps to `*work`. Once stopped, what has
// merged until then is the result.
ReducedGraph merge_chains(const OrderGraph& graph, StopToken stop, int64_t* work);

// The order of the original operators that an order of the reduced ones stands for.
std::vector<int32_t> expand_order(const ReducedGraph& reduced, std::span<const int32_t> order);

// Where each block of operators ends (exclusive, ascending; the last is n): every topological order
// runs the operators of one block, in some order, before those of the next, because its last one
// depends on all before it and all after it depend on it.
std::vector<int32_t> block_ends(const OrderGraph& graph);

}  // namespace memopt::ordering
