#include <map>
#include <string>

#include "passes/transform/transforms.h"

namespace memopt {
namespace {

std::string value_text(int64_t value) { return std::to_string(value); }
std::string value_text(double value) { return to_string_exact(value); }
std::string value_text(const std::string& value) { return value; }
template <typename T>
std::string value_text(const std::vector<T>& items) {
  std::string text;
  for (const T& item : items) text += value_text(item) + ',';
  return text;
}

// What makes two nodes compute the same: operator, attributes and operands.
std::string key_of(const Node& node) {
  std::string key(op_name(node.op));
  for (const Attr& attr : op_attrs(node.op)) {
    key += ' ' + attr.name + '=';
    key += std::visit([](const auto& value) { return value_text(value); }, attr.value);
  }
  for (const ValueId input : node.inputs) {
    key += input ? " %" + std::to_string(input.index()) : std::string(" _");
  }
  return key;
}

}  // namespace

Result<bool> cse(Graph& graph, const PassOptions&) {
  bool changed = false;
  std::map<std::string, NodeId> seen;
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  for (const NodeId id : order) {
    const Node& node = graph.node(id);
    if (!node.regions.empty()) continue;
    const auto [entry, inserted] = seen.emplace(key_of(node), id);
    if (inserted) continue;
    const Node& first = graph.node(entry->second);
    bool mergeable = true;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (!node.outputs[i]) continue;
      // Two graph outputs keep two values: each has its own name and memory. An output that the
      // first node does not compute cannot be taken from it.
      mergeable = mergeable && first.outputs[i] && !graph.is_output(node.outputs[i]) &&
                  graph.type(first.outputs[i]) == graph.type(node.outputs[i]);
    }
    if (!mergeable) continue;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i]) graph.replace_uses(node.outputs[i], first.outputs[i]);
    }
    graph.erase(id);
    changed = true;
  }
  return changed;
}

}  // namespace memopt
