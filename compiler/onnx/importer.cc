#include "compiler/onnx/importer.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/onnx/mapping.h"
#include "compiler/onnx/support.h"

namespace memopt {
namespace {

constexpr int kMaxDepth = 32;  // of subgraphs and function calls
constexpr int kMaxAttributes = 256;

std::string function_key(const std::string& domain, const std::string& name,
                         const std::string& overload) {
  return canonical_domain(domain) + "::" + name + ':' + overload;
}

// A scope inside `outer` that sees its names, for a subgraph built by `builder`.
Scope nested_scope(Scope& outer, GraphBuilder& builder) {
  return {.importer = outer.importer,
          .builder = builder,
          .parent = &outer,
          .opsets = outer.opsets,
          .prefix = outer.prefix,
          .call_attributes = outer.call_attributes,
          .depth = outer.depth + 1,
          .values = {},
          .initializers = {},
          .sparse_initializers = {},
          .used = {}};
}

}  // namespace

Status FunctionTable::add(const onnx::FunctionProto& function, const OpsetVersions& model_opsets) {
  LocalFunction entry{.proto = &function, .opsets = {}};
  for (const auto& opset : function.opset_import()) {
    entry.opsets[canonical_domain(opset.domain())] = opset.version();
  }
  if (entry.opsets.empty()) entry.opsets = model_opsets;
  const std::string key = function_key(function.domain(), function.name(), function.overload());
  std::set<std::string> parameters;
  for (const std::string& input : function.input()) {
    if (input.empty()) return bad_input("function '" + key + "' has a parameter without a name");
    if (!parameters.insert(input).second) {
      return bad_input("function '" + key + "' has two parameters '" + input + "'");
    }
  }
  for (const std::string& output : function.output()) {
    if (output.empty()) return bad_input("function '" + key + "' has a result without a name");
  }
  if (!functions_.emplace(key, std::move(entry)).second) {
    return bad_input("function '" + key + "' is defined twice");
  }
  return {};
}

const LocalFunction* FunctionTable::find(const onnx::NodeProto& node) const {
  const auto found = functions_.find(function_key(node.domain(), node.op_type(), node.overload()));
  return found == functions_.end() ? nullptr : &found->second;
}

Status Importer::enter(Scope& scope, const onnx::GraphProto& graph) {
  if (scope.depth > kMaxDepth) return bad_input("subgraphs are nested too deeply");
  for (const auto& tensor : graph.initializer()) {
    if (tensor.name().empty()) return bad_input("an initializer without a name");
    if (!scope.initializers.try_emplace(tensor.name(), &tensor).second) {
      return bad_input("initializer '" + tensor.name() + "' is given twice");
    }
  }
  for (const auto& tensor : graph.sparse_initializer()) {
    const std::string& name = tensor.values().name();
    if (name.empty()) return bad_input("a sparse initializer without a name");
    if (scope.initializers.count(name) ||
        !scope.sparse_initializers.try_emplace(name, &tensor).second) {
      return bad_input("initializer '" + name + "' is given twice");
    }
  }
  for (const auto& output : graph.output()) {
    if (output.name().empty()) return bad_input("an output without a name");
    scope.used.insert(output.name());
  }
  return {};
}

Status Importer::charge_nodes(Scope& scope, const NodeList& nodes) {
  constexpr int64_t kOperationsPerByte = 16;
  int64_t bytes = 0;
  for (const auto& node : nodes) bytes += static_cast<int64_t>(node.ByteSizeLong());
  return scope.builder.account().charge_work(kOperationsPerByte * bytes,
                                             "reading the nodes of a graph");
}

Status Importer::import_nodes(Scope& scope, const NodeList& nodes) {
  MEMOPT_RETURN_IF_ERROR(charge_nodes(scope, nodes));
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<int> order, definition_order(nodes));
  for (const auto& node : nodes) {
    for (const std::string& name : names_read(node)) scope.used.insert(name);
  }
  for (const int index : order) {
    const onnx::NodeProto& node = nodes[index];
    const std::string name = scope.prefix + node_label(node, index);
    const Status status = import_node(scope, node, name);
    if (!status.ok()) {
      // Errors of nodes inside of this one are in their own context already.
      const std::string where = "node '" + name + "' (" + node.op_type() + ")";
      return in_context(where, status.error());
    }
  }
  return {};
}

Status Importer::import_node(Scope& scope, const onnx::NodeProto& node, const std::string& name) {
  ImportState& state = scope.builder.state();
  if (++state.nodes > state.max_nodes) {
    return bad_input("more than " + std::to_string(state.max_nodes) +
                     " nodes with all functions inlined");
  }
  if (node.attribute_size() > kMaxAttributes) {
    return bad_input("more than " + std::to_string(kMaxAttributes) + " attributes");
  }
  if (std::all_of(node.output().begin(), node.output().end(),
                  [](const std::string& output) { return output.empty(); })) {
    return {};  // computes nothing
  }
  for (const std::string& output : node.output()) {
    if (scope.values.count(output) || scope.initializers.count(output) ||
        scope.sparse_initializers.count(output)) {
      return bad_input("value '" + output + "' is defined twice");
    }
  }
  const LocalFunction* function = functions_.find(node);
  return function ? inline_call(scope, node, name, *function) : map_node(scope, node, name);
}

Result<std::vector<ValueId>> Importer::inputs_of(Scope& scope, const onnx::NodeProto& node) {
  std::vector<ValueId> inputs;
  for (const std::string& input : node.input()) {
    if (input.empty()) {
      inputs.push_back(ValueId::none());
      continue;
    }
    MEMOPT_ASSIGN_OR_RETURN(const ValueId id, scope.lookup(input));
    inputs.push_back(id);
  }
  while (!inputs.empty() && !inputs.back()) inputs.pop_back();
  return inputs;
}

Status Importer::map_node(Scope& scope, const onnx::NodeProto& node, const std::string& name) {
  const std::string domain = canonical_domain(node.domain());
  const NodeMapping* mapping = find_mapping(domain, node.op_type());
  const auto opset = scope.opsets->find(domain);
  if (mapping == nullptr || opset == scope.opsets->end()) {
    return bad_input(mapping == nullptr
                         ? "this operator is not supported"
                         : "the model imports no operator set for domain '" + domain + "'");
  }
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<ValueId> inputs, inputs_of(scope, node));
  const int count = static_cast<int>(inputs.size());
  const auto present = [&](int i) { return i < count && inputs[static_cast<size_t>(i)]; };
  for (int i = 0; i < mapping->min_inputs; ++i) {
    if (!present(i)) return bad_input("operand " + std::to_string(i) + " is missing");
  }
  if (count > mapping->max_inputs) {
    return bad_input("has " + std::to_string(count) + " operands, at most " +
                     std::to_string(mapping->max_inputs) + " are allowed");
  }
  NodeContext context(scope, node, name, opset->second, inputs);
  const Status status = mapping->map(context);
  if (context.reported()) return *context.reported();
  MEMOPT_RETURN_IF_ERROR(status);
  for (int i = 0; i < node.output_size(); ++i) {
    if (context.bound(i)) {
      scope.values[node.output(i)] = context.bound(i);
    } else if (context.wants(i)) {
      return bad_input("output " + std::to_string(i) + " '" + node.output(i) +
                       "' is not supported");
    }
  }
  return {};
}

Status Importer::inline_call(Scope& scope, const onnx::NodeProto& node, const std::string& name,
                             const LocalFunction& function) {
  const onnx::FunctionProto& proto = *function.proto;
  if (std::find(active_calls_.begin(), active_calls_.end(), &function) != active_calls_.end()) {
    return bad_input("function '" + proto.name() + "' calls itself");
  }
  if (node.input_size() > proto.input_size() || node.output_size() > proto.output_size()) {
    return bad_input("a call with " + std::to_string(node.input_size()) + " operands and " +
                     std::to_string(node.output_size()) + " results of a function with " +
                     std::to_string(proto.input_size()) + " and " +
                     std::to_string(proto.output_size()));
  }
  constexpr int64_t kOperationsPerParameter = 256;
  const int64_t parameters = int64_t{proto.input_size()} + proto.output_size() +
                             proto.attribute_proto_size() + node.attribute_size();
  MEMOPT_RETURN_IF_ERROR(scope.builder.account().charge_work(
      kOperationsPerParameter * parameters, "a call of function '" + proto.name() + "'"));
  Scope body = nested_scope(scope, scope.builder);
  body.parent = nullptr;  // a function sees its parameters only
  body.opsets = &function.opsets;
  body.prefix = name + '/';
  body.call_attributes.clear();
  if (body.depth > kMaxDepth) return bad_input("calls are nested too deeply");
  for (const auto& attribute : proto.attribute_proto()) {
    body.call_attributes[attribute.name()] = &attribute;
  }
  for (const auto& attribute : node.attribute()) {
    if (attribute.ref_attr_name().empty()) {
      body.call_attributes[attribute.name()] = &attribute;
      continue;
    }
    const auto outer = scope.call_attributes.find(attribute.ref_attr_name());
    if (outer != scope.call_attributes.end())
      body.call_attributes[attribute.name()] = outer->second;
  }
  MEMOPT_ASSIGN_OR_RETURN(std::vector<ValueId> inputs, inputs_of(scope, node));
  inputs.resize(static_cast<size_t>(proto.input_size()), ValueId::none());
  for (int i = 0; i < proto.input_size(); ++i) {
    body.values[proto.input(i)] = inputs[static_cast<size_t>(i)];
  }
  for (const std::string& output : proto.output()) body.used.insert(output);

  active_calls_.push_back(&function);
  const Status status = import_nodes(body, proto.node());
  active_calls_.pop_back();
  MEMOPT_RETURN_IF_ERROR(status);
  for (int i = 0; i < node.output_size(); ++i) {
    if (node.output(i).empty()) continue;
    MEMOPT_ASSIGN_OR_RETURN(scope.values[node.output(i)], body.lookup(proto.output(i)));
  }
  return {};
}

Result<std::vector<ValueId>> Importer::inline_subgraph(Scope& outer,
                                                       const onnx::GraphProto& graph) {
  Scope scope = nested_scope(outer, outer.builder);
  MEMOPT_RETURN_IF_ERROR(check_supported(graph, *scope.opsets, functions_));
  MEMOPT_RETURN_IF_ERROR(enter(scope, graph));
  MEMOPT_RETURN_IF_ERROR(import_nodes(scope, graph.node()));
  std::vector<ValueId> outputs;
  for (const auto& output : graph.output()) {
    MEMOPT_ASSIGN_OR_RETURN(const ValueId id, scope.lookup(output.name()));
    outputs.push_back(id);
  }
  return outputs;
}

Status Importer::import_region(Scope& outer, const onnx::GraphProto& graph,
                               const std::vector<TensorType>& own_inputs, GraphBuilder& region) {
  Scope scope = nested_scope(outer, region);
  MEMOPT_RETURN_IF_ERROR(check_supported(graph, *scope.opsets, functions_));
  if (static_cast<size_t>(graph.input_size()) != own_inputs.size()) {
    return bad_input("the subgraph has " + std::to_string(graph.input_size()) + " inputs, needed " +
                     std::to_string(own_inputs.size()));
  }
  region.graph().name = graph.name();
  MEMOPT_RETURN_IF_ERROR(enter(scope, graph));
  for (int i = 0; i < graph.input_size(); ++i) {
    const std::string& name = graph.input(i).name();
    if (name.empty()) return bad_input("a subgraph's input without a name");
    if (scope.values.count(name) > 0) return bad_input("input '" + name + "' is declared twice");
    scope.values[name] =
        region.graph().add_input(region.fresh_name(name), own_inputs[static_cast<size_t>(i)]);
  }
  MEMOPT_RETURN_IF_ERROR(import_nodes(scope, graph.node()));
  std::vector<std::string> outputs;
  for (const auto& output : graph.output()) outputs.push_back(output.name());
  return add_outputs(scope, outputs);
}

Status Importer::add_outputs(Scope& scope, const std::vector<std::string>& names) {
  GraphBuilder& builder = scope.builder;
  Graph& graph = builder.graph();
  std::vector<ValueId> values;
  std::set<ValueId> taken;  // values that already carry the name of an output
  for (const std::string& name : names) {
    auto value = scope.lookup(name);
    if (!value.ok()) return in_context("output '" + name + "'", value.error());
    if (!*value) return bad_input("output '" + name + "' is a missing optional value");
    values.push_back(*value);
    const Value& source = graph.value(*value);
    if (source.kind == ValueKind::kResult && source.name == name) taken.insert(*value);
  }
  std::map<std::string, size_t> listed;  // where first
  for (size_t i = 0; i < names.size(); ++i) {
    // What is listed twice is one value, twice an output.
    if (const auto [first, is_new] = listed.emplace(names[i], i); !is_new) {
      graph.add_output(graph.outputs()[first->second]);
      continue;
    }
    const Value& source = graph.value(values[i]);
    const bool named = source.kind == ValueKind::kResult && source.name == names[i];
    if (named) {
      graph.add_output(values[i]);
      continue;
    }
    if (source.kind == ValueKind::kConstant && source.name == names[i]) {
      graph.rename(values[i], builder.fresh_name(names[i] + "/constant"));
    }
    // At the top the name is reserved and free, unless an input has it.
    const bool free = source.name != names[i] && scope.parent == nullptr;
    const bool is_input = source.kind == ValueKind::kInput && source.name == names[i];
    const std::string name = free ? names[i] : builder.fresh_name(names[i]);
    if (source.kind == ValueKind::kResult && taken.insert(values[i]).second) {
      graph.rename(values[i], name);
      graph.add_output(values[i]);
      continue;
    }
    const Value output{
        .name = name, .type = source.type, .kind = ValueKind::kResult, .producer = {}, .data = {}};
    const NodeId node = graph.add_node(Identity{}, {&values[i], 1}, {&output, 1}, name);
    // The name is the input's already, so it is the output's in the signature only.
    graph.add_output(graph.node(node).outputs[0], is_input ? names[i] : "");
  }
  return {};
}

}  // namespace memopt
