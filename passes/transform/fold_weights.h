// Shared by the passes that fold y = scale * f(x) + shift into the weights of f.
#pragma once

#include <vector>

#include "compiler/ir/graph.h"

namespace memopt {

// Node `id` computes, per output channel c, scale[c] * v + shift[c] of its operand v. Where v is
// the single-use result of a convolution (or transposed convolution) with constant weights and no
// residual or activation, the weights and bias take it over, the node's uses read the convolution,
// and the node is erased. Says whether it did.
bool fold_into_producer(Graph& graph, NodeId id, const std::vector<double>& scale,
                        const std::vector<double>& shift, size_t operand = 0);

// Replaces result `from` of a node about to be erased by `to`, keeping the name of a graph output.
void take_over_result(Graph& graph, ValueId from, ValueId to);

}  // namespace memopt
