// The order of nodes: files need not be sorted.
#include <functional>
#include <queue>

#include "compiler/onnx/importer.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace memopt {
namespace {

// Appends what the subgraph reads from outside. The parser bounds the depth of the recursion.
void append_free_names(const onnx::GraphProto& graph, std::vector<std::string>& names) {
  llvm::StringSet<> own;
  for (const auto& input : graph.input()) own.insert(input.name());
  for (const auto& tensor : graph.initializer()) own.insert(tensor.name());
  for (const auto& tensor : graph.sparse_initializer()) own.insert(tensor.values().name());
  for (const auto& node : graph.node()) {
    for (const std::string& output : node.output()) own.insert(output);
  }
  const auto add = [&](const std::string& name) {
    if (!name.empty() && own.insert(name).second) names.push_back(name);
  };
  for (const auto& node : graph.node()) {
    for (const std::string& name : names_read(node)) add(name);
  }
  for (const auto& output : graph.output()) add(output.name());
}

}  // namespace

std::vector<std::string> names_read(const onnx::NodeProto& node) {
  std::vector<std::string> names;
  for (const std::string& input : node.input()) {
    if (!input.empty()) names.push_back(input);
  }
  for (const auto& attribute : node.attribute()) {
    if (attribute.has_g()) append_free_names(attribute.g(), names);
    for (const auto& graph : attribute.graphs()) append_free_names(graph, names);
  }
  return names;
}

std::string node_label(const onnx::NodeProto& node, int index) {
  return node.name().empty() ? node.op_type() + '_' + std::to_string(index) : node.name();
}

Result<std::vector<int>> definition_order(const NodeList& nodes) {
  const auto count = static_cast<size_t>(nodes.size());
  llvm::StringMap<int> producer;
  for (int i = 0; i < nodes.size(); ++i) {
    for (const std::string& output : nodes[i].output()) {
      if (!output.empty() && !producer.try_emplace(output, i).second) {
        return bad_input("value '" + output + "' is defined twice, the second time by node '" +
                         node_label(nodes[i], i) + "'");
      }
    }
  }
  std::vector<std::vector<int>> readers(count);
  std::vector<int> missing(count, 0);
  for (int i = 0; i < nodes.size(); ++i) {
    for (const std::string& name : names_read(nodes[i])) {
      const auto found = producer.find(name);
      if (found == producer.end()) continue;
      readers[static_cast<size_t>(found->second)].push_back(i);
      ++missing[static_cast<size_t>(i)];
    }
  }
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (int i = 0; i < nodes.size(); ++i) {
    if (missing[static_cast<size_t>(i)] == 0) ready.push(i);
  }
  std::vector<int> order;
  while (!ready.empty()) {
    const int next = ready.top();
    ready.pop();
    order.push_back(next);
    for (const int reader : readers[static_cast<size_t>(next)]) {
      if (--missing[static_cast<size_t>(reader)] == 0) ready.push(reader);
    }
  }
  for (int i = 0; i < nodes.size() && order.size() != count; ++i) {
    if (missing[static_cast<size_t>(i)] != 0) {
      return bad_input("node '" + node_label(nodes[i], i) + "' is on or behind a cycle");
    }
  }
  return order;
}

}  // namespace memopt
