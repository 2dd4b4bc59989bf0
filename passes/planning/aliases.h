// Which values share storage, before anything has an address: views of other values, parts of a
// concatenation that are written in place, and results that overwrite a dying operand.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "passes/lowering.h"
#include "passes/planning/options.h"

namespace memopt {

// Where a value lies relative to the value that owns its bytes.
struct PlaceInRoot {
  ValueId root;        // owns the bytes; the value itself where it is no alias
  ValueId parent;      // none() for a root
  bool whole = false;  // all of the parent under other dimensions; else the box at `starts`
  Dims starts;
  int64_t offset_bytes = 0;  // from the root's first byte
  Dims strides;              // in elements
};

struct Aliases {
  ValueMap<PlaceInRoot> placement;
  // Nodes that move no byte: their results are where they should be already.
  NodeMap<bool> elided;
  // Concatenations whose parts are written in place; a subset of the elided nodes.
  std::vector<NodeId> destinations;
};

// Decides views and destinations; `without` lists concatenations to leave as copies, ascending.
Aliases find_aliases(const Graph& graph, const NodeMap<KernelChoice>& kernels,
                     const BufferOptions& options, const std::vector<NodeId>& without);

// The operands of a node as placed: like node_operands(), with the strides of the placements.
NodeOperands placed_operands(const Graph& graph, const Aliases& aliases, NodeId id);

// Operand `input` of node `id` may give its bytes to result `output` (both present), if it dies
// there: by the kernel's contract, and because both have the same shape of memory.
bool can_overwrite(const Graph& graph, const Aliases& aliases, const KernelChoice& choice,
                   const Target& target, NodeId id, size_t input, size_t output);

}  // namespace memopt
