#include "tools/cli/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tools/cli/seeded.h"

namespace memopt {
namespace {

template <typename T>
TensorData tensor(DType dtype, const std::vector<T>& values) {
  TensorData data{{.dtype = dtype, .dims = {static_cast<int64_t>(values.size())}}, {}, ""};
  data.bytes.resize(values.size() * sizeof(T));
  std::memcpy(data.bytes.data(), values.data(), data.bytes.size());
  return data;
}
TensorData floats(const std::vector<float>& values) { return tensor(DType::kF32, values); }

constexpr Tolerance kTolerance{.absolute = 0, .relative = 0, .range = 1.1e-3};

TEST(Compare, ToleranceScalesWithTheRange) {
  // Range 100: 0.11 is allowed everywhere.
  EXPECT_TRUE(compare(floats({100, 0.109f}), floats({100, 0}), 1, kTolerance).ok());
  const Comparison bad = compare(floats({100, 0.111f}), floats({100, 0}), 1, kTolerance);
  EXPECT_EQ(bad.differing, 1);
  EXPECT_EQ(bad.worst, 1);
  EXPECT_EQ(bad.range, 100);
  EXPECT_TRUE(compare(floats({100.1f, 0}), floats({100, 0}), 1, kTolerance).ok());
  EXPECT_FALSE(compare(floats({100.2f, 0}), floats({100, 0}), 1, kTolerance).ok());
}

// numpy.allclose(got, want, rtol, atol), element by element.
TEST(Compare, AbsoluteAndRelativeAreNumpys) {
  const auto passes = [](float got, float want, double absolute, double relative) {
    // The large element makes the range large, which must not matter.
    return compare(floats({1e6f, got}), floats({1e6f, want}), 1,
                   {.absolute = absolute, .relative = relative, .range = 0})
        .ok();
  };
  EXPECT_TRUE(passes(1.5f, 1, 0.5, 0));
  EXPECT_FALSE(passes(1.5f, 1, 0.49, 0));
  EXPECT_TRUE(passes(-3, -2, 0, 0.5));
  EXPECT_FALSE(passes(-2, -3, 0, 0.3));  // of |want|, not of |got|
  EXPECT_TRUE(passes(-2, -3, 0, 0.34));
  EXPECT_TRUE(passes(-2, -3, 0.5, 0.17));  // together
  EXPECT_FALSE(passes(-2, -3, 0.5, 0.16));
  EXPECT_TRUE(passes(1, 1, 0, 0));
  EXPECT_FALSE(passes(1.0000001f, 1, 0, 0));
}

TEST(Compare, NanAndInfinity) {
  const float nan = std::nanf(""), inf = HUGE_VALF;
  EXPECT_TRUE(compare(floats({nan, inf, -inf}), floats({-nan, inf, -inf}), 1, kTolerance).ok());
  EXPECT_FALSE(compare(floats({nan, 1}), floats({0, 1}), 1, kTolerance).ok());
  EXPECT_FALSE(compare(floats({0, 1}), floats({nan, 1}), 1, kTolerance).ok());
  EXPECT_FALSE(compare(floats({1, 1}), floats({inf, 1}), 1, kTolerance).ok());
  EXPECT_FALSE(compare(floats({-inf, 1}), floats({inf, 1}), 1, kTolerance).ok());
}

TEST(Compare, IntegersAreExact) {
  const auto ints = [](const std::vector<int64_t>& values) { return tensor(DType::kI64, values); };
  const int64_t large = (int64_t{1} << 60) + 1;
  EXPECT_TRUE(compare(ints({large, 2}), ints({large, 2}), 1, kTolerance).ok());
  EXPECT_FALSE(compare(ints({large, 2}), ints({large - 1, 2}), 1, kTolerance).ok());
}

TEST(Compare, ShapesAndTypesMustAgree) {
  EXPECT_FALSE(compare(floats({1}), floats({1, 1}), 1, kTolerance).ok());
  EXPECT_FALSE(compare(floats({1}), tensor<int32_t>(DType::kI32, {1}), 1, kTolerance).ok());
}

TEST(Compare, SampleTakesEveryStrideth) {
  EXPECT_TRUE(compare(floats({1, 9, 9, 2, 9}), floats({1, 2}), 3, kTolerance).ok());
  EXPECT_FALSE(compare(floats({1, 9, 9, 2, 9}), floats({1, 9}), 3, kTolerance).ok());
  EXPECT_FALSE(compare(floats({1, 9, 9, 2, 9}), floats({1}), 3, kTolerance).ok());
}

TEST(Seeded, NumbersAreTheDocumentedOnes) {
  // splitmix64 by hand: element 0 of stream 0 is mix(seed + golden ratio) >> 40.
  const TensorData data = seeded_tensor({.dtype = DType::kF32, .dims = {2}}, Seeded{});
  float first;
  std::memcpy(&first, data.bytes.data(), sizeof(first));
  EXPECT_FLOAT_EQ(first, 0.055437684059143066f);
}

}  // namespace
}  // namespace memopt
