// The own kernels for the CPU against the reference kernels: every instruction set that this
// machine has, both layouts, slices, in pieces of any order, in place.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/ops/expect.h"

namespace memopt::testing {
namespace {

std::vector<Isa> isas() {
  std::vector<Isa> result;
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    if (isa <= host_isa()) result.push_back(isa);
  }
  return result;
}

// Runs kernel `name` in all ways and compares with the reference kernel. The first input is stored
// in `layout`.
void expect_like_reference(std::string_view name, const Op& op,
                           std::vector<const HostTensor*> inputs, Layout layout,
                           double tolerance = 2e-6) {
  const KernelDef* kernel = find_kernel(name);
  ASSERT_NE(kernel, nullptr) << name;
  const auto wanted = run_values(op, inputs);
  for (const Spacing spacing : {Spacing::kDense, Spacing::kSliced}) {
    const HostTensor stored = stored_as(*inputs[0], layout, spacing);
    std::vector<const HostTensor*> operands = inputs;
    operands[0] = &stored;
    for (const Isa isa : isas()) {
      SCOPED_TRACE(std::string(name) + " " + to_string(Target{.isa = isa}));
      ReversedParallel parallel;
      RunOptions options{.kernel = kernel,
                         .layout = layout,
                         .spacing = spacing,
                         .target = {.isa = isa},
                         .wanted = {true}};
      const auto found = run_values(op, operands, options);
      expect_close(found, wanted, tolerance, tolerance);
      options.parallel = &parallel;
      expect_close(run_values(op, operands, options), found, 0, 0);
      if (kernel->in_place == nullptr) continue;
      options.overwritten = 0;
      expect_close(run_values(op, operands, options), found, 0, 0);
    }
  }
}

TEST(SimdPool, MaximumAndAverage) {
  // 100 channels: whole groups of vectors, single vectors and a rest on every instruction set.
  const HostTensor x = random_tensor(DType::kF32, {2, 103, 9, 8}, -1, 1, 1);
  Pool pool;
  pool.kernel = {3, 2};
  pool.strides = {2, 1};
  pool.dilations = {1, 2};
  pool.pads = {1, 1, 1, 0};
  for (const PoolFn fn : {PoolFn::kMax, PoolFn::kAverage}) {
    for (const bool count_include_pad : {false, true}) {
      for (const bool ceil_mode : {false, true}) {
        pool.fn = fn;
        pool.count_include_pad = count_include_pad;
        pool.ceil_mode = ceil_mode;
        expect_like_reference("pool.simd", pool, {&x}, Layout::kChannelsLast);
      }
    }
  }
}

TEST(SimdPool, MaximumOfInfinitiesAndNan) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  HostTensor x = random_tensor(DType::kF32, {2, 39, 6, 7}, -1, 1, 1);
  auto* const elements = reinterpret_cast<float*>(x.bytes.data());
  for (int i = 0; i < 2 * 39 * 42; ++i) {
    if (i / 42 % 2 == 0 && i % 42 < 30) elements[i] = -kInfinity;  // all of some windows
    if (i % 11 == 3) elements[i] = std::numeric_limits<float>::quiet_NaN();
    if (i % 29 == 5) elements[i] = kInfinity;
  }
  Pool pool;
  pool.fn = PoolFn::kMax;
  pool.kernel = {2, 2};
  pool.strides = pool.dilations = {1, 1};
  for (const std::vector<int64_t>& pads :
       std::vector<std::vector<int64_t>>{{0, 0, 0, 0}, {1, 1, 1, 1}, {0, 0, 3, 0}}) {
    pool.pads = pads;
    expect_like_reference("pool.simd", pool, {&x}, Layout::kChannelsLast, 0);
  }
  pool.pads = {0, 0, 0, 0};
  const std::vector<double> lowest = run_values(pool, {&x});
  EXPECT_EQ(std::count(lowest.begin(), lowest.end(), -kInfinity) > 0, true);
  EXPECT_EQ(std::count(lowest.begin(), lowest.end(), std::numeric_limits<float>::lowest()), 0);
}

TEST(SimdSoftmax, AlongAnyAxis) {
  const HostTensor x = random_tensor(DType::kF32, {3, 37, 6, 5}, -30, 30, 1);
  for (const SoftmaxFn fn : {SoftmaxFn::kSoftmax, SoftmaxFn::kLogSoftmax}) {
    Softmax op;
    op.fn = fn;
    for (const int64_t axis : {1, 3}) {
      op.axis = axis;
      expect_like_reference("softmax.simd", op, {&x}, Layout::kRowMajor, 1e-5);
      expect_like_reference("softmax.simd", op, {&x}, Layout::kChannelsLast, 1e-5);
    }
  }
}

TEST(SimdSoftmax, KeepsExtremes) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const HostTensor x = f32({2, 3}, {1e30, 1e30, -kInfinity, -200, 0, -90});
  Softmax op;
  op.axis = 1;
  expect_like_reference("softmax.simd", op, {&x}, Layout::kRowMajor);
}

TEST(SimdReduce, EveryFunctionRowsAndColumns) {
  const HostTensor x = random_tensor(DType::kF32, {2, 131, 11, 7}, 0.5, 2, 1);
  for (const ReduceFn fn :
       {ReduceFn::kSum, ReduceFn::kMean, ReduceFn::kMax, ReduceFn::kMin, ReduceFn::kL1,
        ReduceFn::kL2, ReduceFn::kLogSum, ReduceFn::kSumSquare}) {
    Reduce op;
    op.fn = fn;
    for (const std::vector<int64_t>& axes : std::vector<std::vector<int64_t>>{{2, 3}, {1}, {3}}) {
      op.axes = axes;
      expect_like_reference("reduce.simd", op, {&x}, Layout::kChannelsLast);
      expect_like_reference("reduce.simd", op, {&x}, Layout::kRowMajor);
    }
  }
}

TEST(SimdReduce, NanWinsWhereverItStands) {
  for (const int64_t place : {0, 5, 17, 70, 129}) {  // vectors, their rest, any group of them
    HostTensor x = random_tensor(DType::kF32, {2, 130, 5}, -1, 1, 1);
    for (const int64_t at : {place * 5 + 2, (130 + place) * 5 + 4}) {
      reinterpret_cast<float*>(x.bytes.data())[at] = std::numeric_limits<float>::quiet_NaN();
    }
    for (const ReduceFn fn : {ReduceFn::kMax, ReduceFn::kMin, ReduceFn::kSum}) {
      SCOPED_TRACE(place);
      Reduce op;
      op.fn = fn;
      op.axes = {1};
      expect_like_reference("reduce.simd", op, {&x}, Layout::kChannelsLast);
      expect_like_reference("reduce.simd", op, {&x}, Layout::kRowMajor);
    }
  }
}

TEST(SimdNormalization, BatchAndInstance) {
  const HostTensor x = random_tensor(DType::kF32, {2, 35, 13, 9}, 3, 5, 1);
  const HostTensor scale = random_tensor(DType::kF32, {35}, 0.5, 2, 2);
  const HostTensor bias = random_tensor(DType::kF32, {35}, -1, 1, 3);
  const HostTensor mean = random_tensor(DType::kF32, {35}, 3, 5, 4);
  const HostTensor variance = random_tensor(DType::kF32, {35}, 0.5, 2, 5);
  expect_like_reference("batch_norm.simd", BatchNorm{}, {&x, &scale, &bias, &mean, &variance},
                        Layout::kChannelsLast);
  expect_like_reference("instance_norm.simd", InstanceNorm{}, {&x, &scale, &bias},
                        Layout::kChannelsLast, 1e-5);
  const HostTensor row = random_tensor(DType::kF32, {2, 35, 61}, 3, 5, 1);
  expect_like_reference("batch_norm.simd", BatchNorm{}, {&row, &scale, &bias, &mean, &variance},
                        Layout::kRowMajor);
  expect_like_reference("instance_norm.simd", InstanceNorm{}, {&row, &scale, &bias},
                        Layout::kRowMajor, 1e-5);
}

TEST(SimdNormalization, Layer) {
  const HostTensor x = random_tensor(DType::kF32, {3, 70, 131}, 3, 5, 1);
  const HostTensor scale = random_tensor(DType::kF32, {131}, 0.5, 2, 2);
  const HostTensor bias = random_tensor(DType::kF32, {131}, -1, 1, 3);
  LayerNorm op;
  op.axis = 2;
  expect_like_reference("layer_norm.simd", op, {&x, &scale, &bias}, Layout::kRowMajor, 1e-5);
  expect_like_reference("layer_norm.simd", op, {&x, &scale}, Layout::kRowMajor, 1e-5);
}

TEST(SimdNormalization, LayerStatistics) {
  const HostTensor x = random_tensor(DType::kF32, {5, 19}, 3, 5, 1);
  const HostTensor scale = random_tensor(DType::kF32, {19}, 0.5, 2, 2);
  LayerNorm op;
  op.axis = 1;
  const auto wanted = run_op(op, {&x, &scale});
  const auto found = run_op(op, {&x, &scale}, {.kernel = find_kernel("layer_norm.simd")});
  ASSERT_TRUE(wanted.ok() && found.ok());
  expect_close(values_of((*found)[1]), values_of((*wanted)[1]), 1e-6, 0);
  expect_close(values_of((*found)[2]), values_of((*wanted)[2]), 1e-5, 0);
}

TEST(SimdLrn, EveryPower) {
  const HostTensor x = random_tensor(DType::kF32, {2, 37, 3, 4}, -3, 3, 1);
  Lrn op;
  op.window = 5;
  op.alpha = 0.5;
  for (const double beta : {0.5, 0.75, 1.0}) {
    op.beta = beta;
    expect_like_reference("lrn.simd", op, {&x}, Layout::kChannelsLast);
  }
  op.window = 4;
  expect_like_reference("lrn.simd", op, {&x}, Layout::kChannelsLast);
}

}  // namespace
}  // namespace memopt::testing
