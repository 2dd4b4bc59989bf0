#include "compiler/onnx/export.h"

#include <filesystem>
#include <optional>

#include "compiler/onnx/exporter.h"
#include "compiler/onnx/message_file.h"
#include "compiler/onnx/types.h"
#include "runtime/base/checked.h"
#include "runtime/base/file.h"

namespace memopt {
namespace {

constexpr int64_t kMinExternalBytes = 1024;
constexpr int64_t kExternalAlignment = 4096;

// The IR version that came with an operator set, or a later one.
int64_t ir_version_for(int64_t opset) {
  if (opset <= 18) return 8;
  if (opset <= 20) return 9;
  if (opset <= 22) return 10;
  if (opset <= 23) return 11;
  return opset <= 24 ? 12 : 13;
}

void write_value_info(const Value& value, onnx::ValueInfoProto& info) {
  info.set_name(value.name);
  onnx::TypeProto::Tensor& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(dtype_to_onnx(value.type.dtype));
  tensor.mutable_shape();  // a scalar has a shape of no dimensions
  for (const int64_t dim : value.type.dims) tensor.mutable_shape()->add_dim()->set_dim_value(dim);
}

// Bytes in a file beside the model, at aligned offsets.
class ExternalWriter {
 public:
  static Result<ExternalWriter> create(const std::string& model_path) {
    const std::string path = external_data_path(model_path);
    MEMOPT_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
    return ExternalWriter(std::move(file), std::filesystem::path(path).filename().string());
  }

  Status add(std::span<const std::byte> bytes, onnx::TensorProto& tensor) {
    const int64_t begin = align_up(end_, kExternalAlignment);
    const std::vector<std::byte> gap(static_cast<size_t>(begin - end_));
    MEMOPT_RETURN_IF_ERROR(file_.write(gap));
    MEMOPT_RETURN_IF_ERROR(file_.write(bytes));
    end_ = begin + static_cast<int64_t>(bytes.size());
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    add_entry(tensor, "location", location_);
    add_entry(tensor, "offset", std::to_string(begin));
    add_entry(tensor, "length", std::to_string(bytes.size()));
    return {};
  }
  Status commit() { return file_.commit(); }

 private:
  ExternalWriter(AtomicFile file, std::string location)
      : file_(std::move(file)), location_(std::move(location)) {}

  static void add_entry(onnx::TensorProto& tensor, const char* key, const std::string& value) {
    onnx::StringStringEntryProto& entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }

  AtomicFile file_;
  std::string location_;
  int64_t end_ = 0;
};

std::vector<ValueId> used_constants(const Graph& graph) {
  std::vector<ValueId> constants;
  for (const ValueId id : live_values(graph)) {
    if (graph.is_constant(id)) constants.push_back(id);
  }
  return constants;
}

Status check_layouts(const Graph& graph) {
  for (const ValueId id : live_values(graph)) {
    if (graph.type(id).layout == Layout::kRowMajor) continue;
    return bad_input("value '" + graph.value(id).name + "' is " + to_string(graph.type(id)) +
                     "; only row-major graphs can be written as ONNX");
  }
  return {};
}

}  // namespace

std::string external_data_path(const std::string& model_path) { return model_path + ".data"; }

Status export_onnx(const Graph& graph, const ExportOptions& options, const std::string& path) {
  MEMOPT_RETURN_IF_ERROR(check_layouts(graph));
  onnx::ModelProto model;
  onnx::GraphProto& proto = *model.mutable_graph();
  proto.set_name(graph.name.empty() ? "memopt" : graph.name);

  Exporter exporter(graph, proto);
  MEMOPT_RETURN_IF_ERROR(exporter.write_nodes());
  for (const ValueId id : graph.inputs()) write_value_info(graph.value(id), *proto.add_input());
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    write_value_info(exporter.signature_output(i), *proto.add_output());
  }

  const std::vector<ValueId> constants = used_constants(graph);
  int64_t total_bytes = 0;
  for (const ValueId id : constants) total_bytes += graph.type(id).bytes();
  std::optional<ExternalWriter> external;
  if (total_bytes > options.external_data_above_bytes) {
    MEMOPT_ASSIGN_OR_RETURN(ExternalWriter writer, ExternalWriter::create(path));
    external.emplace(std::move(writer));
  }
  for (const ValueId id : constants) {
    const Value& value = graph.value(id);
    const std::span<const std::byte> bytes = value.data->bytes();
    onnx::TensorProto& tensor = *proto.add_initializer();
    tensor.set_name(value.name);
    tensor.set_data_type(dtype_to_onnx(value.type.dtype));
    for (const int64_t dim : value.type.dims) tensor.add_dims(dim);
    if (external && static_cast<int64_t>(bytes.size()) >= kMinExternalBytes) {
      MEMOPT_RETURN_IF_ERROR(external->add(bytes, tensor));
    } else {
      tensor.set_raw_data(bytes.data(), bytes.size());
    }
  }

  model.set_ir_version(ir_version_for(exporter.opset()));
  model.set_producer_name("memopt");
  model.add_opset_import()->set_version(exporter.opset());
  for (const auto& [key, value] : options.metadata) {
    onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  MEMOPT_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  MEMOPT_RETURN_IF_ERROR(write_message(model, file));
  MEMOPT_RETURN_IF_ERROR(file.seal());
  if (external) MEMOPT_RETURN_IF_ERROR(external->commit());
  return file.commit();
}

}  // namespace memopt
