// The bytes that a tensor spans, against arithmetic that cannot overflow.
#include <gtest/gtest.h>

#include "runtime/base/type.h"
#include "runtime/plan/plan.h"
#include "tests/support/sound_plan.h"

namespace memopt {
namespace {

using Wide = __int128;

// Nullopt where two elements may lie in one place, or too far apart to count the bits between them.
std::optional<int64_t> extent_of(DType dtype, const Dims& dims, const Dims& strides) {
  Wide count = 1, last = 0;
  for (const int64_t dim : dims) {
    if (dim < 0 || dim > kMaxDim) return std::nullopt;
    if (dim != 0) count *= dim;
    if (count > INT64_MAX) return std::nullopt;
  }
  if (dims.rank() != strides.rank()) return std::nullopt;
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) return 0;
  std::vector<std::pair<int64_t, int64_t>> steps;
  for (int i = 0; i < dims.rank(); ++i) {
    if (dims[i] > 1) steps.emplace_back(strides[i], dims[i]);
  }
  std::sort(steps.begin(), steps.end());
  for (const auto& [stride, dim] : steps) {
    if (stride <= last) return std::nullopt;
    last += Wide{stride} * (dim - 1);
    if (last > INT64_MAX) return std::nullopt;
  }
  const Wide bits = (last + 1) * dtype_bits(dtype);
  if (bits > INT64_MAX) return std::nullopt;
  return static_cast<int64_t>((bits + 7) / 8);
}

TEST(Extent, IsWhatWideArithmeticSays) {
  constexpr int64_t kMost = INT64_MAX;
  constexpr int64_t kNumbers[] = {
      -1,        0,    1, 1,  2,       2,       3,           4,          5,
      6,         8,    9, 12, 1 << 20, kMaxDim, kMaxDim + 1, kMost / 16, kMost / 16 + 1,
      kMost / 2, kMost};
  int some = 0;
  for (uint32_t seed = 0; seed < 100000; ++seed) {
    Dice dice(seed);
    Dims dims, strides;
    for (int64_t rank = dice.below(4); rank > 0; --rank) dims.push_back(dice.any(kNumbers));
    for (int64_t rank = dims.rank() + (dice.one_in(20) ? 1 : 0); rank > 0; --rank) {
      strides.push_back(dice.any(kNumbers));
    }
    if (dice.one_in(20) && strides.rank() > 0) {
      strides = Dims(strides.span().first(static_cast<size_t>(strides.rank() - 1)));
    }
    const auto dtype = static_cast<DType>(dice.below(kDTypeCount));
    const auto extent = extent_bytes(dtype, dims, strides);
    ASSERT_EQ(extent, extent_of(dtype, dims, strides)) << "seed " << seed;
    some += extent && *extent > 0;
  }
  EXPECT_GT(some, 5000);
}

}  // namespace
}  // namespace memopt
