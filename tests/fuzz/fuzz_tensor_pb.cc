// Serialized TensorProtos: what reads is written and reads as the same tensor.
#include "compiler/onnx/tensor_file.h"
#include "tests/fuzz/fuzz.h"

namespace memopt::fuzz {
namespace {

Counter accepted("accepted");

void fuzz(std::span<const uint8_t> bytes) {
  const auto tensor = read_tensor_pb(file_with(bytes));
  if (!tensor.ok()) return require_expected(tensor.error());
  ++accepted;
  if (accepted.count() % 64 != 0) return;  // writing syncs
  static const std::string kPath = file_with(bytes) + ".pb";
  require_expected(write_tensor_pb(*tensor, kPath));
  const auto again = read_tensor_pb(kPath);
  require(again.ok() && again->type == tensor->type && again->bytes == tensor->bytes,
          "the tensor changes when it is written");
}

}  // namespace
}  // namespace memopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  memopt::fuzz::fuzz({data, size});
  return 0;
}
