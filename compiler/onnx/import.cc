#include "compiler/onnx/import.h"

#include <algorithm>
#include <filesystem>

#include "compiler/onnx/external_data.h"
#include "compiler/onnx/file_kind.h"
#include "compiler/onnx/importer.h"
#include "compiler/onnx/parse.h"
#include "compiler/onnx/signature.h"
#include "compiler/onnx/support.h"

namespace memopt {
namespace {

// The operator sets that memopt reads. Forms that no operator set since 7 has are read where old
// files are known to use them; the others are errors of their nodes.
constexpr int64_t kOldestOpset = 1;
constexpr int64_t kNewestOpset = 27;

Result<OpsetVersions> opsets_of(const onnx::ModelProto& model) {
  OpsetVersions opsets;
  for (const auto& opset : model.opset_import()) {
    opsets[canonical_domain(opset.domain())] = opset.version();
  }
  const auto main = opsets.find("");
  if (main == opsets.end()) return opsets;  // a node that needs it says so
  if (main->second < kOldestOpset || main->second > kNewestOpset) {
    return bad_input("operator set " + std::to_string(main->second) + "; " +
                     std::to_string(kOldestOpset) + " to " + std::to_string(kNewestOpset) +
                     " are supported (onnx.version_converter converts others)");
  }
  return opsets;
}

// Reserves the graph's own names, so that values made on the way cannot take them.
void reserve_names(GraphBuilder& builder, const onnx::GraphProto& graph) {
  for (const auto& input : graph.input()) builder.reserve_name(input.name());
  for (const auto& tensor : graph.initializer()) builder.reserve_name(tensor.name());
  for (const auto& tensor : graph.sparse_initializer()) {
    builder.reserve_name(tensor.values().name());
  }
  for (const auto& node : graph.node()) {
    for (const std::string& output : node.output()) builder.reserve_name(output);
  }
}

// Functions that call functions grow exponentially; a file of a certain size is good for so many
// nodes.
int64_t max_nodes(int64_t message_bytes) {
  return std::min<int64_t>(1'000'000, 100'000 + message_bytes / 8);
}

Result<ImportedModel> import_model(const ParsedFile<onnx::ModelProto>& file,
                                   const TensorSource& source, const ImportOptions& options) {
  const onnx::ModelProto& model = file.message;
  const onnx::GraphProto& graph = model.graph();
  if (!model.has_graph()) {
    return bad_input("not an ONNX model: it has no graph" + foreign_file_hint(file.file.bytes));
  }
  MEMOPT_ASSIGN_OR_RETURN(const OpsetVersions opsets, opsets_of(model));
  FunctionTable functions;
  for (const auto& function : model.functions()) {
    MEMOPT_RETURN_IF_ERROR(functions.add(function, opsets));
  }
  MEMOPT_RETURN_IF_ERROR(check_supported(graph, opsets, functions));
  if (graph.output().empty()) return bad_input("the graph has no outputs");

  ImportState state{
      .options = options, .source = source, .max_nodes = max_nodes(file.message_bytes)};
  GraphBuilder builder(state, nullptr);
  Importer importer(functions);
  Scope scope{.importer = importer,
              .builder = builder,
              .opsets = &opsets,
              .prefix = {},
              .call_attributes = {},
              .values = {},
              .initializers = {},
              .sparse_initializers = {},
              .used = {}};
  builder.graph().name = graph.name();
  reserve_names(builder, graph);
  MEMOPT_RETURN_IF_ERROR(importer.enter(scope, graph));
  MEMOPT_ASSIGN_OR_RETURN(std::vector<ShapeFlag> assumed, add_inputs(scope, graph, options));
  MEMOPT_RETURN_IF_ERROR(importer.import_nodes(scope, graph.node()));
  std::vector<std::string> outputs;
  for (const auto& output : graph.output()) outputs.push_back(output.name());
  MEMOPT_RETURN_IF_ERROR(importer.add_outputs(scope, outputs));
  MEMOPT_ASSIGN_OR_RETURN(std::vector<std::string> notes, check_outputs(builder.graph(), graph));
  MEMOPT_RETURN_IF_ERROR(add_states(builder.graph(), options));

  const auto main_opset = opsets.find("");
  return ImportedModel{.graph = std::move(builder.graph()),
                       .ir_version = model.ir_version(),
                       .opset = main_opset == opsets.end() ? 0 : main_opset->second,
                       .producer = model.producer_name(),
                       .assumed = std::move(assumed),
                       .notes = std::move(notes)};
}

}  // namespace

Result<ImportedModel> import_onnx(const std::string& path, const ImportOptions& options) {
  MEMOPT_ASSIGN_OR_RETURN(const auto parsed, parse_model_file(path, options.account));
  ExternalData external(std::filesystem::path(path).parent_path().string(),
                        options.external_data_root, options.allow_hardlinks, options.account);
  const TensorSource source{.file = parsed.file, .external = &external, .account = options.account};
  auto imported = import_model(parsed, source, options);
  if (!imported.ok()) return in_context(path, imported.error());
  imported->file_bytes = static_cast<int64_t>(parsed.file.bytes.size()) + external.mapped_bytes();
  imported->external_files = external.paths();
  return imported;
}

Result<ImportedModel> import_onnx(std::vector<std::byte> bytes, const std::string& name,
                                  const ImportOptions& options) {
  MEMOPT_ASSIGN_OR_RETURN(const auto parsed,
                          parse_model(share_bytes(std::move(bytes)), name, options.account));
  auto imported = import_model(
      parsed, {.file = parsed.file, .external = nullptr, .account = options.account}, options);
  if (!imported.ok()) return in_context(name, imported.error());
  imported->file_bytes = static_cast<int64_t>(parsed.file.bytes.size());
  return imported;
}

}  // namespace memopt
