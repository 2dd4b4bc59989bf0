#include <algorithm>

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

bool is_padded(const Node& conv) {
  const std::vector<int64_t>& pads = std::get<Conv>(conv.op).pads;
  return std::ranges::any_of(pads, [](int64_t pad) { return pad != 0; });
}

// Computes the padding of a convolution in a node of its own. Returns whether there can be one.
bool pad_before(Graph& graph, NodeId id) {
  const std::vector<int64_t> spatial = std::get<Conv>(graph.node(id).op).pads;
  const ValueId input = graph.node(id).inputs[0];
  TensorType type = graph.type(input);
  const auto rank = static_cast<size_t>(type.dims.rank());
  Pad pad;
  pad.pads.assign(2 * rank, 0);
  for (size_t i = 0; i < spatial.size() / 2; ++i) {
    const int64_t begin = spatial[i], end = spatial[spatial.size() / 2 + i];
    pad.pads[2 + i] = begin;
    pad.pads[rank + 2 + i] = end;
    type.dims[static_cast<int>(2 + i)] += begin + end;
  }
  if (!is_valid_type(type)) return false;
  const ValueId padded = graph.add_simple(std::move(pad), {{input}}, type,
                                          graph.value(input).name + "_padded", graph.node(id).name);
  graph.move_last_before(id);
  graph.set_input(id, 0, padded);
  std::get<Conv>(graph.mutable_op(id)).pads.assign(spatial.size(), 0);
  return true;
}

}  // namespace

Result<bool> fuse_pad(Graph& graph, const PassOptions&) {
  bool changed = false;
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  for (const NodeId id : order) {
    if (!std::holds_alternative<Conv>(graph.node(id).op)) continue;
    const bool pads_itself = is_padded(graph.node(id));
    if (pads_itself && has_nonfinite(graph, graph.node(id).inputs[1])) {
      changed = pad_before(graph, id) || changed;
      continue;
    }
    const ValueId padded = graph.node(id).inputs[0];
    if (graph.value(padded).kind != ValueKind::kResult || !graph.has_single_use(padded)) continue;
    const NodeId pad_id = graph.value(padded).producer;
    const auto pads = zero_spatial_pads(graph, graph.node(pad_id));
    auto& conv = std::get<Conv>(graph.mutable_op(id));
    if (!pads || pads->size() != conv.pads.size()) continue;
    if (!pads_itself && has_nonfinite(graph, graph.node(id).inputs[1])) continue;
    for (size_t i = 0; i < pads->size(); ++i) conv.pads[i] += (*pads)[i];
    graph.set_input(id, 0, graph.node(pad_id).inputs[0]);
    graph.erase(pad_id);
    changed = true;
  }
  return changed;
}

}  // namespace memopt
