// What those need who read or make nodes of a graph: importers, passes, planners.
#pragma once

#include <span>
#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/ops/op_def.h"

namespace memopt {

// The types of these values, in this order; null for none(). They point into the graph, until it
// gets another value.
inline std::vector<const TensorType*> types_of(const Graph& graph,
                                               std::span<const ValueId> values) {
  std::vector<const TensorType*> types;
  types.reserve(values.size());
  for (const ValueId value : values) types.push_back(value ? &graph.type(value) : nullptr);
  return types;
}

// The types of all results that the operator has on these operands (infer_types()).
inline Result<std::vector<TensorType>> infer_results(const Graph& graph, const Op& op,
                                                     std::span<const ValueId> inputs) {
  return infer_types(op, types_of(graph, inputs));
}

}  // namespace memopt
