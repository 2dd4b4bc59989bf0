// What is not a number stays so through whatever a kernel does in the same pass as its sums.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/runtime/conv_cases.h"
#include "tests/runtime/matmul_cases.h"

namespace memopt {
namespace {

using test::TestCase;

std::vector<Activation> clamps() {
  const double infinity = std::numeric_limits<double>::infinity();
  return {{UnaryFn::kRelu},
          {UnaryFn::kClip, 0, 6},
          {UnaryFn::kClip, -infinity, 1},
          {UnaryFn::kClip, -1, infinity}};
}

std::vector<float> floats(const std::vector<std::byte>& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// Where the reference has NaN, all have, and nowhere else. Returns how many kernels were asked.
int expect_same_nan(TestCase test) {
  float* const x = reinterpret_cast<float*>(test.inputs[0].bytes.data());
  x[3] = std::numeric_limits<float>::quiet_NaN();
  const OpKind op = op_kind(test.op);
  const auto expected = test::run_kernel(*reference_kernel(op), test);
  EXPECT_TRUE(expected.ok());
  const std::vector<float> wanted = floats((*expected)[0]);
  EXPECT_GT(std::count_if(wanted.begin(), wanted.end(), [](float y) { return std::isnan(y); }), 0);
  int asked = 0;
  for (const KernelDef* kernel : kernels_for(op)) {
    for (const Isa isa : {Isa::kPortable, Isa::kAvx2, host_isa()}) {
      if (isa > host_isa() || !test::kernel_supports(*kernel, test, {isa, 2})) continue;
      ++asked;
      test::RunOptions options;
      options.target.isa = isa;
      const auto found = test::run_kernel(*kernel, test, options);
      EXPECT_TRUE(found.ok()) << kernel->name;
      if (!found.ok()) continue;
      const std::vector<float> values = floats((*found)[0]);
      for (size_t i = 0; i < values.size(); ++i) {
        EXPECT_EQ(std::isnan(values[i]), std::isnan(wanted[i])) << kernel->name << ' ' << i;
      }
    }
  }
  return asked;
}

TEST(Nan, StaysThroughTheClampOfAConvolution) {
  for (const Activation& clamp : clamps()) {
    for (const int64_t group : {1, 16}) {
      test::ConvCase c = test::square("", 16, 12, 32, 3, 1, 1, group);
      if (group > 1) c.filters = 16;
      c.activation = clamp;
      c.residual = group == 1;
      EXPECT_GE(expect_same_nan(test::make_case(c)), 3);
    }
  }
}

TEST(Nan, StaysThroughTheClampOfAProduct) {
  for (const Activation& clamp : clamps()) {
    for (const bool constant : {true, false}) {
      test::MatMulCase c{"", {20, 64}, {64, 80}, {20, 80}, {}, constant, true};
      c.op.activation = clamp;
      EXPECT_GE(expect_same_nan(test::make_case(c)), 3);
    }
  }
}

TEST(Nan, StaysThroughTheClampOfATransposedConvolution) {
  for (const Activation& clamp : clamps()) {
    for (const bool bias : {true, false}) {
      ConvTranspose op;
      op.strides = {2, 2};
      op.dilations = {1, 1};
      op.pads = {0, 0, 0, 0};
      op.output_padding = {0, 0};
      op.activation = clamp;
      TestCase test{
          op, {}, {test::output_operand(DType::kF32, {1, 16, 16, 16}, Layout::kChannelsLast)}};
      test.inputs = {test::random_operand(DType::kF32, {1, 16, 8, 8}, Layout::kChannelsLast, 1),
                     test::random_operand(DType::kF32, {16, 16, 2, 2}, Layout::kRowMajor, 2, true),
                     bias ? test::random_operand(DType::kF32, {16}, Layout::kRowMajor, 3, true)
                          : test::missing_operand()};
      EXPECT_GE(expect_same_nan(test), host_isa() >= Isa::kAvx512 ? 2 : 1);
    }
  }
}

}  // namespace
}  // namespace memopt
