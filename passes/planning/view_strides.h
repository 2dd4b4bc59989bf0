// Nodes whose one result is all of their first operand, its elements where they were: reshapes,
// transposes and reorders, as far as layouts and strides agree.
#pragma once

#include <optional>

#include "compiler/ir/graph.h"

namespace memopt {

// The strides of the result that make it a view of the operand at `strides`, which is dense;
// nullopt for nodes that are no such view.
std::optional<Dims> strides_after(const Graph& graph, const Node& node, const Dims& strides);

// The strides of the operand that make the result lie at `strides`, which may have gaps (a part of
// something larger).
std::optional<Dims> strides_before(const Graph& graph, const Node& node, const Dims& strides);

}  // namespace memopt
