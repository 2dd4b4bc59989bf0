// Pooling, normalizations and reductions: types, and reference kernels on small cases.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/ops/expect.h"

namespace memopt::testing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Pool pool2d(PoolFn fn, int64_t kernel, int64_t stride, int64_t pad) {
  Pool pool;
  pool.fn = fn;
  pool.kernel = {kernel, kernel};
  pool.strides = {stride, stride};
  pool.dilations = {1, 1};
  pool.pads = {pad, pad, pad, pad};
  return pool;
}

const HostTensor kThreeByThree = f32({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});

TEST(Pool, TakesTheMaximumAndItsIndex) {
  const auto outputs = run_op(pool2d(PoolFn::kMax, 2, 2, 1), {&kThreeByThree});
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ(values_of((*outputs)[0]), (std::vector<double>{1, 3, 7, 9}));
  EXPECT_EQ(values_of((*outputs)[1]), (std::vector<double>{0, 2, 6, 8}));
}

TEST(Pool, CountsIndicesInColumnMajorOrderOverTheWholeTensor) {
  Pool pool = pool2d(PoolFn::kMax, 1, 2, 0);
  pool.column_major_indices = true;
  const HostTensor x = f32({1, 2, 2, 3}, {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6});
  const auto outputs = run_op(pool, {&x});
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ(values_of((*outputs)[1]), (std::vector<double>{0, 4, 6, 10}));
}

TEST(Pool, AveragesWithAndWithoutPadding) {
  Pool pool = pool2d(PoolFn::kAverage, 2, 2, 1);
  EXPECT_EQ(run_values(pool, {&kThreeByThree}), (std::vector<double>{1, 2.5, 5.5, 7}));
  pool.count_include_pad = true;
  EXPECT_EQ(run_values(pool, {&kThreeByThree}), (std::vector<double>{0.25, 1.25, 2.75, 7}));
}

// A last window that reaches beyond the padding counts only what is inside of it.
TEST(Pool, CeilModeAddsAWindowThatStartsInside) {
  Pool pool = pool2d(PoolFn::kAverage, 2, 2, 0);
  pool.ceil_mode = true;
  pool.count_include_pad = true;
  EXPECT_EQ(run_values(pool, {&kThreeByThree}), (std::vector<double>{3, 4.5, 7.5, 9}));
  pool.kernel = {1, 1};
  pool.strides = {3, 3};
  pool.pads = {0, 0, 1, 1};
  const TensorType type = kThreeByThree.type();
  EXPECT_EQ(inferred_dims(pool, {&type}), (Dims{1, 1, 1, 1}));  // a second one would start outside
}

TEST(Pool, TakesPowerNorms) {
  Pool pool = pool2d(PoolFn::kLp, 2, 1, 0);
  const HostTensor x = f32({1, 1, 2, 2}, {-1, 2, -4, 2});
  expect_close(run_values(pool, {&x}), {5}, 1e-6, 0);
  pool.p = 1;
  expect_close(run_values(pool, {&x}), {9}, 1e-6, 0);
  pool.p = 3;
  expect_close(run_values(pool, {&x}), {std::cbrt(81.0)}, 1e-6, 0);
}

TEST(Pool, WorksOnBytesAndInThreeDimensions) {
  Pool pool;
  pool.kernel = pool.strides = {2, 1, 2};
  pool.dilations = {1, 1, 1};
  pool.pads = {0, 0, 0, 0, 0, 0};
  const HostTensor x = tensor_of(DType::kI8, {1, 1, 2, 1, 4}, {-5, -6, 1, 2, -7, -8, 3, -9});
  EXPECT_EQ(run_values(pool, {&x}), (std::vector<double>{-5, 3}));
}

TEST(Pool, IsTheSameInEveryLayoutAndOnSlices) {
  const HostTensor x = random_tensor(DType::kF32, {2, 37, 6, 5}, -1, 1, 1);
  for (const PoolFn fn : {PoolFn::kMax, PoolFn::kAverage, PoolFn::kLp}) {
    const Pool pool = pool2d(fn, 3, 2, 1);
    const HostTensor nhwc = stored_as(x, Layout::kChannelsLast, Spacing::kSliced);
    ReversedParallel parallel;
    EXPECT_EQ(
        run_values(
            pool, {&nhwc},
            {.layout = Layout::kChannelsLast, .spacing = Spacing::kSliced, .parallel = &parallel}),
        run_values(pool, {&x}));
  }
}

TEST(Pool, RefusesWhatItCannotCompute) {
  const TensorType x = {DType::kF32, {1, 1, 3, 3}}, bytes = {DType::kU8, {1, 1, 3, 3}};
  const TensorType matrix = {DType::kF32, {3, 3}};
  expect_refused(pool2d(PoolFn::kAverage, 2, 1, 0), {&bytes}, "x: needed f32");
  expect_refused(pool2d(PoolFn::kMax, 2, 1, 0), {&matrix}, "x: needed rank 3");
  expect_refused(pool2d(PoolFn::kMax, 4, 1, 0), {&x}, "kernel: needed");
  expect_refused(pool2d(PoolFn::kMax, 0, 1, 0), {&x}, "kernel: needed 1");
  expect_refused(pool2d(PoolFn::kMax, 2, 0, 0), {&x}, "strides: needed 1");
  expect_refused(pool2d(PoolFn::kMax, 1, 1, -1), {&x}, "pads: needed 0");
  Pool pool = pool2d(PoolFn::kLp, 2, 1, 0);
  pool.p = 0;
  expect_refused(pool, {&x}, "p: needed 1");
}

TEST(MaxUnpool, PutsValuesBackAndRefusesWildIndices) {
  MaxUnpool op;
  op.unpooled_dims = {1, 1, 2, 3};
  op.dims = {1, 1, 3, 4};
  const HostTensor x = f32({1, 1, 1, 2}, {7, 8});
  const HostTensor indices = tensor_of(DType::kI64, {1, 1, 1, 2}, {1, 5});
  EXPECT_EQ(run_values(op, {&x, &indices}),
            (std::vector<double>{0, 7, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0}));
  const HostTensor wild = tensor_of(DType::kI64, {1, 1, 1, 2}, {1, 6});
  EXPECT_EQ(run_op(op, {&x, &wild}).error().code, Code::kBadInput);
  const TensorType x_type = x.type(), index_type = indices.type();
  op.dims = {1, 1, 1, 4};
  expect_refused(op, {&x_type, &index_type}, "unpooled_dims: needed 0 to 1");
}

TEST(BatchNorm, ScalesEachChannel) {
  BatchNorm op;
  op.epsilon = 0;
  const HostTensor x = f32({1, 2, 2}, {1, 2, 3, 4});
  const HostTensor scale = f32({2}, {2, 1}), bias = f32({2}, {0, 10}), mean = f32({2}, {1, 3}),
                   variance = f32({2}, {4, 1});
  EXPECT_EQ(run_values(op, {&x, &scale, &bias, &mean, &variance}),
            (std::vector<double>{0, 1, 10, 11}));
  const TensorType x_type = x.type(), two = scale.type(), three = {DType::kF32, {3}};
  expect_refused(op, {&x_type, &two, &three, &two, &two}, "bias: needed 2, found 3");
  op.epsilon = -1;
  expect_refused(op, {&x_type, &two, &two, &two, &two}, "epsilon: needed 0 or more");
}

TEST(InstanceNorm, NormalizesEachPlaneInEveryLayout) {
  InstanceNorm op;
  op.epsilon = 0;
  const HostTensor x = f32({1, 2, 1, 2}, {1, 3, 10, 30});
  const HostTensor scale = f32({2}, {1, 2}), bias = f32({2}, {0, 5});
  EXPECT_EQ(run_values(op, {&x, &scale, &bias}), (std::vector<double>{-1, 1, 3, 7}));
  const HostTensor nhwc = stored_as(x, Layout::kChannelsLast);
  EXPECT_EQ(run_values(op, {&nhwc, &scale, &bias}, {.layout = Layout::kChannelsLast}),
            (std::vector<double>{-1, 1, 3, 7}));
}

TEST(Lrn, SumsTheChannelsAround) {
  Lrn op;
  op.window = 2;  // this channel and the next
  op.alpha = 2;
  op.beta = 1;
  op.bias = 1;
  const HostTensor x = f32({1, 3, 1, 1}, {1, 2, 3});
  expect_close(run_values(op, {&x}), {1.0 / 6, 2.0 / 14, 3.0 / 10}, 1e-6, 0);
  op.window = 0;
  const TensorType type = x.type();
  expect_refused(op, {&type}, "window: needed 1");
}

TEST(LayerNorm, NormalizesRowsAndGivesTheirStatistics) {
  LayerNorm op;
  op.axis = 1;
  op.epsilon = 0;
  const HostTensor x = f32({2, 2}, {1, 3, 5, 9});
  const HostTensor scale = f32({2}, {1, 2}), bias = f32({2}, {0, 1});
  const auto outputs = run_op(op, {&x, &scale, &bias});
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ(values_of((*outputs)[0]), (std::vector<double>{-1, 3, -1, 3}));
  EXPECT_EQ(values_of((*outputs)[1]), (std::vector<double>{2, 7}));
  EXPECT_EQ(values_of((*outputs)[2]), (std::vector<double>{1, 0.5}));
  EXPECT_EQ((*outputs)[1].dims, (Dims{2, 1}));
  const TensorType x_type = x.type(), three = {DType::kF32, {3}}, two = scale.type();
  expect_refused(op, {&x_type, &three}, "scale: needed");
  op.axis = 2;
  expect_refused(op, {&x_type, &two}, "axis: needed");
}

Softmax softmax(SoftmaxFn fn, int64_t axis) {
  Softmax op;
  op.fn = fn;
  op.axis = axis;
  return op;
}

TEST(Softmax, DoesNotOverflow) {
  const HostTensor x = f32({1, 3}, {1000, 1000, -kInfinity});
  expect_close(run_values(softmax(SoftmaxFn::kSoftmax, 1), {&x}), {0.5, 0.5, 0}, 1e-6, 0);
  expect_close(run_values(softmax(SoftmaxFn::kLogSoftmax, 1), {&x}),
               {-std::log(2), -std::log(2), -kInfinity}, 1e-6, 0);
}

TEST(Softmax, HardmaxMarksTheFirstMaximum) {
  const HostTensor x = f32({3, 2}, {1, 5, 2, 5, 2, 4});
  EXPECT_EQ(run_values(softmax(SoftmaxFn::kHardmax, 0), {&x}),
            (std::vector<double>{0, 1, 1, 0, 0, 0}));
  const HostTensor strange = f32({4}, {0, std::nan(""), kInfinity, std::nan("")});
  EXPECT_EQ(run_values(softmax(SoftmaxFn::kHardmax, 0), {&strange}),
            (std::vector<double>{0, 1, 0, 0}));
  const TensorType type = x.type(), ints = {DType::kI32, {3, 2}};
  expect_refused(softmax(SoftmaxFn::kSoftmax, 2), {&type}, "axis: needed");
  expect_refused(softmax(SoftmaxFn::kSoftmax, 0), {&ints}, "x: needed f32");
}

Reduce reduce(ReduceFn fn, std::vector<int64_t> axes, bool keep_dims = false) {
  Reduce op;
  op.fn = fn;
  op.axes = std::move(axes);
  op.keep_dims = keep_dims;
  return op;
}

TEST(Reduce, ComputesAllTen) {
  const HostTensor x = f32({2, 2}, {1, -2, 3, 4});
  const auto of = [&](ReduceFn fn) { return run_values(reduce(fn, {1}), {&x}); };
  EXPECT_EQ(of(ReduceFn::kSum), (std::vector<double>{-1, 7}));
  EXPECT_EQ(of(ReduceFn::kMean), (std::vector<double>{-0.5, 3.5}));
  EXPECT_EQ(of(ReduceFn::kMax), (std::vector<double>{1, 4}));
  EXPECT_EQ(of(ReduceFn::kMin), (std::vector<double>{-2, 3}));
  EXPECT_EQ(of(ReduceFn::kProd), (std::vector<double>{-2, 12}));
  EXPECT_EQ(of(ReduceFn::kL1), (std::vector<double>{3, 7}));
  EXPECT_EQ(of(ReduceFn::kSumSquare), (std::vector<double>{5, 25}));
  expect_close(of(ReduceFn::kL2), {std::sqrt(5.0), 5}, 1e-6, 0);
  expect_close(of(ReduceFn::kLogSum), {kNan, std::log(7)}, 1e-6, 0);
  expect_close(of(ReduceFn::kLogSumExp),
               {std::log(std::exp(1) + std::exp(-2)), 4 + std::log1p(std::exp(-1))}, 1e-6, 0);
}

TEST(Reduce, OfNothing) {
  const HostTensor x = make_tensor(DType::kF32, {2, 0});
  const auto of = [&](ReduceFn fn) { return run_values(reduce(fn, {1}), {&x})[1]; };
  EXPECT_EQ(of(ReduceFn::kSum), 0);
  EXPECT_EQ(of(ReduceFn::kProd), 1);
  EXPECT_EQ(of(ReduceFn::kMax), -kInfinity);
  EXPECT_EQ(of(ReduceFn::kMin), kInfinity);
  EXPECT_EQ(of(ReduceFn::kLogSum), -kInfinity);
  EXPECT_EQ(of(ReduceFn::kLogSumExp), -kInfinity);
  EXPECT_TRUE(std::isnan(of(ReduceFn::kMean)));
  const HostTensor ints = make_tensor(DType::kI8, {0});
  EXPECT_EQ(run_values(reduce(ReduceFn::kMax, {0}), {&ints}), (std::vector<double>{-128}));
}

TEST(Reduce, KeepsInfinitiesInLogSumExp) {
  const HostTensor x = f32({2, 2}, {kInfinity, kInfinity, -kInfinity, -kInfinity});
  EXPECT_EQ(run_values(reduce(ReduceFn::kLogSumExp, {1}), {&x}),
            (std::vector<double>{kInfinity, -kInfinity}));
}

TEST(Reduce, IntegersAreExact) {
  const HostTensor x = tensor_of(DType::kI64, {3}, {0x1p60, 1, -7});
  EXPECT_EQ(run_values(reduce(ReduceFn::kSum, {0}), {&x}), (std::vector<double>{0x1p60 - 6}));
  const HostTensor y = tensor_of(DType::kI32, {2}, {-3, -2});
  EXPECT_EQ(run_values(reduce(ReduceFn::kMean, {0}), {&y}), (std::vector<double>{-2}));
  const HostTensor b = tensor_of(DType::kBool, {2, 2}, {0, 1, 0, 0});
  EXPECT_EQ(run_values(reduce(ReduceFn::kMax, {1}), {&b}), (std::vector<double>{1, 0}));
}

TEST(Reduce, AnyDimensionsInAnyLayout) {
  const HostTensor x = random_tensor(DType::kF32, {2, 70, 5, 3}, -1, 1, 1);
  const HostTensor nhwc = stored_as(x, Layout::kChannelsLast);
  const std::vector<double> xs = values_of(x);
  for (const std::vector<int64_t>& axes :
       std::vector<std::vector<int64_t>>{{}, {0}, {1}, {2, 3}, {1, 3}, {0, 2}, {0, 1, 2, 3}}) {
    const auto is_reduced = [&](int64_t axis) {
      return std::find(axes.begin(), axes.end(), axis) != axes.end();
    };
    const Dims dims = {is_reduced(0) ? 1 : 2, is_reduced(1) ? 1 : 70, is_reduced(2) ? 1 : 5,
                       is_reduced(3) ? 1 : 3};
    std::vector<double> wanted(static_cast<size_t>(dims.count()));
    for (int64_t i = 0; i < 2 * 70 * 5 * 3; ++i) {
      const int64_t n = i / 1050, c = i / 15 % 70, h = i / 3 % 5, w = i % 3;
      wanted[static_cast<size_t>(((n % dims[0] * dims[1] + c % dims[1]) * dims[2] + h % dims[2]) *
                                     dims[3] +
                                 w % dims[3])] += xs[static_cast<size_t>(i)];
    }
    expect_close(run_values(reduce(ReduceFn::kSum, axes, true), {&x}), wanted, 1e-6, 1e-6);
    expect_close(run_values(reduce(ReduceFn::kSum, axes, false), {&x}), wanted, 1e-6, 1e-6);
    expect_close(
        run_values(reduce(ReduceFn::kSum, axes, true), {&nhwc}, {.layout = Layout::kChannelsLast}),
        wanted, 1e-6, 1e-6);
  }
}

TEST(Reduce, RefusesWhatItCannotCompute) {
  const TensorType x = {DType::kF32, {2, 3}}, complex = {DType::kC64, {2}},
                   flags = {DType::kBool, {2}};
  expect_refused(reduce(ReduceFn::kSum, {2}), {&x}, "axes: needed ascending");
  expect_refused(reduce(ReduceFn::kSum, {1, 0}), {&x}, "axes: needed ascending");
  expect_refused(reduce(ReduceFn::kSum, {0, 0}), {&x}, "axes: needed ascending");
  expect_refused(reduce(ReduceFn::kSum, {-1}), {&x}, "axes: needed ascending");
  expect_refused(reduce(ReduceFn::kSum, {0}), {&complex}, "x: needed");
  expect_refused(reduce(ReduceFn::kSum, {0}), {&flags}, "x: needed");
}

TEST(ArgReduce, BreaksTiesAsAsked) {
  ArgReduce op;
  op.axis = 1;
  const HostTensor x = f32({2, 3}, {1, 5, 5, 0, -1, -1});
  EXPECT_EQ(run_values(op, {&x}), (std::vector<double>{1, 0}));
  op.select_last = true;
  EXPECT_EQ(run_values(op, {&x}), (std::vector<double>{2, 0}));
  op.fn = ArgReduceFn::kMin;
  op.keep_dims = false;
  EXPECT_EQ(run_values(op, {&x}), (std::vector<double>{0, 2}));
  const TensorType empty = {DType::kF32, {2, 0}}, type = x.type();
  expect_refused(op, {&empty}, "x: needed at least one element");
  op.axis = -1;
  expect_refused(op, {&type}, "axis: needed");
}

TEST(TopK, OrdersValuesAndBreaksTiesByIndex) {
  TopK op;
  op.k = 3;
  op.axis = 1;
  const HostTensor x = f32({1, 5}, {2, 9, 2, kNan, 2});
  auto outputs = run_op(op, {&x});
  ASSERT_TRUE(outputs.ok());
  expect_close(values_of((*outputs)[0]), {kNan, 9, 2}, 0, 0);
  EXPECT_EQ(values_of((*outputs)[1]), (std::vector<double>{3, 1, 0}));
  op.largest = false;
  outputs = run_op(op, {&x});
  EXPECT_EQ(values_of((*outputs)[1]), (std::vector<double>{0, 2, 4}));
  const TensorType type = x.type();
  op.k = 6;
  expect_refused(op, {&type}, "k: needed 0 to 5");
  op.k = 0;
  EXPECT_TRUE(run_values(op, {&x}).empty());
}

TEST(TopK, AlongTheFirstDimensionOfIntegers) {
  TopK op;
  op.k = 1;
  op.axis = 0;
  const HostTensor x = tensor_of(DType::kU8, {2, 2}, {1, 8, 200, 4});
  EXPECT_EQ(run_values(op, {&x}), (std::vector<double>{200, 8}));
}

}  // namespace
}  // namespace memopt::testing
