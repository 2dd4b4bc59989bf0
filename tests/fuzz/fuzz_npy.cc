// NumPy files: what reads is written and reads as the same tensor.
#include "runtime/base/npy.h"
#include "tests/fuzz/fuzz.h"

namespace memopt::fuzz {
namespace {

Counter accepted("accepted");

void fuzz(std::span<const uint8_t> bytes) {
  const auto tensor = read_npy(file_with(bytes));
  if (!tensor.ok()) return require_expected(tensor.error());
  ++accepted;
  if (accepted.count() % 64 != 0) return;  // writing syncs
  static const std::string kPath = file_with(bytes) + ".npy";
  require_expected(write_npy(*tensor, kPath));
  const auto again = read_npy(kPath);
  require(again.ok() && again->type == tensor->type && again->bytes == tensor->bytes,
          "the tensor changes when it is written");
}

}  // namespace
}  // namespace memopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  memopt::fuzz::fuzz({data, size});
  return 0;
}
