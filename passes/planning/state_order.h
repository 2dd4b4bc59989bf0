// Who reads a state, and what must therefore run before it is overwritten.
#pragma once

#include <vector>

#include "compiler/ir/graph.h"

namespace memopt {

// `before` and all that may share its bytes as a view.
std::vector<ValueId> possible_views(const Graph& graph, ValueId before);

ValueId next_value(const Graph& graph, const State& state);

// What reads a state, maybe as a view of it, before the node that makes its next value; not that
// node itself.
Precedence readers_first(const Graph& graph, const State& state);

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
