#include "passes/lowering.h"

#include <algorithm>
#include <map>

#include "runtime/kernels/operands.h"

namespace memopt {
namespace {

// Weights mapped from a model file may lie at any address; kernels read them as arrays of their
// type.
bool is_aligned(const Value& value) {
  const auto alignment = static_cast<uintptr_t>(std::max(dtype_bits(value.type.dtype) / 8, 1));
  return reinterpret_cast<uintptr_t>(value.data->bytes().data()) % alignment == 0;
}

Operand make_operand(const Graph& graph, ValueId id) {
  if (!id) return {};
  const Value& value = graph.value(id);
  const bool readable = value.kind == ValueKind::kConstant && is_aligned(value);
  Operand operand{.present = true,
                  .constant = value.kind == ValueKind::kConstant,
                  .dtype = value.type.dtype,
                  .layout = value.type.layout,
                  .dims = value.type.dims,
                  .strides = dense_strides(value.type.dims, value.type.layout),
                  .data = readable ? value.data->bytes().data() : nullptr};
  return operand;
}

std::string describe(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  std::string text = op_label(node.op) + '(';
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    text += (i == 0 ? "" : ", ") +
            (node.inputs[i] ? to_string(graph.type(node.inputs[i])) : std::string("none"));
  }
  return text + ')';
}

}  // namespace

NodeOperands node_operands(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  NodeOperands operands;
  for (const ValueId input : node.inputs) operands.inputs.push_back(make_operand(graph, input));
  for (const ValueId output : node.outputs) operands.outputs.push_back(make_operand(graph, output));
  unify_layouts(operands.inputs, operands.outputs);
  return operands;
}

namespace {

bool is_allowed(const Graph& graph, const Node& node, const KernelDef* kernel,
                const SelectOptions& options) {
  if (options.reference_only && kernel != reference_kernel(op_kind(node.op))) return false;
  const auto& disabled = options.disabled_kernels;
  if (std::find(disabled.begin(), disabled.end(), kernel->name) != disabled.end()) return false;
  return std::none_of(options.avoided.begin(), options.avoided.end(), [&](const auto& avoided) {
    return kernel->name == avoided.second && !node.outputs.empty() && node.outputs[0] &&
           graph.value(node.outputs[0]).name == avoided.first;
  });
}

}  // namespace

Result<NodeMap<KernelChoice>> select_kernels(const Graph& graph, const SelectOptions& options) {
  NodeMap<KernelChoice> choices(graph);
  std::map<std::string, std::vector<std::string>> unsupported;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    const NodeOperands operands = node_operands(graph, id);
    const KernelRequest request = operands.request(node.op, options.target);
    for (const KernelDef* kernel : kernels_for(op_kind(node.op))) {
      if (!is_allowed(graph, node, kernel, options) || !kernel->supports(request)) continue;
      KernelNeeds needs;
      if (kernel->needs) {
        MEMOPT_ASSIGN_OR_RETURN(needs, kernel->needs(request));
      }
      choices[id] = {.kernel = kernel, .needs = std::move(needs)};
      break;
    }
    if (!choices[id].kernel) unsupported[describe(graph, id)].push_back(node.name);
  }
  if (unsupported.empty()) return choices;
  std::string message = "no kernel for:";
  for (const auto& [what, names] : unsupported) {
    message +=
        "\n  " + what + ": " + std::to_string(names.size()) + " node(s), first '" + names[0] + "'";
  }
  return bad_input(message);
}

}  // namespace memopt
