#include "passes/transform/rematerialize.h"

#include <algorithm>

namespace memopt {
namespace {

std::string quoted(const std::string& name) { return '\'' + name + '\''; }

// Copies a node so that it reads the copies of what was copied before it.
NodeId copy_node(Graph& graph, NodeId id, ValueMap<ValueId>& copy_of) {
  const Node node = graph.node(id);
  std::vector<ValueId> inputs;
  for (const ValueId input : node.inputs) {
    const bool copied = input && input.index() < copy_of.size() && copy_of[input];
    inputs.push_back(copied ? copy_of[input] : input);
  }
  std::vector<Value> outputs;
  for (const ValueId output : node.outputs) {
    Value value;
    if (output) {
      value.name = graph.unique_name(graph.value(output).name + "#again");
      value.type = graph.type(output);
    }
    outputs.push_back(std::move(value));
  }
  const NodeId copy = graph.add_node(node.op, inputs, outputs, node.name);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i]) copy_of[node.outputs[i]] = graph.node(copy).outputs[i];
  }
  return copy;
}

}  // namespace

Result<std::vector<NodeId>> nodes_between(const Graph& graph, const std::vector<ValueId>& inputs,
                                          ValueId value) {
  ValueMap<bool> is_input(graph, false);
  for (const ValueId input : inputs) is_input[input] = true;
  if (is_input[value] || graph.value(value).kind != ValueKind::kResult) {
    return bad_input("value " + quoted(graph.value(value).name) +
                     " is an input of its own computation");
  }
  NodeMap<bool> needed(graph, false);
  std::vector<NodeId> open = {graph.value(value).producer};
  needed[open[0]] = true;
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    for (const ValueId input : graph.node(id).inputs) {
      if (!input || is_input[input] || graph.value(input).kind == ValueKind::kConstant) continue;
      if (graph.value(input).kind == ValueKind::kInput) {
        return bad_input("the computation of " + quoted(graph.value(value).name) +
                         " also starts from the graph input " + quoted(graph.value(input).name));
      }
      const NodeId producer = graph.value(input).producer;
      if (needed[producer]) continue;
      needed[producer] = true;
      open.push_back(producer);
    }
  }
  std::vector<NodeId> nodes;
  for (const NodeId id : graph.order()) {
    if (needed[id]) nodes.push_back(id);
  }
  return nodes;
}

Result<std::vector<NodeId>> rematerialize(Graph& graph, const Rematerialization& options) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<NodeId> nodes,
                          nodes_between(graph, options.inputs, options.value));
  for (const NodeId id : nodes) {
    if (!graph.node(id).regions.empty()) {
      return bad_input("node " + quoted(graph.node(id).name) + " has regions");
    }
  }
  NodeMap<size_t> position(graph);
  for (size_t i = 0; i < graph.order().size(); ++i) position[graph.order()[i]] = i;
  std::vector<Use> late;
  for (const Use& use : graph.uses(options.value)) {
    if (position[use.node] > position[options.after]) late.push_back(use);
  }
  if (late.empty()) return std::vector<NodeId>{};
  const NodeId first = std::min_element(late.begin(), late.end(), [&](const Use& a, const Use& b) {
                         return position[a.node] < position[b.node];
                       })->node;
  ValueMap<ValueId> copy_of(graph);
  std::vector<NodeId> copies;
  for (const NodeId id : nodes) {
    copies.push_back(copy_node(graph, id, copy_of));
    graph.move_last_before(first);
  }
  for (const Use& use : late) graph.set_input(use.node, use.operand, copy_of[options.value]);
  return copies;
}

}  // namespace memopt
