// The graph's invariants, checked between passes.
#pragma once

#include "compiler/ir/graph.h"
#include "runtime/base/result.h"

namespace memopt {

// Definitions precede uses, names are unique, arities fit, use lists agree with operands, constants
// have the bytes of their type, and every result has the element type and shape that its operator
// infers. Layouts are free here.
Status verify_graph(const Graph& graph);

}  // namespace memopt
