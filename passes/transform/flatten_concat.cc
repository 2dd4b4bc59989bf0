#include <set>

#include "passes/transform/transforms.h"

namespace memopt {
namespace {

// A plan holds no instruction of more than 8,192 operands, and where a part lies is found by going
// over those before it.
constexpr size_t kMaxParts = 4096;

// The concatenation along `axis` that makes the value and that nothing else reads.
const Node* inner_concat(const Graph& graph, ValueId id, int64_t axis) {
  if (graph.value(id).kind != ValueKind::kResult || !graph.has_single_use(id)) return nullptr;
  const Node& node = graph.node(graph.value(id).producer);
  const auto* concat = std::get_if<Concat>(&node.op);
  return concat != nullptr && concat->axis == axis ? &node : nullptr;
}

}  // namespace

Result<bool> flatten_concat(Graph& graph, const PassOptions&) {
  bool changed = false;
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  for (const NodeId id : order) {
    const auto* concat = std::get_if<Concat>(&graph.node(id).op);
    if (concat == nullptr) continue;
    // Inner ones come first in the order, so they are flat already.
    const std::vector<ValueId> parts(graph.node(id).inputs.begin(), graph.node(id).inputs.end());
    std::vector<ValueId> flat;
    std::vector<NodeId> emptied;
    for (const ValueId part : parts) {
      const Node* inner = inner_concat(graph, part, concat->axis);
      if (inner == nullptr) {
        flat.push_back(part);
      } else {
        flat.insert(flat.end(), inner->inputs.begin(), inner->inputs.end());
        emptied.push_back(graph.value(part).producer);
      }
    }
    if (emptied.empty() || flat.size() > kMaxParts) continue;
    // What is there twice cannot be written in place.
    const std::set<ValueId> distinct(flat.begin(), flat.end());
    if (distinct.size() != flat.size()) continue;
    graph.truncate_inputs(id, 0);
    for (const ValueId part : flat) graph.append_input(id, part);
    for (const NodeId node : emptied) graph.erase(node);
    changed = true;
  }
  return changed;
}

}  // namespace memopt
