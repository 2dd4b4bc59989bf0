// A node of which only result 0 is computed, with the other results of its operator listed as
// absent.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/builder.h"

namespace memopt {

// `results` are those of infer_results().
inline ValueId add_first_result(Graph& graph, Op op, const std::vector<ValueId>& inputs,
                                const std::vector<TensorType>& results, const std::string& name,
                                const std::string& node_name) {
  std::vector<Value> outputs(results.size());
  for (size_t i = 0; i < results.size(); ++i) outputs[i].type = results[i];
  outputs[0].name = graph.unique_name(name);
  return graph.node(graph.add_node(std::move(op), inputs, outputs, node_name)).outputs[0];
}

}  // namespace memopt
