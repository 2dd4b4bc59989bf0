#include "compiler/ir/verify.h"

#include <algorithm>
#include <set>

#include "compiler/ir/builder.h"
#include "llvm/ADT/StringSet.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

Error in_node(const Graph& graph, NodeId id, const std::string& message) {
  const Node& node = graph.node(id);
  return internal_error("graph '" + graph.name + "', node '" + node.name + "' (" +
                        std::string(op_name(node.op)) + "): " + message);
}

// How often each operand of each node stands in the use list of what it reads.
class UseCounts {
 public:
  explicit UseCounts(const Graph& graph) : first_(graph, 0) {
    size_t operands = 0;
    for (const NodeId id : graph.order()) {
      first_[id] = operands;
      operands += graph.node(id).inputs.size();
    }
    counts_.resize(operands);
    for (const ValueId value : live_values(graph)) {
      for (const Use& use : graph.uses(value)) {
        const auto& inputs = graph.node(use.node).inputs;
        if (use.operand < inputs.size() && inputs[use.operand] == value) {
          ++counts_[first_[use.node] + use.operand];
        }
      }
    }
  }
  int of(NodeId id, size_t operand) const { return counts_[first_[id] + operand]; }

 private:
  NodeMap<size_t> first_;  // of a node's operands
  std::vector<int> counts_;
};

Status verify_operands(const Graph& graph, NodeId id, const std::vector<bool>& defined,
                       const UseCounts& uses) {
  const Node& node = graph.node(id);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const ValueId input = node.inputs[i];
    if (!input) continue;
    if (input.index() >= graph.value_count()) return in_node(graph, id, "operand out of range");
    if (!defined[input.index()]) {
      return in_node(graph, id, "reads '" + graph.value(input).name + "' before it is defined");
    }
    if (uses.of(id, i) != 1) {
      return in_node(graph, id, "the use list of '" + graph.value(input).name + "' is wrong");
    }
  }
  return {};
}

Status verify_types(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (!node.regions.empty()) return {};  // the regions say the types
  const auto inferred = infer_results(graph, node.op, node.inputs);
  if (!inferred.ok()) return in_node(graph, id, inferred.error().message);
  std::vector<bool> present;
  for (const ValueId output : node.outputs) present.push_back(static_cast<bool>(output));
  const Status arity = check_results(node.op, inferred->size(), present);
  if (!arity.ok()) return in_node(graph, id, arity.error().message);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (!node.outputs[i]) continue;
    const TensorType& type = graph.type(node.outputs[i]);
    if (type.dtype != (*inferred)[i].dtype || !(type.dims == (*inferred)[i].dims)) {
      return in_node(graph, id,
                     "result " + std::to_string(i) + " has type " + to_string(type) +
                         ", its operator gives " + to_string((*inferred)[i]));
    }
  }
  return {};
}

// Each joins an input and an output of one type, which are of no other state.
Status verify_states(const Graph& graph) {
  std::set<ValueId> inputs;
  std::set<size_t> outputs;
  for (const State& state : graph.states()) {
    const Value& before = graph.value(state.before);
    const std::string what = "state '" + before.name + "'";
    if (!inputs.insert(state.before).second) {
      return internal_error(what + " is one twice");
    }
    if (!outputs.insert(state.output).second) {
      return internal_error(what + ": output '" + graph.output_name(state.output) +
                            "' is that of another state");
    }
    const TensorType& after = graph.type(graph.outputs()[state.output]);
    if (before.type.dtype != after.dtype || before.type.dims != after.dims) {
      return internal_error(what + " is " + to_string(before.type) + ", its output '" +
                            graph.output_name(state.output) + "' is " + to_string(after));
    }
    if (state.initial &&
        static_cast<int64_t>(state.initial->bytes().size()) != before.type.bytes()) {
      return internal_error(what + " has not the bytes of its type");
    }
  }
  return {};
}

}  // namespace

Status verify_graph(const Graph& graph) {
  std::vector<bool> defined(graph.value_count(), false);
  llvm::StringSet<> names;
  for (const ValueId id : live_values(graph)) {
    const Value& value = graph.value(id);
    if (!names.insert(value.name).second) {
      return internal_error("graph '" + graph.name + "': two values are named '" + value.name +
                            "'");
    }
    if (!is_valid_type(value.type))
      return internal_error("value '" + value.name + "' has no valid type");
    if (value.kind == ValueKind::kConstant) {
      defined[id.index()] = true;
      if (!value.data || (value.type.layout != Layout::kPacked &&
                          static_cast<int64_t>(value.data->bytes().size()) != value.type.bytes())) {
        return internal_error("constant '" + value.name + "' has not the bytes of its type");
      }
    }
  }
  for (const ValueId id : graph.inputs()) defined[id.index()] = true;
  const UseCounts uses(graph);
  for (const NodeId id : graph.order()) {
    MEMOPT_RETURN_IF_ERROR(verify_operands(graph, id, defined, uses));
    MEMOPT_RETURN_IF_ERROR(verify_types(graph, id));
    for (const ValueId output : graph.node(id).outputs) {
      if (output) defined[output.index()] = true;
    }
    for (const Graph& region : graph.node(id).regions) MEMOPT_RETURN_IF_ERROR(verify_graph(region));
  }
  for (const ValueId output : graph.outputs()) {
    if (!defined[output.index()]) {
      return internal_error("output '" + graph.value(output).name + "' is not defined");
    }
  }
  return verify_states(graph);
}

}  // namespace memopt
