#include "tests/onnx/model_builder.h"

#include <cstring>
#include <fstream>

#include "compiler/onnx/node_context.h"
#include "compiler/ops/evaluate.h"

namespace memopt::testing {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "memopt_XXXXXX").string();
  EXPECT_NE(mkdtemp(pattern.data()), nullptr);
  folder_ = pattern;
}

TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(folder_); }

std::string TemporaryFolder::write(const std::string& name, const std::string& bytes) const {
  std::ofstream(path(name), std::ios::binary) << bytes;
  return path(name);
}

namespace {

onnx::AttributeProto make_attr(const std::string& name, onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto attribute;
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

}  // namespace

onnx::AttributeProto attr(const std::string& name, int64_t value) {
  onnx::AttributeProto attribute = make_attr(name, onnx::AttributeProto::INT);
  attribute.set_i(value);
  return attribute;
}

onnx::AttributeProto attr(const std::string& name, int value) { return attr(name, int64_t{value}); }

onnx::AttributeProto attr(const std::string& name, double value) {
  onnx::AttributeProto attribute = make_attr(name, onnx::AttributeProto::FLOAT);
  attribute.set_f(static_cast<float>(value));
  return attribute;
}

onnx::AttributeProto attr(const std::string& name, const char* value) {
  onnx::AttributeProto attribute = make_attr(name, onnx::AttributeProto::STRING);
  attribute.set_s(value);
  return attribute;
}

onnx::AttributeProto attr(const std::string& name, const std::vector<int64_t>& values) {
  onnx::AttributeProto attribute = make_attr(name, onnx::AttributeProto::INTS);
  for (const int64_t value : values) attribute.add_ints(value);
  return attribute;
}

onnx::AttributeProto attr(const std::string& name, const std::vector<float>& values) {
  onnx::AttributeProto attribute = make_attr(name, onnx::AttributeProto::FLOATS);
  for (const float value : values) attribute.add_floats(value);
  return attribute;
}

onnx::AttributeProto attr(const std::string& name, const onnx::GraphProto& graph) {
  onnx::AttributeProto attribute = make_attr(name, onnx::AttributeProto::GRAPH);
  *attribute.mutable_g() = graph;
  return attribute;
}

onnx::AttributeProto attr(const std::string& name, const onnx::TensorProto& tensor) {
  onnx::AttributeProto attribute = make_attr(name, onnx::AttributeProto::TENSOR);
  *attribute.mutable_t() = tensor;
  return attribute;
}

onnx::TensorProto float_tensor(const std::string& name, const std::vector<int64_t>& dims,
                               const std::vector<float>& values) {
  onnx::TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
  return tensor;
}

onnx::TensorProto int_tensor(const std::string& name, const std::vector<int64_t>& dims,
                             const std::vector<int64_t>& values) {
  onnx::TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  for (const int64_t value : values) tensor.add_int64_data(value);
  return tensor;
}

GraphMaker& GraphMaker::input(const std::string& name, const std::vector<std::string>& dims,
                              int type) {
  onnx::ValueInfoProto& info = *graph_.add_input();
  info.set_name(name);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  tensor.mutable_shape();
  for (const std::string& text : dims) {
    auto& dim = *tensor.mutable_shape()->add_dim();
    if (std::isdigit(static_cast<unsigned char>(text[0]))) {
      dim.set_dim_value(std::stoll(text));
    } else if (text != "?") {
      dim.set_dim_param(text);
    }
  }
  return *this;
}

GraphMaker& GraphMaker::output(const std::string& name) {
  graph_.add_output()->set_name(name);
  return *this;
}

GraphMaker& GraphMaker::initializer(onnx::TensorProto tensor) {
  *graph_.add_initializer() = std::move(tensor);
  return *this;
}

onnx::NodeProto& GraphMaker::node(const std::string& op_type,
                                  const std::vector<std::string>& inputs,
                                  const std::vector<std::string>& outputs,
                                  std::vector<onnx::AttributeProto> attributes) {
  onnx::NodeProto& node = *graph_.add_node();
  node.set_op_type(op_type);
  for (const std::string& name : inputs) node.add_input(name);
  for (const std::string& name : outputs) node.add_output(name);
  for (onnx::AttributeProto& attribute : attributes) *node.add_attribute() = std::move(attribute);
  return node;
}

Model::Model(int64_t opset) : GraphMaker(*proto.mutable_graph()) {
  proto.set_ir_version(8);
  proto.add_opset_import()->set_version(opset);
}

Result<ImportedModel> Model::import(const ImportOptions& options) const {
  const TemporaryFolder folder;
  return import_onnx(folder.write("model.onnx", proto.SerializeAsString()), options);
}

std::vector<std::vector<double>> run(const Graph& graph,
                                     const std::vector<std::vector<float>>& inputs) {
  std::vector<std::shared_ptr<const ConstantData>> data(graph.value_count());
  for (size_t i = 0; i < data.size(); ++i) data[i] = graph.value(ValueId(i)).data;
  EXPECT_EQ(inputs.size(), graph.inputs().size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto from = std::as_bytes(std::span(inputs[i]));
    std::vector<std::byte> bytes(from.begin(), from.end());
    data[graph.inputs()[i].index()] = ConstantData::from_bytes(std::move(bytes));
  }
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    std::vector<ConstantOperand> operands;
    for (const ValueId input : node.inputs) {
      operands.push_back(input ? ConstantOperand{&graph.type(input), data[input.index()]->bytes()}
                               : ConstantOperand{});
    }
    std::vector<const TensorType*> types;
    for (const ValueId output : node.outputs) {
      types.push_back(output ? &graph.type(output) : nullptr);
    }
    auto results = evaluate(node.op, operands, types, std::make_shared<Account>());
    EXPECT_TRUE(results.ok()) << (results.ok() ? "" : results.error().message);
    if (!results.ok()) return {};
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i]) data[node.outputs[i].index()] = (*results)[i];
    }
  }
  std::vector<std::vector<double>> outputs;
  for (const ValueId id : graph.outputs()) {
    outputs.push_back(*floats_of(graph.type(id), data[id.index()]->bytes()));
  }
  return outputs;
}

Labels labels(const Graph& graph) {
  Labels result;
  for (const NodeId id : graph.order()) result.push_back(op_label(graph.node(id).op));
  return result;
}

std::string message_of(const Result<ImportedModel>& result) {
  return result.ok() ? "" : result.error().message;
}

::testing::AssertionResult has_text(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "no '" << part << "' in: " << text;
}

}  // namespace memopt::testing
