#include "passes/lowering.h"

#include <algorithm>
#include <map>

#include "compiler/ir/layout.h"

namespace memopt {
namespace {

// The layout that most describes a node: that of its first result or, failing that, of its first
// operand.
Layout node_layout(const Graph& graph, const Node& node) {
  for (const ValueId output : node.outputs) {
    if (output && graph.type(output).layout == Layout::kChannelsLast) return Layout::kChannelsLast;
  }
  for (const ValueId input : node.inputs) {
    if (input && graph.type(input).layout == Layout::kChannelsLast) return Layout::kChannelsLast;
  }
  return Layout::kRowMajor;
}

Operand make_operand(const Graph& graph, ValueId id, Layout layout) {
  if (!id) return {};
  const Value& value = graph.value(id);
  Operand operand{.present = true,
                  .constant = value.kind == ValueKind::kConstant,
                  .dtype = value.type.dtype,
                  .layout = value.type.layout,
                  .dims = value.type.dims,
                  .strides = dense_strides(value.type.dims, value.type.layout),
                  .data = operand.constant ? value.data->bytes().data() : nullptr};
  if (operand.layout != layout && same_memory(operand.dims, operand.layout, layout)) {
    operand.layout = layout;
    operand.strides = dense_strides(operand.dims, layout);
  }
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
  const Layout layout = node_layout(graph, node);
  NodeOperands operands;
  for (const ValueId input : node.inputs)
    operands.inputs.push_back(make_operand(graph, input, layout));
  for (const ValueId output : node.outputs) {
    operands.outputs.push_back(make_operand(graph, output, layout));
  }
  return operands;
}

Result<NodeMap<KernelChoice>> select_kernels(const Graph& graph, const SelectOptions& options) {
  NodeMap<KernelChoice> choices(graph);
  std::map<std::string, std::vector<std::string>> unsupported;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    const NodeOperands operands = node_operands(graph, id);
    const KernelRequest request = operands.request(node.op, options.target);
    for (const KernelDef* kernel : kernels_for(op_kind(node.op))) {
      if (options.reference_only && kernel != reference_kernel(op_kind(node.op))) continue;
      if (std::find(options.disabled_kernels.begin(), options.disabled_kernels.end(),
                    kernel->name) != options.disabled_kernels.end()) {
        continue;
      }
      if (!kernel->supports(request)) continue;
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
