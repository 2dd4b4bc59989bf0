// ONNX files in: a model becomes a Graph with ONNX's meaning, in row-major layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/base/account.h"
#include "runtime/base/result.h"
#include "runtime/base/tensor_data.h"

namespace memopt {

// The extent of a symbolic dimension. A range (min < max) is refused: plans have fixed shapes.
struct DimExtent {
  int64_t min = 0;
  int64_t max = 0;
};

// The shape of an example of some input.
struct ExampleShape {
  std::string name;  // of the input, maybe
  std::vector<int64_t> dims;
  bool has_position = false;  // its place among the examples is that of the input in the model
};

// An extent or shape that a command line would give as --FLAG VALUE.
struct ShapeFlag {
  std::string flag;   // "dim" or "shape"
  std::string value;  // "batch=1"
};
// For a shell.
std::string to_string(const ShapeFlag& flag);

// An input that the model's caller would feed, from the second run on, with an output of the run
// before: a value that is kept.
struct StateOption {
  std::string input;
  std::string output;
  std::optional<TensorData> initial = {};  // at the first run; nothing: zeros
};

struct ImportOptions {
  // Shapes of graph inputs by name. The symbols in the model's own shape get these extents
  // everywhere. A leading dimension of several that nothing gives is that of the batch: 1.
  std::map<std::string, std::vector<int64_t>> shapes;
  // Of inputs that `shapes` does not give; the first of a name counts. What names no input and
  // has no position, or not as many examples beside it as there are inputs, is passed over.
  std::vector<ExampleShape> examples;
  // Extents of symbolic dimensions by name.
  std::map<std::string, DimExtent> dims;
  // Graph inputs that become constants: a tensor, or one number in every element.
  std::map<std::string, std::variant<TensorData, double>> bindings;
  // They become states of the graph.
  std::vector<StateOption> states;
  // Folder that external data must lie beneath; empty: the model's own folder.
  std::string external_data_root;
  // Accept external data files that have several hard links.
  bool allow_hardlinks = false;
  // Of the whole compile: what the model makes the importer allocate and compute counts on it.
  std::shared_ptr<Account> account = std::make_shared<Account>();
  // Results of operators on constants are computed at import up to this many bytes each, as long as
  // the account affords it.
  int64_t fold_cap_bytes = int64_t{1} << 20;
};

struct ImportedModel {
  Graph graph;
  int64_t ir_version = 0;
  int64_t opset = 0;  // of ONNX's own operators
  std::string producer;
  std::vector<std::string> external_files = {};  // paths of the external data that was read
  // What nobody gave and was taken as 1: leading dimensions, those of the batch.
  std::vector<ShapeFlag> assumed = {};
  // What the model says and is not so, but harms nobody: one sentence each.
  std::vector<std::string> notes = {};
  // Bytes of the model file and of the external data that the graph keeps mapped.
  int64_t file_bytes = 0;
};

// Reads the model at `path` (a regular file). Weights stay mapped: the graph's constants keep the
// file open. Errors: kUsage for options that do not fit the model, kBadInput for everything about
// the file. Operators and element types that memopt does not know are reported all at once.
Result<ImportedModel> import_onnx(const std::string& path, const ImportOptions& options = {});

// The same for a model in memory, which the graph keeps; `name` is for messages. It has no folder,
// so external data is refused, whatever the options say.
Result<ImportedModel> import_onnx(std::vector<std::byte> bytes, const std::string& name,
                                  const ImportOptions& options = {});

}  // namespace memopt
