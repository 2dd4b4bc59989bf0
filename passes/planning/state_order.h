// Who reads a state, and what must therefore run before it is overwritten.
#pragma once

#include <utility>
#include <vector>

#include "compiler/ir/graph.h"

namespace memopt {

// `before` and all that may share its bytes as a view.
std::vector<ValueId> possible_views(const Graph& graph, ValueId before);

// The nodes that read `before`, maybe as a view of it; some more than once.
std::vector<NodeId> possible_readers(const Graph& graph, ValueId before);

ValueId next_value(const Graph& graph, const State& state);

// Nodes of which the first runs before the second.
using Precedence = std::vector<std::pair<NodeId, NodeId>>;

// The nodes that must run after `id`, itself among them: those that read what it makes, directly or
// not, and those that `later` names (per node; a shorter list names none for the others).
std::vector<bool> nodes_behind(const Graph& graph, NodeId id,
                               const std::vector<std::vector<NodeId>>& later);

// In which order states are overwritten, once they are settled (states.h).
struct StateOrder {
  // In no cycle with the graph: what reads a state, or a part of it, before what writes that.
  Precedence precedence;
  // Concatenations that are the next values of states, and whose parts may be written over the
  // parts of the old ones, one by one; ascending. They may also be copies.
  std::vector<NodeId> in_parts;
};
StateOrder state_order(const Graph& graph);

}  // namespace memopt
