// Running one operator on tensors that a test owns.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "runtime/kernels/kernel.h"
#include "runtime/ops/op_def.h"

namespace memopt::testing {

// A tensor with its memory. Strides may leave gaps; the bytes in them are 0xA5 and stay so.
struct HostTensor {
  DType dtype = DType::kF32;
  Dims dims;
  Layout layout = Layout::kRowMajor;
  Dims strides;
  std::vector<std::byte> bytes;

  Tensor view() const;
  TensorType type() const { return {dtype, dims, layout}; }
};

// How the memory of a tensor is cut out.
enum class Spacing {
  kDense,
  kSliced,   // part of a tensor that is wider in the innermost stored dimension
  kStepped,  // every other element of a dense one
};

HostTensor make_tensor(DType dtype, const Dims& dims, Layout layout = Layout::kRowMajor,
                       Spacing spacing = Spacing::kDense, std::byte fill = std::byte{0xA5});

// Values in row-major order; float values are rounded to the narrow float types, and integers must
// fit.
HostTensor tensor_of(DType dtype, const Dims& dims, std::span<const double> values);
inline HostTensor tensor_of(DType dtype, const Dims& dims, std::initializer_list<double> values) {
  return tensor_of(dtype, dims, std::span(values.begin(), values.size()));
}
inline HostTensor f32(const Dims& dims, std::initializer_list<double> values) {
  return tensor_of(DType::kF32, dims, values);
}
// Values that repeat in no pattern a kernel could have: uniform in [low, high), whole numbers for
// integer types.
HostTensor random_tensor(DType dtype, const Dims& dims, double low, double high, uint32_t seed);

// The elements in row-major order.
std::vector<double> values_of(const HostTensor& tensor);

// The same elements stored otherwise.
HostTensor stored_as(const HostTensor& tensor, Layout layout, Spacing spacing = Spacing::kDense);

struct RunOptions {
  const KernelDef* kernel = nullptr;  // nullptr: the reference kernel
  Layout layout = Layout::kRowMajor;  // of the outputs of rank >= 3
  Spacing spacing = Spacing::kDense;
  Parallel* parallel = nullptr;
  Target target = {};
  // The results that are made, those behind the list's end are not; empty: all of them.
  std::vector<bool> wanted = {};
  std::optional<int> overwritten =
      {};                  // output 0 lies in the memory of this input (of equal strides)
  bool constants = false;  // all inputs but the first are constants, packed if the kernel asks
  // Called with true right before the kernel runs and with false right behind.
  std::function<void(bool begins)> around_run = {};
  std::byte fill{0xA5};  // what the outputs hold before the run, and their gaps after it
};

// Infers, makes the kernel ready and runs it. Entries of `inputs` may be nullptr (missing); a
// result that is not made has no bytes.
Result<std::vector<HostTensor>> run_op(const Op& op, std::span<const HostTensor* const> inputs,
                                       const RunOptions& options = {});
inline Result<std::vector<HostTensor>> run_op(const Op& op,
                                              std::initializer_list<const HostTensor*> inputs,
                                              const RunOptions& options = {}) {
  return run_op(op, std::span(inputs.begin(), inputs.size()), options);
}

// Whether the kernel serves the request that run_op would make, and output 0 may lie in
// options.overwritten where that is given.
bool is_supported(const Op& op, std::span<const HostTensor* const> inputs,
                  const RunOptions& options);

// Types only.
Result<std::vector<TensorType>> infer_op(const Op& op,
                                         std::initializer_list<const TensorType*> inputs);

// Threads in name only: runs the chunks one after the other, last chunk first.
class ReversedParallel final : public Parallel {
 public:
  int threads() const override { return 2; }
  void run(int64_t chunks, void (*body)(void*, int64_t), void* context) override {
    for (int64_t chunk = chunks - 1; chunk >= 0; --chunk) body(context, chunk);
  }
};

}  // namespace memopt::testing
