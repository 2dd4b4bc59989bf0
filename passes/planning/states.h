// States: how the next value of one comes to lie where the old one does, and when.
#pragma once

#include "compiler/ir/graph.h"
#include "passes/lowering.h"

namespace memopt {

// The state that holds `next` in the next run; none() where none does.
ValueId old_value(const Graph& graph, ValueId next);

// Lets the next value of every state be written where the old one lies, behind all that read that:
// by the node that makes it where it can, else by a copy of it at the end. Puts the nodes into an
// order in which that is so. The copies have no kernels yet. Returns whether any was made.
bool settle_states(Graph& graph, const NodeMap<KernelChoice>& kernels, const Target& target);

}  // namespace memopt
