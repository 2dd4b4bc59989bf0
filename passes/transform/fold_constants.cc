#include "compiler/ir/builder.h"
#include "compiler/ops/evaluate.h"
#include "passes/transform/fold_weights.h"
#include "passes/transform/transforms.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

bool is_foldable(const Graph& graph, const Node& node, const PassOptions& options) {
  if (node.inputs.empty() || !node.regions.empty()) return false;
  int64_t input_bytes = 0;
  for (const ValueId input : node.inputs) {
    if (input && !graph.is_constant(input)) return false;
    if (input) input_bytes += graph.type(input).bytes();
  }
  int64_t output_bytes = 0;
  for (const ValueId output : node.outputs) {
    if (!output) continue;
    // A graph output has memory of its own, which a constant has not.
    if (graph.is_output(output)) return false;
    output_bytes += graph.type(output).bytes();
  }
  return output_bytes <= std::max(options.fold_limit_bytes, input_bytes) &&
         affords_evaluation(*options.account, node.op, types_of(graph, node.inputs),
                            types_of(graph, node.outputs));
}

}  // namespace

Result<bool> fold_constants(Graph& graph, const PassOptions& options) {
  bool changed = false;
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  for (const NodeId id : order) {
    const Node node = graph.node(id);
    if (!is_foldable(graph, node, options)) continue;
    std::vector<ConstantOperand> operands;
    for (const ValueId input : node.inputs) {
      operands.push_back(input
                             ? ConstantOperand{&graph.type(input), graph.value(input).data->bytes()}
                             : ConstantOperand{});
    }
    auto results = evaluate(node.op, operands, types_of(graph, node.outputs), options.account);
    // An operator that cannot be computed now (an index out of range, say) fails when it runs, if
    // it ever does.
    if (!results.ok()) continue;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (!node.outputs[i]) continue;
      const Value value = graph.value(node.outputs[i]);
      const ValueId constant =
          graph.add_constant(graph.unique_name(value.name), value.type, (*results)[i]);
      graph.replace_uses(node.outputs[i], constant);
    }
    graph.erase(id);
    changed = true;
  }
  return changed;
}

}  // namespace memopt
