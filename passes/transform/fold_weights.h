// Shared by the passes that fold y = scale * f(x) + shift into the weights of f.
#pragma once

#include <vector>

#include "compiler/ir/graph.h"
#include "passes/pass.h"

namespace memopt {

// Whether `value` is the single-use result of a convolution (or transposed convolution) with
// constant weights and no residual or activation, which can take over what becomes of it.
bool has_foldable_producer(const Graph& graph, ValueId value);

// Node `id` computes, per output channel c, scale[c] * v + shift[c] of its operand v. Where v has a
// foldable producer, its weights and bias take that over, the node's uses read the convolution, and
// the node is erased. Says whether it did: not where the new weights are no safe constants, nor
// where the account does not afford them.
bool fold_into_producer(Graph& graph, NodeId id, const std::vector<double>& scale,
                        const std::vector<double>& shift, const PassOptions& options,
                        size_t operand = 0);

// Replaces result `from` of a node about to be erased by `to`, keeping the name of a graph output.
void take_over_result(Graph& graph, ValueId from, ValueId to);

}  // namespace memopt
