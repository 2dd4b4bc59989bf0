#include "tests/support/sample_graph.h"

#include "runtime/ops/op_def.h"

namespace memopt::testing {

Result<Graph> sample_graph(const Sample& sample, bool constants) {
  const auto tensors = make_inputs(sample);
  Graph graph;
  graph.name = sample.name;
  std::vector<ValueId> operands(tensors.size());
  std::vector<TensorType> types(tensors.size());
  std::vector<const TensorType*> inputs(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i]) continue;
    const std::string name = "x" + std::to_string(i);
    types[i] = tensors[i]->type();
    inputs[i] = &types[i];
    if (i == 0 || !constants) {
      operands[i] = graph.add_input(name, types[i]);
      continue;
    }
    auto bytes = tensors[i]->bytes;  // one at least, also of an empty tensor
    bytes.resize(static_cast<size_t>(types[i].bytes()));
    operands[i] = graph.add_constant(name, types[i], ConstantData::from_bytes(std::move(bytes)));
  }
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<TensorType> results, infer_types(sample.op, inputs));
  std::vector<Value> outputs(results.size());
  for (size_t i = 0; i < results.size(); ++i) {
    outputs[i].name = "y" + std::to_string(i);
    outputs[i].type = results[i];
  }
  const NodeId node = graph.add_node(sample.op, operands, outputs, "node");
  for (const ValueId output : graph.node(node).outputs) graph.add_output(output);
  return graph;
}

}  // namespace memopt::testing
