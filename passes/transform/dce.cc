#include "passes/transform/transforms.h"
#include "runtime/ops/op_def.h"

namespace memopt {

Result<bool> dce(Graph& graph, const PassOptions&) {
  bool changed = false;
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Node& node = graph.node(*it);
    bool used = false;
    for (const ValueId output : node.outputs) {
      used = used || (output && (!graph.uses(output).empty() || graph.is_output(output)));
    }
    if (!used) {
      graph.erase(*it);
      changed = true;
      continue;
    }
    const auto required = static_cast<size_t>(op_def(node.op).required_results);
    for (size_t i = required; i < node.outputs.size(); ++i) {
      const ValueId output = node.outputs[i];
      if (output && graph.uses(output).empty() && !graph.is_output(output)) {
        graph.drop_output(*it, i);
        changed = true;
      }
    }
  }
  return changed;
}

}  // namespace memopt
