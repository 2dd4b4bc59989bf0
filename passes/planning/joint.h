// Which concatenations are written in place, and the order of the operators, decided together: a
// destination lives from its first part on, so that whether it pays depends on the order, and the
// best order on the destinations.
#pragma once

#include <vector>

#include "passes/planning/buffers.h"

namespace memopt {

struct JointChoice {
  BufferAssignment assignment;
  std::vector<NodeId> order;
  std::vector<NodeId> without;    // concatenations that stay copies; ascending
  int64_t peak_bytes = 0;         // of the assignment
  int64_t moved_bytes = 0;        // written by steps that only move bytes: what breaks a tie
  int64_t order_bound_bytes = 0;  // proved: with these aliases no order has a smaller peak
};

struct JointResult {
  std::vector<JointChoice> choices;  // the best first, then others with its peak
  bool cancelled = false;            // the search for an order was stopped
};

// Starts from the destinations that pay in the present order and the best order for them. If that
// is not optimal for certain, tries all, none, and changes of single destinations that are live at
// the peak, each with an order of its own; work is bounded by options.ordering. Never worse than
// the present order; leaves the graph in the order of the first choice.
Result<JointResult> choose_jointly(Graph& graph, const NodeMap<KernelChoice>& kernels,
                                   const BufferOptions& options);

// The node does nothing but move bytes, and so may not run at all where values share storage.
bool moves_bytes_only(const Node& node);

// No choice of views, destinations, results in place and order has a smaller peak: the largest
// operator, with everything shared that could ever be.
int64_t shared_working_set_bound(const Graph& graph, const NodeMap<KernelChoice>& kernels,
                                 const BufferOptions& options);

}  // namespace memopt
