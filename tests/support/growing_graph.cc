#include "tests/support/growing_graph.h"

#include <gtest/gtest.h>

#include "compiler/ir/builder.h"
#include "runtime/ops/op_def.h"

namespace memopt::testing {

ValueId GrowingGraph::add_input(const TensorType& type, std::vector<std::byte> bytes) {
  inputs.push_back(std::move(bytes));
  return graph.add_input("in" + std::to_string(inputs.size()), type);
}

std::vector<ValueId> GrowingGraph::add(const Op& op, const std::vector<ValueId>& operands) {
  const auto results = infer_results(graph, op, operands);
  if (!results.ok()) {
    ADD_FAILURE() << results.error().message;
    return {};
  }
  const std::string name = "n" + std::to_string(graph.node_count());
  std::vector<Value> outputs;
  for (const TensorType& type : *results) {
    Value& output = outputs.emplace_back();
    output.type = type;
    output.name = name + '_' + std::to_string(outputs.size());
  }
  const NodeId id = graph.add_node(op, operands, outputs, name);
  return {graph.node(id).outputs.begin(), graph.node(id).outputs.end()};
}

std::vector<ValueId> GrowingGraph::add_sample(const Sample& sample) {
  auto tensors = make_inputs(sample);
  for (auto& tensor : tensors) {  // whose memory is never empty
    if (tensor) tensor->bytes.resize(static_cast<size_t>(tensor->type().bytes()));
  }
  std::vector<ValueId> operands;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i]) {
      operands.push_back(ValueId::none());
    } else if (i == 0) {
      operands.push_back(add_input(tensors[i]->type(), tensors[i]->bytes));
    } else {
      operands.push_back(graph.add_constant("c" + std::to_string(i), tensors[i]->type(),
                                            ConstantData::from_bytes(tensors[i]->bytes)));
    }
  }
  std::vector<ValueId> results = add(sample.op, operands);
  for (size_t i = 1; i < results.size(); ++i) graph.add_output(results[i]);
  return results;
}

}  // namespace memopt::testing
