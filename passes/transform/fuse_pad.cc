#include "passes/transform/constants.h"
#include "passes/transform/transforms.h"

namespace memopt {
namespace {

// The spatial pads of a node that pads with zeros and nothing but spatial dimensions: all begins,
// then all ends.
std::optional<std::vector<int64_t>> zero_spatial_pads(const Graph& graph, const Node& node) {
  const auto* pad = std::get_if<Pad>(&node.op);
  if (!pad || pad->mode != PadMode::kConstant) return std::nullopt;
  if (node.inputs.size() > 1 && node.inputs[1] && scalar_constant(graph, node.inputs[1]) != 0.0) {
    return std::nullopt;
  }
  const size_t rank = pad->pads.size() / 2;
  std::vector<int64_t> spatial;
  for (size_t i = 0; i < pad->pads.size(); ++i) {
    if (pad->pads[i] < 0) return std::nullopt;
    if (i % rank >= 2) {
      spatial.push_back(pad->pads[i]);
    } else if (pad->pads[i] != 0) {
      return std::nullopt;
    }
  }
  return spatial;
}

}  // namespace

Result<bool> fuse_pad(Graph& graph, const PassOptions&) {
  bool changed = false;
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  for (const NodeId id : order) {
    if (!std::holds_alternative<Conv>(graph.node(id).op)) continue;
    const ValueId padded = graph.node(id).inputs[0];
    if (graph.value(padded).kind != ValueKind::kResult || !graph.has_single_use(padded)) continue;
    const NodeId pad_id = graph.value(padded).producer;
    const auto pads = zero_spatial_pads(graph, graph.node(pad_id));
    auto& conv = std::get<Conv>(graph.mutable_op(id));
    if (!pads || pads->size() != conv.pads.size()) continue;
    for (size_t i = 0; i < pads->size(); ++i) conv.pads[i] += (*pads)[i];
    graph.set_input(id, 0, graph.node(pad_id).inputs[0]);
    graph.erase(pad_id);
    changed = true;
  }
  return changed;
}

}  // namespace memopt
