#include "compiler/onnx/exporter.h"

#include <cstring>

#include "compiler/onnx/node_context.h"
#include "compiler/onnx/tensor.h"
#include "compiler/onnx/types.h"

namespace memopt {

Exporter::Exporter(const Graph& graph, onnx::GraphProto& proto) : graph_(graph), proto_(proto) {
  for (const ValueId id : live_values(graph)) names_.insert(graph.value(id).name);
}

std::string Exporter::fresh_name(std::string_view base) {
  std::string name;
  do {
    name = std::string(base) + '/' + std::to_string(next_name_++);
  } while (!names_.insert(name).second);
  return name;
}

void Exporter::need_type(DType type) {
  switch (type) {
    case DType::kF8E4M3FN:
    case DType::kF8E4M3FNUZ:
    case DType::kF8E5M2:
    case DType::kF8E5M2FNUZ:
      return need_opset(19);
    case DType::kI4:
    case DType::kU4:
      return need_opset(21);
    case DType::kBF16:  // of convolutions and pools
      return need_opset(22);
    case DType::kF4E2M1:
      return need_opset(23);
    case DType::kF8E8M0:
      return need_opset(24);
    case DType::kI2:
    case DType::kU2:
      return need_opset(25);
    default:
      return;
  }
}

const TensorType& Exporter::output_type(size_t output) const {
  return graph_.type(node_->outputs[output]);
}

std::vector<std::string> Exporter::inputs() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < node_->inputs.size(); ++i) names.push_back(input(i));
  return names;
}

const Value* Exporter::constant(size_t input) const {
  return has(input) && graph_.is_constant(node_->inputs[input])
             ? &graph_.value(node_->inputs[input])
             : nullptr;
}

std::string Exporter::emit(std::string_view op_type, std::vector<std::string> inputs) {
  while (!inputs.empty() && inputs.back().empty()) inputs.pop_back();
  last_ = proto_.add_node();
  last_->set_op_type(std::string(op_type));
  std::string name = node_->name.empty() ? std::string(op_type) : node_->name;
  for (int i = 1; !node_names_.insert(name).second; ++i) {
    name = (node_->name.empty() ? std::string(op_type) : node_->name) + '/' + std::to_string(i);
  }
  last_->set_name(name);
  // add_input(std::move(name)) would leave a string that nobody made behind where memory runs out.
  for (std::string& name : inputs) *last_->add_input() = std::move(name);
  std::string result = fresh_name(node_->name.empty() ? op_type : node_->name);
  last_->add_output(result);
  return result;
}

void Exporter::attr(std::string_view name, int64_t value) {
  onnx::AttributeProto& attribute = *last_->add_attribute();
  attribute.set_name(std::string(name));
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
}

void Exporter::attr(std::string_view name, double value) {
  onnx::AttributeProto& attribute = *last_->add_attribute();
  attribute.set_name(std::string(name));
  attribute.set_type(onnx::AttributeProto::FLOAT);
  attribute.set_f(static_cast<float>(value));
}

void Exporter::attr(std::string_view name, std::string_view value) {
  onnx::AttributeProto& attribute = *last_->add_attribute();
  attribute.set_name(std::string(name));
  attribute.set_type(onnx::AttributeProto::STRING);
  attribute.set_s(std::string(value));
}

void Exporter::attr(std::string_view name, const std::vector<int64_t>& values) {
  onnx::AttributeProto& attribute = *last_->add_attribute();
  attribute.set_name(std::string(name));
  attribute.set_type(onnx::AttributeProto::INTS);
  for (const int64_t value : values) attribute.add_ints(value);
}

std::string Exporter::ints(const std::vector<int64_t>& values) {
  onnx::TensorProto& tensor = *proto_.add_initializer();
  tensor.set_name(fresh_name("ints"));
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<int64_t>(values.size()));
  tensor.set_raw_data(values.data(), values.size() * sizeof(int64_t));
  return tensor.name();
}

std::string Exporter::floats(const std::vector<double>& values) {
  auto name = this->values(DType::kF32, {static_cast<int64_t>(values.size())}, values);
  return *std::move(name);
}

Result<std::string> Exporter::values(DType type, const Dims& dims, std::span<const double> values) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, number_bytes(type, values));
  onnx::TensorProto& tensor = *proto_.add_initializer();
  tensor.set_name(fresh_name("value"));
  tensor.set_data_type(dtype_to_onnx(type));
  for (const int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_raw_data(bytes.data(), bytes.size());
  return tensor.name();
}

Status Exporter::finish(std::string value, const Activation& activation) {
  if (activation.fn != UnaryFn::kIdentity) {
    MEMOPT_ASSIGN_OR_RETURN(value, export_unary(*this, value, activation, output_type().dtype));
  }
  MEMOPT_CHECK(last_->output_size() == 1 && last_->output(0) == value);
  last_->set_output(0, graph_.value(node_->outputs[0]).name);
  return {};
}

void Exporter::finish_outputs(size_t mandatory) {
  const std::string base = last_->name();
  last_->clear_output();
  for (size_t i = 0; i < node_->outputs.size(); ++i) {
    const ValueId id = node_->outputs[i];
    last_->add_output(id ? graph_.value(id).name : i < mandatory ? fresh_name(base) : "");
  }
  while (last_->output(last_->output_size() - 1).empty()) {
    last_->mutable_output()->RemoveLast();
  }
}

Status Exporter::write_node(const Node& node) {
  node_ = &node;
  for (const ValueId id : node.inputs) {
    if (id) need_type(graph_.type(id).dtype);
  }
  for (const ValueId id : node.outputs) {
    if (id) need_type(graph_.type(id).dtype);
  }
  return export_op(*this);
}

const Value& Exporter::signature_output(size_t index) const {
  const Value& output = graph_.value(graph_.outputs()[index]);
  if (!graph_.has_output_name(index) || output.kind != ValueKind::kResult) return output;
  const Node& node = graph_.node(output.producer);
  if (!std::holds_alternative<Identity>(node.op)) return output;
  const Value& input = graph_.value(node.inputs[0]);
  return input.name == graph_.output_name(index) ? input : output;
}

// Those that make nothing but outputs which the signature has as inputs.
NodeMap<bool> Exporter::nodes_that_only_pass_on() const {
  NodeMap<bool> result(graph_);
  for (const bool passed_on : {true, false}) {
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      const Value& output = graph_.value(graph_.outputs()[i]);
      if (output.kind != ValueKind::kResult) continue;
      if ((&signature_output(i) != &output) != passed_on) continue;
      result[output.producer] = passed_on && graph_.uses(graph_.outputs()[i]).empty();
    }
  }
  return result;
}

Status Exporter::write_nodes() {
  const NodeMap<bool> only_pass_on = nodes_that_only_pass_on();
  for (const NodeId id : graph_.order()) {
    if (only_pass_on[id]) continue;
    const Node& node = graph_.node(id);
    const Status status = write_node(node);
    if (!status.ok()) {
      return in_context("node '" + node.name + "' (" + op_label(node.op) + ")", status.error());
    }
  }
  return {};
}

}  // namespace memopt
