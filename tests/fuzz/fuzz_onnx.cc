// ONNX models: import, verify, compile, load, run. The bytes are the model; the mutator changes
// them as a message or as bytes.
#include <cstdlib>
#include <filesystem>

#include "compiler/ir/verify.h"
#include "compiler/onnx/import.h"
#include "runtime/base/digest.h"
#include "runtime/base/file.h"
#include "tests/fuzz/compile_and_run.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/model_mutator.h"
#include "tests/fuzz/model_seeds.h"

namespace memopt::fuzz {
namespace {

Counter imported("imported");

size_t put(const onnx::ModelProto& model, uint8_t* data, size_t max_size) {
  const size_t size = model.ByteSizeLong();
  if (size > max_size) return 0;
  model.SerializeWithCachedSizesToArray(data);
  return size;
}

bool parse(onnx::ModelProto& model, const uint8_t* data, size_t size) {
  return model.ParseFromArray(data, static_cast<int>(size)) && model.has_graph();
}

}  // namespace
}  // namespace memopt::fuzz

using namespace memopt::fuzz;

// --seeds=FOLDER writes the seeds of the corpus and ends.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  for (int i = 1; i < *argc; ++i) {
    const std::string argument = (*argv)[i];
    if (!argument.starts_with("--seeds=")) continue;
    const std::string folder = argument.substr(8);
    std::filesystem::create_directories(folder);
    for (const auto& [name, model] : model_seeds()) {
      require_expected(memopt::write_file(folder + '/' + name, model.SerializeAsString()));
    }
    std::exit(0);
  }
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  Random random(seed);
  onnx::ModelProto model;
  if (random.one_in(8)) return LLVMFuzzerMutate(data, size, max_size);
  if (random.one_in(16) || !parse(model, data, size)) model = random.any(model_seeds()).second;
  mutate(model, random);
  const size_t written = put(model, data, max_size);
  return written > 0 ? written : LLVMFuzzerMutate(data, size, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_out_size, unsigned seed) {
  Random random(seed);
  onnx::ModelProto model, other;
  if (!parse(model, data1, size1) || !parse(other, data2, size2)) return 0;
  cross(model, other, random);
  return put(model, out, max_out_size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* const begin = reinterpret_cast<const std::byte*>(data);
  memopt::ImportOptions options;
  options.fold_cap_bytes = 1 << 16;
  options.account = std::make_shared<memopt::Account>(int64_t{256} << 20, int64_t{1} << 24);
  auto model = memopt::import_onnx(std::vector<std::byte>(begin, begin + size), "fuzz", options);
  if (!model.ok()) {
    require_expected(model.error());
    return 0;
  }
  ++imported;
  const memopt::Status status = memopt::verify_graph(model->graph);
  require(status.ok(), status.ok() ? "" : status.error().message);
  compile_and_run(std::move(model->graph), memopt::digest_of({begin, size}));
  return 0;
}
