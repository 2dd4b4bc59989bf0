// Nodes whose one result is all of their one operand: reshapes, transposes and reorders. As far as
// layouts and strides agree, its elements are where they were.
#pragma once

#include <optional>

#include "compiler/ir/graph.h"

namespace memopt {

bool moves_whole(const Node& node);

// The strides of the operand that make the result lie at `strides`, which may have gaps (a part of
// something larger); nullopt where none do. They may be out of the order that the operand's layout
// has them in.
std::optional<Dims> strides_before(const Graph& graph, const Node& node, const Dims& strides);

// The strides of the only result, dense, if that makes it a view of the operand at `strides`.
std::optional<Dims> strides_after(const Graph& graph, const Node& node, const Dims& strides);

}  // namespace memopt
