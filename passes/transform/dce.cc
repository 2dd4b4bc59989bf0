#include "passes/transform/transforms.h"

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
    // The first output is what kernels compute anyway; the others are optional.
    for (size_t i = 1; i < node.outputs.size(); ++i) {
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
