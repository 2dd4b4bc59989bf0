#include "tests/runtime/kernel_runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <thread>

#include "runtime/base/checked.h"

namespace memopt::test {
namespace {

constexpr size_t kCanary = 256;
constexpr auto kCanaryByte = std::byte{0x5a};

class Threads final : public Parallel {
 public:
  explicit Threads(int count) : count_(count) {}
  int threads() const override { return count_; }
  void run(int64_t chunks, void (*body)(void*, int64_t), void* context) override {
    std::atomic<int64_t> next = 0;
    const auto work = [&] {
      for (int64_t i = next++; i < chunks; i = next++) body(context, i);
    };
    std::vector<std::thread> others;
    for (int i = 1; i < count_; ++i) others.emplace_back(work);
    work();
    for (std::thread& thread : others) thread.join();
  }

 private:
  int count_;
};

// Aligned memory between two canaries.
class Buffer {
 public:
  Buffer(size_t size, uint8_t fill) : size_(size), memory_(size + 2 * kCanary + 64, kCanaryByte) {
    std::fill_n(data(), size, static_cast<std::byte>(fill));
  }
  std::byte* data() {
    std::byte* const first = memory_.data() + kCanary;
    return first + (64 - reinterpret_cast<uintptr_t>(first) % 64) % 64;
  }
  bool intact() {
    const auto ok = [](std::byte b) { return b == kCanaryByte; };
    return std::all_of(data() - kCanary, data(), ok) &&
           std::all_of(data() + size_, data() + size_ + kCanary - 64, ok);
  }

 private:
  size_t size_;
  std::vector<std::byte> memory_;
};

Operand operand_of(const TestOperand& test, bool with_data) {
  Operand operand{test.present, test.constant, test.dtype, test.layout, test.dims, {}, nullptr};
  if (!test.present) return operand;
  operand.strides = dense_strides(test.dims, test.layout);
  if (with_data && test.constant) operand.data = test.bytes.data();
  return operand;
}

size_t bytes_of(const TestOperand& operand) {
  return static_cast<size_t>(*dtype_bytes(operand.dtype, operand.dims.count()));
}

struct Operands {
  std::vector<Operand> inputs;
  std::vector<Operand> outputs;
  KernelRequest request(const TestCase& test, const Target& target) const {
    return {&test.op, inputs, outputs, target};
  }
};

Operands operands_of(const TestCase& test) {
  Operands operands;
  for (const TestOperand& input : test.inputs) operands.inputs.push_back(operand_of(input, true));
  for (const TestOperand& output : test.outputs) {
    operands.outputs.push_back(operand_of(output, false));
  }
  return operands;
}

}  // namespace

TestOperand random_operand(DType dtype, Dims dims, Layout layout, uint64_t seed, bool constant) {
  TestOperand operand{true, constant, dtype, dims, layout, {}};
  operand.bytes.resize(bytes_of(operand));
  std::mt19937_64 random(seed);
  if (dtype == DType::kF32) {
    auto* values = reinterpret_cast<float*>(operand.bytes.data());
    for (int64_t i = 0; i < dims.count(); ++i) {
      values[i] = static_cast<float>(random() >> 40) / (1 << 23) - 1;
    }
  } else {
    for (std::byte& b : operand.bytes) b = static_cast<std::byte>(random() >> 56);
  }
  return operand;
}

TestOperand missing_operand() {
  TestOperand operand;
  operand.present = false;
  return operand;
}

TestOperand output_operand(DType dtype, Dims dims, Layout layout) {
  return {true, false, dtype, dims, layout, {}};
}

bool kernel_supports(const KernelDef& kernel, const TestCase& test, const Target& target) {
  const Operands operands = operands_of(test);
  return kernel.supports(operands.request(test, target));
}

Result<std::vector<std::vector<std::byte>>> run_kernel(const KernelDef& kernel,
                                                       const TestCase& test,
                                                       const RunOptions& options) {
  Operands operands = operands_of(test);
  if (!kernel.supports(operands.request(test, options.target))) {
    return internal_error("not supported");
  }
  KernelNeeds needs;
  if (kernel.needs != nullptr) {
    MEMOPT_ASSIGN_OR_RETURN(needs, kernel.needs(operands.request(test, options.target)));
  }
  std::vector<Buffer> inputs;
  for (const TestOperand& input : test.inputs) {
    inputs.emplace_back(input.bytes.size(), 0);
    std::copy(input.bytes.begin(), input.bytes.end(), inputs.back().data());
  }
  for (const PackedOperand& packed : needs.packed) {
    const auto at = static_cast<size_t>(packed.input);
    Buffer buffer(static_cast<size_t>(packed.bytes), 0x77);
    MEMOPT_RETURN_IF_ERROR(kernel.pack(operands.request(test, options.target), packed.input,
                                       {buffer.data(), static_cast<size_t>(packed.bytes)}));
    if (!buffer.intact()) return internal_error("pack wrote outside of its operand");
    if (options.spoil_packed) std::fill_n(buffer.data() + packed.bytes - 64, 64, std::byte{1});
    inputs[at] = std::move(buffer);
    operands.inputs[at].layout = Layout::kPacked;
  }
  for (Operand& input : operands.inputs) input.data = nullptr;
  if (!kernel.supports(operands.request(test, options.target))) {
    return internal_error("not supported at load");
  }
  MEMOPT_ASSIGN_OR_RETURN(const auto created,
                          kernel.create(operands.request(test, options.target)));
  Buffer scratch(static_cast<size_t>(needs.scratch_bytes), options.poison);
  Threads threads(std::max(1, options.threads));
  Parallel* const parallel = options.threads == 0 ? nullptr : &threads;

  std::vector<Buffer> outputs;
  std::vector<Tensor> in, out;
  for (size_t i = 0; i < test.inputs.size(); ++i) {
    const Operand& operand = operands.inputs[i];
    in.push_back({operand.dtype, operand.layout, operand.dims, operand.strides,
                  operand.present ? inputs[i].data() : nullptr});
  }
  for (size_t i = 0; i < test.outputs.size(); ++i) {
    outputs.emplace_back(bytes_of(test.outputs[i]), options.poison);
    const Operand& operand = operands.outputs[i];
    void* data = outputs[i].data();
    if (i == 0 && options.in_place_input >= 0) {
      data = in[static_cast<size_t>(options.in_place_input)].data;
    }
    out.push_back({operand.dtype, operand.layout, operand.dims, operand.strides, data});
  }
  for (int i = 0; i < options.repeat; ++i) {
    MEMOPT_RETURN_IF_ERROR(created->run({in, out, scratch.data(), parallel}));
  }
  const auto intact = [](Buffer& buffer) { return buffer.intact(); };
  if (!std::all_of(inputs.begin(), inputs.end(), intact) ||
      !std::all_of(outputs.begin(), outputs.end(), intact) || !scratch.intact()) {
    return internal_error("the kernel wrote outside of its operands");
  }
  std::vector<std::vector<std::byte>> results;
  for (size_t i = 0; i < out.size(); ++i) {
    const auto* data = static_cast<const std::byte*>(out[i].data);
    results.emplace_back(data, data + bytes_of(test.outputs[i]));
  }
  return results;
}

double relative_difference(const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
  const size_t count = a.size() / sizeof(float);
  std::vector<float> x(count), y(count);
  std::memcpy(x.data(), a.data(), a.size());
  std::memcpy(y.data(), b.data(), std::min(a.size(), b.size()));
  double most = 0, range = 1e-30;
  for (size_t i = 0; i < count; ++i) {
    if (!std::isfinite(x[i])) return INFINITY;
    most = std::max(most, std::abs(double{x[i]} - y[i]));
    range = std::max(range, std::abs(double{y[i]}));
  }
  return a.size() == b.size() ? most / range : INFINITY;
}

std::vector<int> overwritable_inputs(const KernelDef& kernel, const TestCase& test,
                                     const Target& target) {
  std::vector<int> result;
  const Operands operands = operands_of(test);
  const TestOperand& output = test.outputs[0];
  for (size_t i = 0; i < test.inputs.size() && kernel.in_place != nullptr; ++i) {
    const TestOperand& input = test.inputs[i];
    if (!input.present || input.constant || input.dims != output.dims ||
        input.layout != output.layout || dtype_bits(input.dtype) != dtype_bits(output.dtype)) {
      continue;
    }
    if (kernel.in_place(operands.request(test, target), static_cast<int>(i), 0)) {
      result.push_back(static_cast<int>(i));
    }
  }
  return result;
}

void expect_equals_reference(const KernelDef& kernel, const TestCase& test, double tolerance,
                             int in_place_input, Isa isa) {
  const auto expected = run_kernel(*reference_kernel(kernel.op), test);
  RunOptions options;
  options.target.isa = isa;
  const auto found = run_kernel(kernel, test, options);
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  ASSERT_TRUE(found.ok()) << found.error().message;
  if (test.outputs[0].dtype == DType::kF32 && tolerance > 0) {
    EXPECT_LT(relative_difference((*found)[0], (*expected)[0]), tolerance);
  } else {
    size_t different = 0;
    for (size_t i = 0; i < (*found)[0].size(); ++i)
      different += (*found)[0][i] != (*expected)[0][i];
    EXPECT_EQ(different, 0u) << "of " << (*found)[0].size() << " bytes";
  }
  for (const int threads : {0, 1, 2, 3}) {
    options.threads = threads;
    options.poison = threads <= 1 ? 0x00 : 0xff;
    options.repeat = std::max(1, threads);
    EXPECT_TRUE(*run_kernel(kernel, test, options) == *found) << threads << " threads";
  }
  options.repeat = 1;
  const std::vector<int> overwritable = overwritable_inputs(kernel, test, options.target);
  for (const int input : overwritable) {
    options.in_place_input = input;
    EXPECT_TRUE(*run_kernel(kernel, test, options) == *found) << "over input " << input;
  }
  if (in_place_input >= 0) {
    EXPECT_TRUE(std::count(overwritable.begin(), overwritable.end(), in_place_input) == 1);
  }
}

}  // namespace memopt::test
