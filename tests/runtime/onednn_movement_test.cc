// Pooling, normalization and layout changes by oneDNN.
#include <gtest/gtest.h>

#include "runtime/kernels/onednn/kernels.h"
#include "tests/runtime/kernel_runner.h"

namespace memopt {
namespace {

using test::expect_equals_reference;
using test::output_operand;
using test::random_operand;
using test::TestCase;

struct PoolCase {
  const char* name;
  Dims x, y;
  Pool op;
  DType dtype = DType::kF32;
};

Pool make_pool(PoolFn fn, std::vector<int64_t> kernel, std::vector<int64_t> strides,
               std::vector<int64_t> pads, bool ceil_mode = false, bool include_pad = false) {
  Pool op;
  op.fn = fn;
  op.dilations.assign(kernel.size(), 1);
  op.kernel = std::move(kernel);
  op.strides = std::move(strides);
  op.pads = std::move(pads);
  op.ceil_mode = ceil_mode;
  op.count_include_pad = include_pad;
  return op;
}

std::vector<PoolCase> pool_cases() {
  const auto max = PoolFn::kMax;
  const auto average = PoolFn::kAverage;
  return {
      {"max_bytes",
       {1, 64, 57, 57},
       {1, 64, 29, 29},
       make_pool(max, {3, 3}, {2, 2}, {1, 1, 1, 1}),
       DType::kU8},
      {"max_signed_bytes",
       {1, 20, 57, 57},
       {1, 20, 29, 29},
       make_pool(max, {3, 3}, {2, 2}, {1, 1, 1, 1}),
       DType::kI8},
      {"max_ceil",
       {1, 48, 28, 28},
       {1, 48, 14, 14},
       make_pool(max, {3, 3}, {2, 2}, {0, 0, 0, 0}, true),
       DType::kU8},
      {"max_odd_channels",
       {1, 13, 30, 31},
       {1, 13, 15, 15},
       make_pool(max, {2, 2}, {2, 2}, {0, 0, 0, 0}),
       DType::kU8},
      {"average",
       {1, 32, 40, 40},
       {1, 32, 40, 40},
       make_pool(average, {3, 3}, {1, 1}, {1, 1, 1, 1})},
      {"average_include_pad",
       {1, 32, 40, 40},
       {1, 32, 20, 20},
       make_pool(average, {3, 3}, {2, 2}, {1, 1, 1, 1}, false, true)},
      {"average_ceil",
       {1, 32, 40, 40},
       {1, 32, 20, 20},
       make_pool(average, {3, 3}, {2, 2}, {0, 0, 0, 0}, true)},
      {"average_whole",
       {1, 512, 7, 7},
       {1, 512, 1, 1},
       make_pool(average, {7, 7}, {1, 1}, {0, 0, 0, 0})},
      {"batch",
       {3, 32, 20, 20},
       {3, 32, 10, 10},
       make_pool(max, {2, 2}, {2, 2}, {0, 0, 0, 0}),
       DType::kU8},
      {"one_dimension", {1, 64, 600}, {1, 64, 300}, make_pool(max, {3}, {2}, {1, 1}), DType::kU8},
      {"three_dimensions",
       {1, 16, 12, 14, 16},
       {1, 16, 6, 7, 8},
       make_pool(average, {2, 2, 2}, {2, 2, 2}, {0, 0, 0, 0, 0, 0})},
  };
}

class OnednnPool : public testing::TestWithParam<PoolCase> {};

TEST_P(OnednnPool, EqualsReference) {
  if (host_isa() < Isa::kAvx2) GTEST_SKIP() << "needs AVX2";
  const PoolCase& c = GetParam();
  const TestCase test{c.op,
                      {random_operand(c.dtype, c.x, Layout::kChannelsLast, 1)},
                      {output_operand(c.dtype, c.y, Layout::kChannelsLast)}};
  expect_equals_reference(*onednn::pool(), test, 1e-6);
}

// The library's maximum of a window of -inf is the lowest finite number.
TEST(OnednnPoolOf, TheMaximumOfFloatsIsLeftToOthers) {
  for (PoolCase c : pool_cases()) {
    if (c.op.fn != PoolFn::kMax) continue;
    c.dtype = DType::kF32;
    const TestCase test{c.op,
                        {random_operand(c.dtype, c.x, Layout::kChannelsLast, 1)},
                        {output_operand(c.dtype, c.y, Layout::kChannelsLast)}};
    EXPECT_FALSE(kernel_supports(*onednn::pool(), test, Target{host_isa(), 2})) << c.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, OnednnPool, testing::ValuesIn(pool_cases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(OnednnLrn, EqualsReference) {
  if (host_isa() < Isa::kAvx2) GTEST_SKIP() << "needs AVX2";
  for (const int64_t channels : {96, 64, 20}) {
    const Dims dims{1, channels, 27, 27};
    const TestCase test{Lrn{5, 1e-4, 0.75, 1.0},
                        {random_operand(DType::kF32, dims, Layout::kChannelsLast, 1)},
                        {output_operand(DType::kF32, dims, Layout::kChannelsLast)}};
    if (test::kernel_supports(*onednn::lrn(), test, Target{host_isa(), 2})) {
      expect_equals_reference(*onednn::lrn(), test, 1e-5);
    } else {
      EXPECT_NE(channels % 16, 0);
    }
  }
}

TEST(OnednnReorder, EqualsReference) {
  if (host_isa() < Isa::kAvx2) GTEST_SKIP() << "needs AVX2";
  const Layout layouts[] = {Layout::kRowMajor, Layout::kChannelsLast};
  for (const DType dtype : {DType::kF32, DType::kI32, DType::kI8, DType::kU8}) {
    for (const Dims& dims : {Dims{1, 3, 224, 224}, Dims{2, 17, 30, 31}, Dims{1, 24, 500},
                             Dims{1, 512, 7, 7}, Dims{1, 4, 5, 6, 70}}) {
      for (int to = 0; to < 2; ++to) {
        const TestCase test{Reorder{layouts[to]},
                            {random_operand(dtype, dims, layouts[1 - to], 1)},
                            {output_operand(dtype, dims, layouts[to])}};
        expect_equals_reference(*onednn::reorder(), test, 0);
      }
    }
  }
}

}  // namespace
}  // namespace memopt
