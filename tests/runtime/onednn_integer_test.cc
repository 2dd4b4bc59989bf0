// Integer kernels by oneDNN: equal to the reference bit for bit, or not served.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "runtime/kernels/onednn/kernels.h"
#include "tests/runtime/kernel_runner.h"

namespace memopt {
namespace {

using test::expect_equals_reference;
using test::missing_operand;
using test::output_operand;
using test::random_operand;
using test::TestCase;
using test::TestOperand;
using test::value_operand;

struct IntegerCase {
  const char* name;
  int64_t channels, extent, filters, kernel, stride, pad;
  int64_t group = 1;
  DType x = DType::kU8;
  DType y = DType::kU8;
  int x_zero = 3;
  int y_zero = 77;
  bool per_channel = true;
  bool bias = true;
};

TestOperand byte_operand(DType dtype, int value) {
  TestOperand operand = value_operand<uint8_t>(dtype, {}, {static_cast<uint8_t>(value)});
  return operand;
}

// Random weights around zero, as trained ones are; the sums of random bytes would be refused.
TestOperand weights(Dims dims) {
  TestOperand w = random_operand(DType::kI8, dims, Layout::kRowMajor, 2, true);
  for (std::byte& b : w.bytes) b = static_cast<std::byte>(static_cast<int8_t>(b) / 8);
  return w;
}

TestOperand scales(int64_t count, float largest) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) {
    values.push_back(largest * static_cast<float>(i % 7 + 1) / 7);
  }
  return value_operand<float>(DType::kF32, count == 1 ? Dims{} : Dims{count}, values);
}

TestOperand bias(int64_t count) {
  std::vector<int32_t> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<int32_t>(i * 37 % 4001 - 2000));
  return value_operand<int32_t>(DType::kI32, {count}, values);
}

Dims output_dims(const IntegerCase& c) {
  const int64_t extent = (c.extent + 2 * c.pad - c.kernel) / c.stride + 1;
  return {1, c.filters, extent, extent};
}

template <typename Op>
Op window(const IntegerCase& c) {
  Op op;
  op.strides = {c.stride, c.stride};
  op.dilations = {1, 1};
  op.pads = {c.pad, c.pad, c.pad, c.pad};
  op.group = c.group;
  return op;
}

TestCase qlinear_case(const IntegerCase& c) {
  const Dims x{1, c.channels, c.extent, c.extent};
  const Dims w{c.filters, c.channels / c.group, c.kernel, c.kernel};
  // About half of the results saturate; ties occur, since the scales are few.
  const int64_t products = w.count() / w[0];
  const float scale = 1.0f / static_cast<float>(products) / 16;
  return {window<QLinearConv>(c),
          {random_operand(c.x, x, Layout::kChannelsLast, 1), scales(1, 0.5f),
           byte_operand(c.x, c.x_zero), weights(w), scales(c.per_channel ? c.filters : 1, scale),
           byte_operand(DType::kI8, 0), scales(1, 0.25f), byte_operand(c.y, c.y_zero),
           c.bias ? bias(c.filters) : missing_operand()},
          {output_operand(c.y, output_dims(c), Layout::kChannelsLast)}};
}

// Which shapes the AMX code serves is the library's affair; what it serves must be exact.
bool is_refused_with_amx(const KernelDef& kernel, const TestCase& test) {
  return host_isa() == Isa::kAmx && !test::kernel_supports(kernel, test, {Isa::kAmx, 2});
}

const IntegerCase kCases[] = {
    {"stem", 3, 60, 64, 7, 2, 3},
    {"three_by_three", 64, 28, 64, 3, 1, 1},
    {"odd", 20, 27, 33, 3, 1, 1, 1, DType::kU8, DType::kI8, 0, -5},
    {"pointwise", 256, 28, 64, 1, 1, 0},
    {"pointwise_wide", 64, 28, 1024, 1, 1, 0},
    {"pointwise_strided", 64, 28, 64, 1, 2, 0},
    {"depthwise", 64, 28, 64, 3, 1, 1, 64},
    {"depthwise_strided", 96, 29, 96, 3, 2, 1, 96},
    {"signed_input", 64, 28, 64, 3, 1, 1, 1, DType::kI8, DType::kI8, -7, 3},
    {"signed_depthwise", 32, 28, 32, 3, 1, 1, 32, DType::kI8, DType::kU8, 12, 128},
    {"per_tensor", 64, 20, 96, 3, 1, 1, 1, DType::kU8, DType::kU8, 128, 0, false},
    {"no_bias", 64, 20, 96, 3, 1, 1, 1, DType::kU8, DType::kU8, 0, 0, true, false},
    {"tiny", 4, 5, 3, 3, 1, 1},
};

class OnednnInteger : public testing::TestWithParam<IntegerCase> {
 protected:
  void SetUp() override {
    if (host_isa() < Isa::kAvx512Vnni) GTEST_SKIP() << "needs AVX-512 VNNI";
  }
};

TEST_P(OnednnInteger, QLinearConvEqualsReference) {
  const TestCase test = qlinear_case(GetParam());
  if (is_refused_with_amx(*onednn::qlinear_conv(), test)) GTEST_SKIP() << "not served with AMX";
  expect_equals_reference(*onednn::qlinear_conv(), test, 0);
}

TEST_P(OnednnInteger, ConvIntegerEqualsReference) {
  const IntegerCase& c = GetParam();
  TestCase test = qlinear_case(c);
  test.op = window<ConvInteger>(c);
  test.inputs = {test.inputs[0], test.inputs[3], c.x_zero == 0 ? missing_operand() : test.inputs[2],
                 c.bias ? missing_operand() : byte_operand(DType::kI8, 0)};
  test.outputs = {output_operand(DType::kI32, output_dims(c), Layout::kChannelsLast)};
  if (is_refused_with_amx(*onednn::conv_integer(), test)) GTEST_SKIP() << "not served with AMX";
  expect_equals_reference(*onednn::conv_integer(), test, 0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, OnednnInteger, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(OnednnIntegerMatMul, EqualsReference) {
  if (host_isa() < Isa::kAvx512Vnni) GTEST_SKIP() << "needs AVX-512 VNNI";
  for (const DType type : {DType::kU8, DType::kI8}) {
    const TestOperand a = random_operand(type, {2, 50, 128}, Layout::kRowMajor, 1);
    const TestOperand b = weights({128, 96});
    expect_equals_reference(*onednn::matmul_integer(),
                            {MatMulInteger{},
                             {a, b, byte_operand(type, 9)},
                             {output_operand(DType::kI32, {2, 50, 96})}},
                            0);
    expect_equals_reference(*onednn::qlinear_matmul(),
                            {QLinearMatMul{},
                             {a, scales(1, 0.5f), byte_operand(type, 9), b, scales(96, 0.01f),
                              byte_operand(DType::kI8, 0), scales(1, 0.4f), byte_operand(type, 11)},
                             {output_operand(type, {2, 50, 96})}},
                            0);
  }
}

TEST(OnednnIntegerSupport, RefusesWhatWouldNotBeExact) {
  if (host_isa() < Isa::kAvx512Vnni) GTEST_SKIP() << "needs AVX-512 VNNI";
  const Target target{host_isa(), 2};
  const TestCase good = qlinear_case({"", 512, 8, 16, 3, 1, 1});
  EXPECT_TRUE(test::kernel_supports(*onednn::qlinear_conv(), good, target));
  TestCase test = good;  // sums may pass 2^24
  std::fill(test.inputs[3].bytes.begin(), test.inputs[3].bytes.end(), std::byte{127});
  EXPECT_FALSE(test::kernel_supports(*onednn::qlinear_conv(), test, target));
  test = good;  // weights with a zero point
  test.inputs[5] = byte_operand(DType::kI8, 1);
  EXPECT_FALSE(test::kernel_supports(*onednn::qlinear_conv(), test, target));
  test = good;  // a forged bias
  test.inputs[8] = bias(15);
  EXPECT_FALSE(test::kernel_supports(*onednn::qlinear_conv(), test, target));
}

// The largest sum that some x, less its zero point, or padding can make with these weights.
int64_t largest_sum(std::span<const int8_t> row, int64_t least, int64_t most) {
  int64_t highest = 0, lowest = 0;
  for (const int64_t w : row) {
    highest += std::max(w * least, w * most);
    lowest += std::min(w * least, w * most);
  }
  return std::max(highest, -lowest);
}

// One filter whose sums are as large as they may be, among small ones; then one step larger. Behind
// the weights lie bytes that are none.
TEST(OnednnIntegerSupport, SumsAreExactUpToTheBorder) {
  if (host_isa() < Isa::kAvx512Vnni) GTEST_SKIP() << "needs AVX-512 VNNI";
  constexpr int64_t kFilters = 3, kProducts = 155 * 2 * 2;
  std::mt19937 random(1);
  const auto below = [&](uint32_t n) { return static_cast<int64_t>(random() % n); };
  int borders = 0;
  for (int round = 0; round < 24; ++round) {
    const bool is_signed = round % 2 == 0;
    IntegerCase c{"", 155, 2, kFilters, 2, 1, 0};
    c.x = is_signed ? DType::kI8 : DType::kU8;
    TestCase test = qlinear_case(c);
    const int64_t zero = is_signed ? below(40) - 20 : below(40);
    test.inputs[2] = byte_operand(c.x, static_cast<int>(zero));
    const int64_t least = (is_signed ? -128 : 0) - zero, most = (is_signed ? 127 : 255) - zero;
    std::vector<int8_t> weights(kFilters * kProducts);
    for (int8_t& w : weights) w = static_cast<int8_t>(below(5) - 2);
    const std::span<int8_t> row =
        std::span(weights).subspan(static_cast<size_t>(below(kFilters) * kProducts), kProducts);
    const int64_t ones = below(40), negative = round % 3 == 0 ? 0 : below(40);
    for (int64_t k = 0; k < kProducts; ++k) {
      const int64_t w = k < ones ? 1 : below(10) + 95;
      row[static_cast<size_t>(k)] = static_cast<int8_t>(k < ones + negative && k >= ones ? -w : w);
    }
    std::shuffle(row.begin(), row.end(), random);
    const auto served = [&] {
      test.inputs[3].bytes.assign(weights.size() + kProducts, std::byte{127});
      std::memcpy(test.inputs[3].bytes.data(), weights.data(), weights.size());
      return test::kernel_supports(*onednn::qlinear_conv(), test, {host_isa(), 2});
    };
    int8_t* last = nullptr;
    for (int64_t guard = 0; largest_sum(row, least, most) <= int64_t{1} << 24; ++guard) {
      if (guard == 50000) break;  // all as large as they can be, and still exact
      int8_t& w = row[static_cast<size_t>(below(kProducts))];
      if (w == 127 || w == -127 || w == 1) continue;
      w = static_cast<int8_t>(w > 0 ? w + 1 : w - 1);
      last = &w;
    }
    if (largest_sum(row, least, most) <= int64_t{1} << 24) {
      EXPECT_TRUE(served()) << round;
      continue;
    }
    ++borders;
    EXPECT_FALSE(served()) << round;
    *last = static_cast<int8_t>(*last > 0 ? *last - 1 : *last + 1);
    EXPECT_TRUE(served()) << round;
  }
  EXPECT_GT(borders, 8);
}

}  // namespace
}  // namespace memopt
