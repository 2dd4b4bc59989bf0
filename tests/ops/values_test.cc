// Values that are easy to get wrong: integer division, casts at the edges, indices out of range.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/run_op.h"

namespace memopt::testing {
namespace {

std::vector<double> run(const Op& op, std::initializer_list<const HostTensor*> inputs) {
  Result<std::vector<HostTensor>> outputs = run_op(op, inputs);
  EXPECT_TRUE(outputs.ok()) << (outputs.ok() ? "" : outputs.error().message);
  return outputs.ok() ? values_of((*outputs)[0]) : std::vector<double>();
}

using Values = std::vector<double>;

TEST(Values, IntegerDivisionNeverTraps) {
  constexpr double kLeast = std::numeric_limits<int32_t>::min();
  const HostTensor a = tensor_of(DType::kI32, {4}, {7, -7, kLeast, -7});
  const HostTensor b = tensor_of(DType::kI32, {4}, {0, 2, -1, 0});
  EXPECT_EQ(run(Binary{BinaryFn::kDiv, {}}, {&a, &b}), (Values{0, -3, kLeast, 0}));
  EXPECT_EQ(run(Binary{BinaryFn::kMod, {}}, {&a, &b}), (Values{0, 1, 0, 0}));
  EXPECT_EQ(run(Binary{BinaryFn::kFmod, {}}, {&a, &b}), (Values{0, -1, 0, 0}));
}

TEST(Values, IntegerArithmeticWraps) {
  const HostTensor a = tensor_of(DType::kI8, {2}, {127, -128});
  const HostTensor b = tensor_of(DType::kI8, {2}, {1, -1});
  EXPECT_EQ(run(Binary{BinaryFn::kAdd, {}}, {&a, &b}), (Values{-128, 127}));
  EXPECT_EQ(run(Binary{BinaryFn::kMul, {}}, {&a, &b}), (Values{127, -128}));
  EXPECT_EQ(run(Unary{{UnaryFn::kNeg}}, {&a}), (Values{-127, -128}));
}

TEST(Values, MinAndMaxPropagateNan) {
  const HostTensor a = f32({2}, {NAN, 1});
  const HostTensor b = f32({2}, {1, NAN});
  for (const BinaryFn fn : {BinaryFn::kMin, BinaryFn::kMax}) {
    for (const double value : run(Binary{fn, {}}, {&a, &b})) EXPECT_TRUE(std::isnan(value));
  }
}

TEST(Values, FloatsOutOfRangeSaturateWhenCastToIntegers) {
  const HostTensor x = f32({5}, {NAN, INFINITY, -INFINITY, 300.7, -1.9});
  EXPECT_EQ(run(Cast{.to = DType::kU8}, {&x}), (Values{0, 255, 0, 255, 0}));
  EXPECT_EQ(run(Cast{.to = DType::kI16}, {&x}), (Values{0, 32767, -32768, 300, -1}));
}

TEST(Values, DoublesAreRoundedToHalvesOnce) {
  // Just above the middle of two halves: through f32 it would fall on the middle and go to even.
  const HostTensor x = tensor_of(DType::kF64, {1}, {1 + std::ldexp(1, -11) + std::ldexp(1, -40)});
  EXPECT_EQ(run(Cast{.to = DType::kF16}, {&x}), (Values{1 + std::ldexp(1, -10)}));
}

TEST(Values, QuantizeRoundsHalfToEvenAndSaturates) {
  const HostTensor x = f32({6}, {0.5, 1.5, 2.5, -1000, 1000, NAN});
  const HostTensor scale = f32({}, {1});
  EXPECT_EQ(run(QuantizeLinear{.to = DType::kI8}, {&x, &scale}), (Values{0, 2, 2, -128, 127, 0}));
}

TEST(Values, GathersCheckEveryIndex) {
  const HostTensor x = f32({3}, {1, 2, 3});
  const HostTensor good = tensor_of(DType::kI64, {2}, {-3, 2});
  EXPECT_EQ(run(Gather{0}, {&x, &good}), (Values{1, 3}));
  for (const double index : {3.0, -4.0, 1e15}) {
    const HostTensor bad = tensor_of(DType::kI64, {2, 1}, {0, index});
    const HostTensor flat = tensor_of(DType::kI64, {2}, {0, index});
    EXPECT_FALSE(run_op(Gather{0}, {&x, &bad}).ok());
    EXPECT_FALSE(run_op(GatherElements{0}, {&x, &flat}).ok());
    EXPECT_FALSE(run_op(GatherND{0}, {&x, &bad}).ok());
  }
}

TEST(Values, ScattersCheckEveryIndex) {
  const HostTensor x = f32({3}, {1, 2, 3});
  const HostTensor updates = f32({2}, {7, 8});
  const HostTensor good = tensor_of(DType::kI64, {2}, {-3, 2});
  const HostTensor good_tuples = tensor_of(DType::kI64, {2, 1}, {-3, 2});
  EXPECT_EQ(run(ScatterElements{0}, {&x, &good, &updates}), (Values{7, 2, 8}));
  EXPECT_EQ(run(ScatterND{}, {&x, &good_tuples, &updates}), (Values{7, 2, 8}));
  for (const double index : {3.0, -4.0, 1e15}) {
    const HostTensor bad = tensor_of(DType::kI64, {2}, {0, index});
    const HostTensor bad_tuples = tensor_of(DType::kI64, {2, 1}, {0, index});
    EXPECT_FALSE(run_op(ScatterElements{0}, {&x, &bad, &updates}).ok());
    EXPECT_FALSE(run_op(ScatterND{}, {&x, &bad_tuples, &updates}).ok());
  }
}

TEST(Values, UpdatesOfOneElementAllCount) {
  const HostTensor x = f32({2}, {1, 2});
  const HostTensor indices = tensor_of(DType::kI64, {3}, {1, 1, 1});
  const HostTensor updates = f32({3}, {3, NAN, 5});
  const HostTensor numbers = f32({3}, {3, 4, 5});
  EXPECT_EQ(run(ScatterElements{0, ScatterFn::kAdd}, {&x, &indices, &numbers}), (Values{1, 14}));
  EXPECT_EQ(run(ScatterElements{0, ScatterFn::kMul}, {&x, &indices, &numbers}), (Values{1, 120}));
  EXPECT_EQ(run(ScatterElements{0}, {&x, &indices, &numbers}), (Values{1, 5}));
  EXPECT_TRUE(std::isnan(run(ScatterElements{0, ScatterFn::kMax}, {&x, &indices, &updates})[1]));
}

TEST(Values, SequencesCheckTheirLengths) {
  const HostTensor x = f32({3, 2}, {1, 2, 3, 4, 5, 6});
  const HostTensor good = tensor_of(DType::kI64, {2}, {3, 0});
  EXPECT_EQ(run(ReverseSequence{1, 0}, {&x, &good}), (Values{5, 2, 3, 4, 1, 6}));
  for (const double length : {-1.0, 4.0, 1e15}) {
    const HostTensor bad = tensor_of(DType::kI64, {2}, {1, length});
    EXPECT_FALSE(run_op(ReverseSequence{1, 0}, {&x, &bad}).ok());
  }
}

TEST(Values, ColumnsMeetWhereWindowsOverlap) {
  const HostTensor x = f32({1, 2, 3}, {1, 2, 3, 10, 20, 30});
  EXPECT_EQ(run(ColToIm{{4}, {2}, {1}, {1}, {0, 0}}, {&x}), (Values{1, 12, 23, 30}));
  EXPECT_EQ(run(ColToIm{{2}, {2}, {1}, {1}, {1, 1}}, {&x}), (Values{12, 23}));
}

TEST(Values, ResizedAxesHaveALimit) {
  constexpr int64_t kMost = int64_t{1} << 22;
  const auto is_accepted = [](int64_t in, int64_t out) {
    const TensorType x{DType::kF32, {1, in}};
    const Resize op{.dims = {1, out}, .scales = {1, double(out) / double(in)}, .roi = {}};
    return infer_op(op, {&x}).ok();
  };
  EXPECT_TRUE(is_accepted(kMost, kMost));
  EXPECT_FALSE(is_accepted(kMost, kMost + 1));
  EXPECT_FALSE(is_accepted(kMost + 1, kMost));
}

TEST(Values, PadsReflectMoreThanOnce) {
  const HostTensor x = f32({3}, {1, 2, 3});
  EXPECT_EQ(run(Pad{PadMode::kReflect, {5, 3}}, {&x}), (Values{2, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2}));
  EXPECT_EQ(run(Pad{PadMode::kConstant, {-1, 2}}, {&x}), (Values{2, 3, 0, 0}));
}

TEST(Values, InferenceNamesWhatIsWrong) {
  const TensorType a{DType::kF32, {2, 3}}, b{DType::kF32, {4, 3}}, i{DType::kI64, {2, 3}};
  const auto message = [](const Op& op, std::initializer_list<const TensorType*> inputs) {
    const auto types = infer_op(op, inputs);
    return types.ok() ? std::string() : types.error().message;
  };
  EXPECT_NE(message(Binary{}, {&a, &b}).find("2x3 and 4x3"), std::string::npos);
  EXPECT_NE(message(Binary{}, {&a, &i}).find("one element type"), std::string::npos);
  EXPECT_NE(message(Unary{{UnaryFn::kExp}}, {&i}).find("floats"), std::string::npos);
  EXPECT_NE(message(Slice{{0, 2}, {2, 2}, {1, 1}}, {&a}).find("steps"), std::string::npos);
  EXPECT_NE(message(Reshape{{7}}, {&a}).find("6 elements"), std::string::npos);
  EXPECT_NE(message(Concat{1}, {&a, &b}).find("input 1"), std::string::npos);
  EXPECT_NE(message(Split{1, {1, 1}}, {&a}).find("sum to 3"), std::string::npos);
}

}  // namespace
}  // namespace memopt::testing
