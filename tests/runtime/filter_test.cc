#include <gtest/gtest.h>

#include "runtime/kernels/cpu/kernels.h"
#include "tests/runtime/kernel_runner.h"

namespace memopt {
namespace {

using test::missing_operand;
using test::output_operand;
using test::random_operand;
using test::TestCase;

struct FilterCase {
  const char* name;
  int64_t batch, samples, taps, stride, pad_begin, pad_end;
  bool column = false;  // along the first of two axes
  bool bias = false;
};

TestCase make_case(const FilterCase& c) {
  const int64_t outputs = (c.samples + c.pad_begin + c.pad_end - c.taps) / c.stride + 1;
  Conv op;
  const auto dims = [&](int64_t outer, int64_t extent) {
    return c.column ? Dims{outer, 1, extent, 1} : Dims{outer, 1, extent};
  };
  op.strides = {c.stride};
  op.dilations = {1};
  op.pads = {c.pad_begin, c.pad_end};
  if (c.column) {
    op.strides = {c.stride, 1};
    op.dilations = {1, 1};
    op.pads = {c.pad_begin, 0, c.pad_end, 0};
  }
  TestCase test{
      op, {}, {output_operand(DType::kF32, dims(c.batch, outputs), Layout::kChannelsLast)}};
  test.inputs = {
      random_operand(DType::kF32, dims(c.batch, c.samples), Layout::kChannelsLast, 1),
      random_operand(DType::kF32, dims(1, c.taps), Layout::kRowMajor, 2, true),
      c.bias ? random_operand(DType::kF32, {1}, Layout::kRowMajor, 3, true) : missing_operand()};
  return test;
}

class Filter : public testing::TestWithParam<FilterCase> {};

TEST_P(Filter, EqualsReference) {
  test::expect_equals_reference(*cpu::filter(), make_case(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Filter,
    testing::Values(FilterCase{"plain", 1, 5000, 256, 2, 0, 0},
                    FilterCase{"odd_taps", 1, 700, 37, 1, 0, 0, false, true},
                    FilterCase{"padded", 2, 300, 64, 3, 31, 40, false, true},
                    FilterCase{"column", 1, 400, 33, 5, 16, 16, true},
                    FilterCase{"shorter_than_the_window", 1, 20, 64, 1, 31, 32},
                    FilterCase{"windows_of_padding_only", 1, 9, 32, 4, 60, 50, false, true}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(FilterSupport, RefusesWhatItCannotServe) {
  const Target target{host_isa(), 2};
  const FilterCase c{"x", 1, 500, 64, 1, 0, 0, true};
  EXPECT_TRUE(test::kernel_supports(*cpu::filter(), make_case(c), target));
  TestCase other = make_case(c);
  std::get<Conv>(other.op).pads[1] = 1;  // along the axis that has no window
  EXPECT_FALSE(test::kernel_supports(*cpu::filter(), other, target));
  other = make_case(c);
  std::get<Conv>(other.op).dilations[0] = 2;
  EXPECT_FALSE(test::kernel_supports(*cpu::filter(), other, target));
  other = make_case(c);
  std::get<Conv>(other.op).activation = {UnaryFn::kRelu};
  EXPECT_FALSE(test::kernel_supports(*cpu::filter(), other, target));
  other = make_case(c);
  other.inputs[1].dims[2] = 31;  // too short to be worth it
  EXPECT_FALSE(test::kernel_supports(*cpu::filter(), other, target));
}

}  // namespace
}  // namespace memopt
