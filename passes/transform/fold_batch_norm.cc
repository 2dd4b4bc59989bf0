#include <cmath>

#include "passes/transform/constants.h"
#include "passes/transform/fold_weights.h"
#include "passes/transform/transforms.h"

namespace memopt {

Result<bool> fold_batch_norm(Graph& graph, const PassOptions& options) {
  bool changed = false;
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  for (const NodeId id : order) {
    const auto* norm = std::get_if<BatchNorm>(&graph.node(id).op);
    if (!norm) continue;
    const Node node = graph.node(id);
    if (!affords_constants(options, 4 * graph.type(node.inputs[1]).count())) continue;
    const auto gamma = float_constant(graph, node.inputs[1]);
    const auto beta = float_constant(graph, node.inputs[2]);
    const auto mean = float_constant(graph, node.inputs[3]);
    const auto variance = float_constant(graph, node.inputs[4]);
    if (!gamma || !beta || !mean || !variance) continue;
    if (!are_safe_constants(DType::kF64, *variance)) continue;  // an infinite one makes zeros
    std::vector<double> scale(gamma->size());
    std::vector<double> shift(gamma->size());
    for (size_t c = 0; c < scale.size(); ++c) {
      scale[c] = (*gamma)[c] / std::sqrt((*variance)[c] + norm->epsilon);
      shift[c] = (*beta)[c] - (*mean)[c] * scale[c];
    }
    if (fold_into_producer(graph, id, scale, shift, options)) {
      changed = true;
      continue;
    }
    const ValueId output = node.outputs[0];
    const TensorType type = graph.type(output);
    // Where the variance is next to nothing, say, the operator itself knows what to do.
    if (type.dims.rank() < 2 || !are_safe_constants(type.dtype, scale) ||
        !are_safe_constants(type.dtype, shift)) {
      continue;
    }
    Dims channel = Dims::filled(type.dims.rank(), 1);
    channel[1] = type.dims[1];
    const std::string name = graph.value(output).name;
    const ValueId factor =
        add_float_constant(graph, name + "_scale", type.dtype, channel, scale, options);
    const ValueId offset =
        add_float_constant(graph, name + "_shift", type.dtype, channel, shift, options);
    const ValueId scaled = graph.add_simple(Binary{BinaryFn::kMul, {}}, {{node.inputs[0], factor}},
                                            type, name + "_scaled", node.name);
    graph.move_last_before(id);
    graph.mutable_op(id) = Binary{BinaryFn::kAdd, {}};
    graph.truncate_inputs(id, 2);
    graph.set_input(id, 0, scaled);
    graph.set_input(id, 1, offset);
    changed = true;
  }
  return changed;
}

}  // namespace memopt
