// ONNX files out: a row-major graph as a standard model that other runtimes load.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "compiler/ir/graph.h"
#include "runtime/base/result.h"

namespace memopt {

struct ExportOptions {
  // Written into the model's metadata_props.
  std::map<std::string, std::string> metadata;
  // Where the weights together have more bytes than this, they go to "<file name>.data" beside the
  // model, as external data (a protobuf message cannot exceed 2 GiB).
  int64_t external_data_above_bytes = int64_t{3} << 29;
};

// Where export_onnx() puts large weights.
std::string external_data_path(const std::string& model_path);

// Writes `graph` to `path`. What memopt fuses (activations, residuals, bias of a matrix product)
// becomes nodes of their own; names of values are kept. Both files are written under temporary
// names and renamed. Errors: a value that is not row-major, an operator that ONNX cannot express,
// a full disk.
Status export_onnx(const Graph& graph, const ExportOptions& options, const std::string& path);

}  // namespace memopt
