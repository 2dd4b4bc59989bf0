// Rematerialization: a value that is needed again much later is computed again instead of kept
// (Briggs, Cooper, Torczon, "Rematerialization", PLDI 1992; for networks: Chen et al., "Training
// Deep Nets with Sublinear Memory Cost", 2016).
#pragma once

#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/base/result.h"

namespace memopt {

struct Rematerialization {
  ValueId value;
  std::vector<ValueId> inputs;  // where the second computation starts from; constants are free
  NodeId after;                 // uses of `value` behind this node read the second computation
};

// The nodes that compute `value` from `inputs`, in the order of the graph. kBadInput where `value`
// is no result of a node or is one of the inputs.
Result<std::vector<NodeId>> nodes_between(const Graph& graph, const std::vector<ValueId>& inputs,
                                          ValueId value);

// Copies the nodes between `inputs` and `value` to just before the first use of `value` behind
// `after`. The results keep their bits. Returns the copies; none where nothing behind `after` reads
// `value`. kBadInput as nodes_between, or where a copied node has regions.
Result<std::vector<NodeId>> rematerialize(Graph& graph, const Rematerialization& options);

}  // namespace memopt
