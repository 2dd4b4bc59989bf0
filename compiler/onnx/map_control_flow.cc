// If, Loop and Scan. A branch whose condition is known replaces its If; everything else keeps its
// subgraphs as regions.
#include "compiler/onnx/importer.h"
#include "compiler/onnx/mapping.h"

namespace memopt {
namespace {

// Adds a node with regions whose outputs have these types, and binds them.
void emit_with_regions(NodeContext& node, Op op, const std::vector<ValueId>& inputs,
                       const std::vector<TensorType>& types, std::vector<Graph> regions) {
  GraphBuilder& builder = node.builder();
  std::vector<Value> outputs;
  for (int i = 0; i < static_cast<int>(types.size()); ++i) {
    Value& output = outputs.emplace_back();
    output.type = types[static_cast<size_t>(i)];
    if (node.wants(i) || i == 0) output.name = builder.fresh_name(node.name() + "/output");
  }
  const NodeId id = builder.graph().add_node(std::move(op), inputs, outputs, node.name());
  builder.graph().mutable_regions(id) = std::move(regions);
  for (int i = 0; i < static_cast<int>(types.size()); ++i) {
    const ValueId output = builder.graph().node(id).outputs[static_cast<size_t>(i)];
    if (output) node.bind_new(i, output);
  }
}

std::vector<TensorType> output_types(const Graph& graph) {
  std::vector<TensorType> types;
  for (const ValueId id : graph.outputs()) types.push_back(graph.type(id));
  return types;
}

Result<const onnx::GraphProto*> required_graph(NodeContext& node, const char* name) {
  const onnx::GraphProto* graph = node.attr_graph(name);
  if (graph == nullptr) return node.error(std::string("attribute '") + name + "' is missing");
  return graph;
}

// The value of a boolean scalar that is known at import.
std::optional<bool> known_bool(const Graph& graph, ValueId id) {
  if (!graph.is_constant(id) || graph.type(id).count() != 1) return std::nullopt;
  const auto values = ints_of(graph.type(id), graph.value(id).data->bytes());
  return values ? std::optional((*values)[0] != 0) : std::nullopt;
}

Status map_if(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const auto* then_graph, required_graph(node, "then_branch"));
  MEMOPT_ASSIGN_OR_RETURN(const auto* else_graph, required_graph(node, "else_branch"));
  Importer& importer = node.scope().importer;
  const auto outputs = static_cast<int>(node.output_count());
  if (then_graph->output_size() != outputs || else_graph->output_size() != outputs) {
    return node.error("the branches have " + std::to_string(then_graph->output_size()) + " and " +
                      std::to_string(else_graph->output_size()) + " outputs, the node " +
                      std::to_string(outputs));
  }
  if (const auto condition = known_bool(node.builder().graph(), node.in(0))) {
    MEMOPT_ASSIGN_OR_RETURN(
        const std::vector<ValueId> values,
        importer.inline_subgraph(node.scope(), *condition ? *then_graph : *else_graph));
    for (int i = 0; i < outputs; ++i) node.bind(i, values[static_cast<size_t>(i)]);
    return {};
  }
  GraphBuilder then_region(node.builder().state(), &node.builder());
  GraphBuilder else_region(node.builder().state(), &node.builder());
  MEMOPT_RETURN_IF_ERROR(importer.import_region(node.scope(), *then_graph, {}, then_region));
  // Both regions take the same inputs in the same order.
  for (const ValueId id : then_region.captured()) else_region.capture(id);
  MEMOPT_RETURN_IF_ERROR(importer.import_region(node.scope(), *else_graph, {}, else_region));
  for (const ValueId id : else_region.captured()) then_region.capture(id);

  const std::vector<TensorType> types = output_types(then_region.graph());
  const std::vector<TensorType> others = output_types(else_region.graph());
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i] == others[i]) continue;
    return node.error("output " + std::to_string(i) + " is " + to_string(types[i]) +
                      " in one branch and " + to_string(others[i]) +
                      " in the other; plans have fixed shapes");
  }
  std::vector<ValueId> inputs{node.in(0)};
  inputs.insert(inputs.end(), else_region.captured().begin(), else_region.captured().end());
  std::vector<Graph> regions;
  regions.push_back(std::move(then_region.graph()));
  regions.push_back(std::move(else_region.graph()));
  emit_with_regions(node, If{}, inputs, types, std::move(regions));
  return {};
}

Status check_carried(const NodeContext& node, size_t i, const TensorType& before,
                     const TensorType& after) {
  if (before == after) return {};
  return node.error("carried value " + std::to_string(i) + " is " + to_string(before) +
                    " before an iteration and " + to_string(after) +
                    " after it; plans have fixed shapes");
}

// How often a Loop runs where that is known: a constant trip count and a condition that stays true.
Result<int64_t> known_trip_count(NodeContext& node, const Graph& body) {
  const Graph& graph = node.builder().graph();
  const bool starts = !node.has(1) || known_bool(graph, node.in(1)).value_or(false);
  ValueId next = body.outputs()[0];
  while (body.value(next).kind == ValueKind::kResult &&
         std::holds_alternative<Identity>(body.node(body.value(next).producer).op)) {
    next = body.node(body.value(next).producer).inputs[0];
  }
  const bool stays = next == body.inputs()[1] || known_bool(body, next).value_or(false);
  if (!node.has(0) || !starts || !stays) {
    return node.error("the number of iterations, and so the shape of a result, is not known");
  }
  return node.constant_int(0, "M");
}

Status map_loop(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const auto* body_graph, required_graph(node, "body"));
  const auto carried = static_cast<size_t>(std::max(0, node.input_count() - 2));
  std::vector<TensorType> own_inputs(2);
  own_inputs[0].dtype = DType::kI64;
  own_inputs[1].dtype = DType::kBool;
  for (size_t i = 0; i < carried; ++i) {
    const int operand = static_cast<int>(i) + 2;
    if (!node.has(operand)) return node.error("a carried value is missing");
    own_inputs.push_back(node.type(operand));
  }
  GraphBuilder body(node.builder().state(), &node.builder());
  MEMOPT_RETURN_IF_ERROR(
      node.scope().importer.import_region(node.scope(), *body_graph, own_inputs, body));
  std::vector<TensorType> types = output_types(body.graph());
  if (types.size() != static_cast<size_t>(node.output_count()) + 1 || types.size() <= carried) {
    return node.error("the body has " + std::to_string(types.size()) + " outputs, needed " +
                      std::to_string(node.output_count() + 1));
  }
  types.erase(types.begin());
  for (size_t i = 0; i < types.size(); ++i) {
    if (i < carried) {
      MEMOPT_RETURN_IF_ERROR(check_carried(node, i, own_inputs[i + 2], types[i]));
      continue;
    }
    MEMOPT_ASSIGN_OR_RETURN(const int64_t trips, known_trip_count(node, body.graph()));
    if (types[i].dims.rank() == kMaxRank) return node.error("more than 8 dimensions");
    Dims stacked{std::max<int64_t>(0, trips)};
    for (const int64_t dim : types[i].dims) stacked.push_back(dim);
    types[i].dims = stacked;
    if (!is_valid_type(types[i])) return node.error("a result is too large");
  }
  std::vector<ValueId> inputs{node.in(0), node.in(1)};
  for (size_t i = 0; i < carried; ++i) inputs.push_back(node.in(static_cast<int>(i) + 2));
  inputs.insert(inputs.end(), body.captured().begin(), body.captured().end());
  std::vector<Graph> regions;
  regions.push_back(std::move(body.graph()));
  emit_with_regions(node, Loop{.carried = static_cast<int64_t>(carried)}, inputs, types,
                    std::move(regions));
  return {};
}

// Axes of Scan's scanned inputs and outputs: 0 by default.
Result<std::vector<int64_t>> scan_axes(NodeContext& node, const char* attribute,
                                       const std::vector<int>& ranks) {
  std::vector<int64_t> axes = node.attr_ints(attribute, std::vector<int64_t>(ranks.size(), 0));
  if (axes.size() != ranks.size()) {
    return node.error(std::string(attribute) + " has " + std::to_string(axes.size()) +
                      " entries, needed " + std::to_string(ranks.size()));
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    MEMOPT_ASSIGN_OR_RETURN(axes[i], node.axis_of(axes[i], ranks[i]));
  }
  return axes;
}

Status map_scan(NodeContext& node) {
  if (node.opset() < 9) return node.error("Scan below opset 9 is not supported");
  MEMOPT_ASSIGN_OR_RETURN(const auto* body_graph, required_graph(node, "body"));
  const int count = node.input_count();
  Scan op;
  op.scanned = node.attr_int("num_scan_inputs", 0);
  if (op.scanned < 1 || op.scanned > count) return node.error("num_scan_inputs is out of range");
  const auto scanned = static_cast<size_t>(op.scanned);
  const size_t states = static_cast<size_t>(count) - scanned;
  std::vector<TensorType> own_inputs;
  std::vector<int> ranks;
  for (int i = 0; i < count; ++i) {
    if (!node.has(i)) return node.error("an operand is missing");
    own_inputs.push_back(node.type(i));
    if (static_cast<size_t>(i) >= states) ranks.push_back(node.rank(i));
  }
  MEMOPT_ASSIGN_OR_RETURN(op.input_axes, scan_axes(node, "scan_input_axes", ranks));
  op.input_directions = node.attr_ints("scan_input_directions", std::vector<int64_t>(scanned, 0));
  int64_t length = -1;
  for (size_t i = 0; i < scanned; ++i) {
    Dims& dims = own_inputs[states + i].dims;
    const int axis = static_cast<int>(op.input_axes[i]);
    if (length >= 0 && dims[axis] != length) {
      return node.error("the scanned inputs differ in length");
    }
    length = dims[axis];
    Dims slice;
    for (int d = 0; d < dims.rank(); ++d) {
      if (d != axis) slice.push_back(dims[d]);
    }
    dims = slice;
  }
  GraphBuilder body(node.builder().state(), &node.builder());
  MEMOPT_RETURN_IF_ERROR(
      node.scope().importer.import_region(node.scope(), *body_graph, own_inputs, body));
  std::vector<TensorType> types = output_types(body.graph());
  if (types.size() != static_cast<size_t>(node.output_count()) || types.size() < states) {
    return node.error("the body has " + std::to_string(types.size()) + " outputs, the node " +
                      std::to_string(node.output_count()));
  }
  std::vector<int> output_ranks;
  for (size_t i = states; i < types.size(); ++i) {
    if (types[i].dims.rank() == kMaxRank) return node.error("more than 8 dimensions");
    output_ranks.push_back(types[i].dims.rank() + 1);
  }
  MEMOPT_ASSIGN_OR_RETURN(op.output_axes, scan_axes(node, "scan_output_axes", output_ranks));
  op.output_directions =
      node.attr_ints("scan_output_directions", std::vector<int64_t>(output_ranks.size(), 0));
  if (op.input_directions.size() != scanned || op.output_directions.size() != output_ranks.size()) {
    return node.error("scan directions do not fit the number of scanned values");
  }
  for (size_t i = 0; i < types.size(); ++i) {
    if (i < states) {
      MEMOPT_RETURN_IF_ERROR(check_carried(node, i, own_inputs[i], types[i]));
      continue;
    }
    Dims stacked;
    const int64_t axis = op.output_axes[i - states];
    for (int d = 0; d <= types[i].dims.rank(); ++d) {
      stacked.push_back(d == axis ? length : types[i].dims[d < axis ? d : d - 1]);
    }
    types[i].dims = stacked;
    if (!is_valid_type(types[i])) return node.error("a result is too large");
  }
  std::vector<ValueId> inputs = node.all_inputs();
  inputs.insert(inputs.end(), body.captured().begin(), body.captured().end());
  std::vector<Graph> regions;
  regions.push_back(std::move(body.graph()));
  emit_with_regions(node, std::move(op), inputs, types, std::move(regions));
  return {};
}

constexpr int kMany = 1 << 20;

constexpr NodeMapping kMappings[] = {
    {"If", 1, 1, map_if},
    {"Loop", 0, kMany, map_loop},
    {"Scan", 1, kMany, map_scan},
};

}  // namespace

std::span<const NodeMapping> control_flow_mappings() { return kMappings; }

}  // namespace memopt
