#include "passes/transform/fold_weights.h"

#include <algorithm>
#include <cmath>

#include "passes/transform/constants.h"

namespace memopt {
namespace {

// The convolution-like producers: where their output channels lie in the weights.
struct WeightChannels {
  bool foldable = false;
  bool transposed = false;  // weights are (C, M / group, ...) instead of (M, C / group, ...)
  int64_t group = 1;
};

WeightChannels weight_channels(const Op& op) {
  if (const auto* conv = std::get_if<Conv>(&op)) {
    return {conv->activation.fn == UnaryFn::kIdentity, false, conv->group};
  }
  if (const auto* conv = std::get_if<ConvTranspose>(&op)) {
    return {conv->activation.fn == UnaryFn::kIdentity, true, conv->group};
  }
  return {};
}

// The output channel of weight element `i`.
size_t channel_of(const WeightChannels& channels, const Dims& dims, size_t i) {
  int64_t inner = 1;
  for (int d = 2; d < dims.rank(); ++d) inner *= dims[d];
  const auto index = static_cast<int64_t>(i) / inner;
  if (!channels.transposed) return static_cast<size_t>(index / dims[1]);
  const int64_t inputs_per_group = dims[0] / channels.group;
  const int64_t group = index / dims[1] / inputs_per_group;
  return static_cast<size_t>(group * dims[1] + index % dims[1]);
}

// Multiplies the weights of every output channel by its scale. False where a weight becomes unsafe,
// or where all that a channel has vanishes: its products with large inputs did not.
bool scale_weights(std::vector<double>& weights, const TensorType& type,
                   const WeightChannels& channels, const std::vector<double>& scale) {
  const double smallest = smallest_normal(type.dtype);
  std::vector<double> before(scale.size(), 0), after(scale.size(), 0);
  for (size_t i = 0; i < weights.size(); ++i) {
    const size_t c = channel_of(channels, type.dims, i);
    before[c] = std::max(before[c], std::abs(weights[i]));
    weights[i] *= scale[c];
    after[c] = std::max(after[c], std::abs(weights[i]));
  }
  for (size_t c = 0; c < scale.size(); ++c) {
    // Channels that training has switched off are that small before.
    const bool counts = before[c] >= smallest && std::abs(scale[c]) >= smallest;
    if (counts && after[c] < smallest) return false;
  }
  return are_safe_constants(type.dtype, weights);
}

}  // namespace

void take_over_result(Graph& graph, ValueId from, ValueId to) {
  const bool is_output = graph.is_output(from);
  const std::string name = graph.value(from).name;
  graph.replace_uses(from, to);
  if (is_output) {
    graph.rename(from, graph.unique_name(name));
    graph.rename(to, name);
  }
}

bool has_foldable_producer(const Graph& graph, ValueId value) {
  if (!value || graph.value(value).kind != ValueKind::kResult || !graph.has_single_use(value)) {
    return false;
  }
  const Node& conv = graph.node(graph.value(value).producer);
  return weight_channels(conv.op).foldable && !(conv.inputs.size() > 3 && conv.inputs[3]) &&
         graph.is_constant(conv.inputs[1]);
}

bool fold_into_producer(Graph& graph, NodeId id, const std::vector<double>& scale,
                        const std::vector<double>& shift, const PassOptions& options,
                        size_t operand) {
  const ValueId input = graph.node(id).inputs[operand];
  if (!has_foldable_producer(graph, input)) return false;
  const NodeId conv_id = graph.value(input).producer;
  const Node& conv = graph.node(conv_id);
  const WeightChannels channels = weight_channels(conv.op);
  if (!affords_constants(options, graph.type(conv.inputs[1]).count())) return false;
  auto weights = float_constant(graph, conv.inputs[1]);
  const bool has_bias = conv.inputs.size() > 2 && conv.inputs[2];
  const auto bias =
      has_bias ? float_constant(graph, conv.inputs[2]) : std::vector<double>(scale.size(), 0.0);
  if (!weights || !bias || bias->size() != scale.size()) return false;

  const Value weight_value = graph.value(conv.inputs[1]);
  const DType dtype = weight_value.type.dtype;
  if (!scale_weights(*weights, weight_value.type, channels, scale)) return false;
  std::vector<double> new_bias(scale.size());
  for (size_t c = 0; c < scale.size(); ++c) new_bias[c] = (*bias)[c] * scale[c] + shift[c];
  if (!are_safe_constants(dtype, new_bias)) return false;
  graph.set_input(conv_id, 1,
                  add_float_constant(graph, weight_value.name, dtype, weight_value.type.dims,
                                     *weights, options));
  const ValueId bias_value =
      add_float_constant(graph, graph.value(input).name + "_bias", dtype,
                         Dims{static_cast<int64_t>(new_bias.size())}, new_bias, options);
  if (graph.node(conv_id).inputs.size() > 2) {
    graph.set_input(conv_id, 2, bias_value);
  } else {
    graph.append_input(conv_id, bias_value);
  }
  const std::string folded_name = graph.node(id).name;
  take_over_result(graph, graph.node(id).outputs[0], input);
  graph.erase(id);
  if (!folded_name.empty())
    graph.set_node_name(conv_id, graph.node(conv_id).name + '+' + folded_name);
  return true;
}

}  // namespace memopt
