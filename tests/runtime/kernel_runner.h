// Runs one kernel the way a plan does: constants packed at compile time, the kernel created from a
// request that no longer has their data, operands and scratch in buffers with canaries.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/kernels/kernel.h"

namespace memopt::test {

struct TestOperand {
  bool present = true;
  bool constant = false;
  DType dtype = DType::kF32;
  Dims dims;
  Layout layout = Layout::kRowMajor;
  std::vector<std::byte> bytes;  // of inputs, in `layout`
};

struct TestCase {
  Op op;
  std::vector<TestOperand> inputs;
  std::vector<TestOperand> outputs;
};

struct RunOptions {
  int threads = 1;  // 0: the kernel gets no Parallel
  Target target{host_isa(), 2};
  int in_place_input = -1;  // output 0 lies in the memory of this input
  uint8_t poison = 0xff;    // of outputs and scratch: 0xff.. is a NaN
  int repeat = 1;
  bool spoil_packed = false;  // the last 64 bytes of packed operands are overwritten
};

// A tensor of pseudo-random values: floats in [-1, 1), integers over their whole range.
TestOperand random_operand(DType dtype, Dims dims, Layout layout, uint64_t seed,
                           bool constant = false);
template <typename T>
TestOperand value_operand(DType dtype, Dims dims, const std::vector<T>& values) {
  TestOperand operand{true, true, dtype, dims, Layout::kRowMajor, {}};
  operand.bytes.resize(values.size() * sizeof(T));
  std::memcpy(operand.bytes.data(), values.data(), operand.bytes.size());
  return operand;
}
TestOperand missing_operand();
TestOperand output_operand(DType dtype, Dims dims, Layout layout = Layout::kRowMajor);

bool kernel_supports(const KernelDef& kernel, const TestCase& test, const Target& target);

// The bytes of the outputs. An error if the kernel refuses, fails, or writes where it must not.
Result<std::vector<std::vector<std::byte>>> run_kernel(const KernelDef& kernel,
                                                       const TestCase& test,
                                                       const RunOptions& options = {});

// The largest |a - b| over the range of b; both as f32.
double relative_difference(const std::vector<std::byte>& a, const std::vector<std::byte>& b);

// The inputs that output 0 may overwrite: those that lie as it does and of which the kernel says
// so.
std::vector<int> overwritable_inputs(const KernelDef& kernel, const TestCase& test,
                                     const Target& target);

// What every kernel must pass: its outputs equal the reference kernel's (f32: relative to the
// range, others and tolerance 0: exactly), and are the same bits for 0 to 3 threads, whatever
// scratch and outputs held, and over every input that it says it may overwrite; `in_place_input`
// >= 0 must be one of them.
void expect_equals_reference(const KernelDef& kernel, const TestCase& test, double tolerance = 2e-5,
                             int in_place_input = -1, Isa isa = host_isa());

}  // namespace memopt::test
