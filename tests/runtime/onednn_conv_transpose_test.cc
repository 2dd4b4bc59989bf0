#include <gtest/gtest.h>

#include "runtime/kernels/onednn/kernels.h"
#include "tests/runtime/kernel_runner.h"

namespace memopt {
namespace {

using test::missing_operand;
using test::output_operand;
using test::random_operand;
using test::TestCase;

struct TransposeCase {
  const char* name;
  int64_t batch, channels;
  std::vector<int64_t> in;
  int64_t filters;
  std::vector<int64_t> kernel, strides, pads, output_padding;
  int64_t group = 1;
  bool bias = true;
  Activation activation = {};
};

TestCase make_case(const TransposeCase& c) {
  const size_t n = c.in.size();
  ConvTranspose op;
  op.strides = c.strides;
  op.dilations.assign(n, 1);
  op.pads = c.pads;
  op.group = c.group;
  op.output_padding = c.output_padding;
  op.activation = c.activation;
  Dims x{c.batch, c.channels}, w{c.channels, c.filters / c.group}, y{c.batch, c.filters};
  for (size_t i = 0; i < n; ++i) {
    x.push_back(c.in[i]);
    w.push_back(c.kernel[i]);
    y.push_back(c.strides[i] * (c.in[i] - 1) + c.output_padding[i] + c.kernel[i] - c.pads[i] -
                c.pads[n + i]);
  }
  TestCase test{op, {}, {output_operand(DType::kF32, y, Layout::kChannelsLast)}};
  test.inputs = {random_operand(DType::kF32, x, Layout::kChannelsLast, 1),
                 random_operand(DType::kF32, w, Layout::kRowMajor, 2, true),
                 c.bias ? random_operand(DType::kF32, {c.filters}, Layout::kRowMajor, 3, true)
                        : missing_operand()};
  return test;
}

const TransposeCase kCases[] = {
    {"two_by_two", 1, 64, {28, 28}, 32, {2, 2}, {2, 2}, {0, 0, 0, 0}, {0, 0}},
    {"four_by_four", 1, 32, {27, 29}, 48, {4, 4}, {2, 2}, {1, 1, 1, 1}, {0, 0}},
    {"output_padding",
     1,
     32,
     {20, 20},
     32,
     {3, 3},
     {2, 2},
     {1, 1, 1, 1},
     {1, 1},
     1,
     true,
     {UnaryFn::kRelu}},
    {"output_padding_beyond_pads", 1, 64, {45, 45}, 32, {3, 3}, {2, 2}, {0, 0, 0, 0}, {1, 1}},
    {"stride_one", 1, 17, {30, 30}, 19, {3, 3}, {1, 1}, {1, 1, 1, 1}, {0, 0}},
    {"no_bias", 1, 16, {30, 30}, 16, {2, 2}, {2, 2}, {0, 0, 0, 0}, {0, 0}, 1, false},
    {"few_channels",
     1,
     24,
     {40, 40},
     1,
     {2, 2},
     {2, 2},
     {0, 0, 0, 0},
     {0, 0},
     1,
     true,
     {UnaryFn::kSigmoid}},
    {"depthwise", 1, 64, {28, 28}, 64, {4, 4}, {2, 2}, {1, 1, 1, 1}, {0, 0}, 64},
    {"batch", 3, 16, {20, 20}, 16, {3, 3}, {2, 2}, {0, 0, 0, 0}, {0, 0}},
    {"one_dimension", 1, 32, {300}, 32, {4}, {2}, {1, 1}, {0}},
};

class OnednnConvTranspose : public testing::TestWithParam<TransposeCase> {};

TEST_P(OnednnConvTranspose, EqualsReference) {
  if (host_isa() < Isa::kAvx512) GTEST_SKIP() << "needs AVX-512";
  test::expect_equals_reference(*onednn::conv_transpose(), make_case(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Shapes, OnednnConvTranspose, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace memopt
