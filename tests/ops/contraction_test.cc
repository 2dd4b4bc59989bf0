// Convolutions and matrix products: types, and reference kernels against formulas written out here.
#include <gtest/gtest.h>

#include <limits>

#include "runtime/kernels/strided.h"
#include "tests/ops/expect.h"

namespace memopt::testing {
namespace {

constexpr double kRelative = 1e-5;

Conv conv2d(int64_t stride, int64_t pad, int64_t dilation = 1, int64_t group = 1) {
  Conv conv;
  conv.strides = {stride, stride};
  conv.dilations = {dilation, dilation};
  conv.pads = {pad, pad, pad, pad};
  conv.group = group;
  return conv;
}

// The definition of a convolution, straight from its formula, in double.
std::vector<double> naive_conv(const ConvWindow& op, const HostTensor& x, const HostTensor& w,
                               const Dims& y_dims, double x_zero = 0) {
  const std::vector<double> xs = values_of(x), ws = values_of(w);
  const Dims x_steps = row_major_strides(x.dims), w_steps = row_major_strides(w.dims);
  const int spatial = x.dims.rank() - 2;
  std::vector<double> ys;
  for_each_coordinate(y_dims, [&](const Dims& y) {
    double sum = 0;
    const int64_t group = y[1] / (y_dims[1] / op.group);
    Dims taps = w.dims;
    taps[0] = 1;
    for_each_coordinate(taps, [&](const Dims& tap) {
      Dims from = y, weight = tap;
      weight[0] = y[1];
      from[1] = group * w.dims[1] + tap[1];
      bool inside = true;
      for (int i = 0; i < spatial; ++i) {
        const size_t at = static_cast<size_t>(i);
        from[2 + i] = y[2 + i] * op.strides[at] + tap[2 + i] * op.dilations[at] - op.pads[at];
        inside = inside && from[2 + i] >= 0 && from[2 + i] < x.dims[2 + i];
      }
      if (inside) {
        sum += (xs[static_cast<size_t>(offset_of(from, x_steps))] - x_zero) *
               ws[static_cast<size_t>(offset_of(weight, w_steps))];
      }
    });
    ys.push_back(sum);
  });
  return ys;
}

void expect_naive(const Conv& conv, const Dims& x_dims, const Dims& w_dims) {
  const HostTensor x = random_tensor(DType::kF32, x_dims, -1, 1, 1);
  const HostTensor w = random_tensor(DType::kF32, w_dims, -1, 1, 2);
  const TensorType x_type = x.type(), w_type = w.type();
  const Dims y = inferred_dims(conv, {&x_type, &w_type});
  expect_close(run_values(conv, {&x, &w}), naive_conv(conv, x, w, y), kRelative, 1e-5);
}

TEST(Conv, ComputesASmallCase) {
  const HostTensor x = f32({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const HostTensor w = f32({1, 1, 2, 2}, {1, 0, 0, 1});
  EXPECT_EQ(run_values(conv2d(1, 0), {&x, &w}), (std::vector<double>{6, 8, 12, 14}));
}

TEST(Conv, StridesPadsAndDilates) { expect_naive(conv2d(2, 3, 2), {2, 3, 9, 11}, {5, 3, 3, 2}); }
TEST(Conv, Groups) { expect_naive(conv2d(1, 1, 1, 3), {1, 6, 5, 7}, {9, 2, 3, 3}); }
TEST(Conv, DepthWise) { expect_naive(conv2d(2, 1, 1, 40), {1, 40, 9, 9}, {80, 1, 3, 3}); }
TEST(Conv, ManyFiltersAndChannels) { expect_naive(conv2d(1, 0), {1, 70, 3, 3}, {67, 70, 1, 1}); }

TEST(Conv, NegativePadsCrop) {
  Conv conv = conv2d(1, 0);
  conv.pads = {-1, 0, 0, -2};
  expect_naive(conv, {1, 2, 6, 7}, {3, 2, 2, 2});
}

TEST(Conv, OneAndThreeDimensions) {
  Conv conv;
  conv.strides = {2};
  conv.dilations = {1};
  conv.pads = {1, 2};
  expect_naive(conv, {2, 3, 10}, {4, 3, 3});
  conv.strides = {1, 2, 1};
  conv.dilations = {1, 1, 2};
  conv.pads = {1, 0, 1, 0, 1, 1};
  expect_naive(conv, {1, 2, 4, 5, 6}, {3, 2, 2, 3, 2});
}

TEST(Conv, AddsBiasAndResidualThenActivates) {
  Conv conv = conv2d(1, 0);
  conv.activation = {UnaryFn::kRelu, 0, 0};
  const HostTensor x = f32({1, 1, 1, 2}, {1, 2});
  const HostTensor w = f32({2, 1, 1, 1}, {1, -1});
  const HostTensor bias = f32({2}, {0.5, 1});
  const HostTensor residual = f32({1, 2, 1, 2}, {1, -10, 2, 3});
  EXPECT_EQ(run_values(conv, {&x, &w, &bias, &residual}), (std::vector<double>{2.5, 0, 2, 2}));
  EXPECT_EQ(run_values(conv, {&x, &w, nullptr, &residual}), (std::vector<double>{2, 0, 1, 1}));
}

TEST(Conv, IsTheSameInEveryLayoutAndOnSlices) {
  const Conv conv = conv2d(2, 1, 1, 2);
  const HostTensor x = random_tensor(DType::kF32, {2, 6, 7, 8}, -1, 1, 1);
  const HostTensor w = random_tensor(DType::kF32, {4, 3, 3, 3}, -1, 1, 2);
  const HostTensor residual = random_tensor(DType::kF32, {2, 4, 4, 4}, -1, 1, 3);
  const auto wanted = run_values(conv, {&x, &w, nullptr, &residual});
  for (const Layout layout : {Layout::kRowMajor, Layout::kChannelsLast}) {
    for (const Spacing spacing : {Spacing::kDense, Spacing::kSliced}) {
      const HostTensor stored = stored_as(x, layout, spacing);
      const HostTensor stored_residual = stored_as(residual, layout, spacing);
      EXPECT_EQ(run_values(conv, {&stored, &w, nullptr, &stored_residual},
                           {.layout = layout, .spacing = spacing}),
                wanted);
    }
  }
}

TEST(Conv, MayOverwriteItsResidual) {
  const HostTensor x = random_tensor(DType::kF32, {1, 3, 6, 5}, -1, 1, 1);
  const HostTensor w = random_tensor(DType::kF32, {4, 3, 3, 3}, -1, 1, 2);
  const HostTensor residual = random_tensor(DType::kF32, {1, 4, 6, 5}, -1, 1, 3);
  EXPECT_EQ(run_values(conv2d(1, 1), {&x, &w, nullptr, &residual}, {.overwritten = 3}),
            run_values(conv2d(1, 1), {&x, &w, nullptr, &residual}));
}

TEST(Conv, DoesNotDependOnTheOrderOfItsPieces) {
  const HostTensor x = random_tensor(DType::kF32, {1, 5, 20, 20}, -1, 1, 1);
  const HostTensor w = random_tensor(DType::kF32, {70, 5, 3, 3}, -1, 1, 2);
  ReversedParallel parallel;
  EXPECT_EQ(run_values(conv2d(1, 1), {&x, &w}, {.parallel = &parallel}),
            run_values(conv2d(1, 1), {&x, &w}));
}

TEST(Conv, KeepsTheElementType) {
  for (const DType dtype : {DType::kF16, DType::kBF16, DType::kF64}) {
    const HostTensor x = tensor_of(dtype, {1, 1, 1, 3}, {1, 2, 3});
    const HostTensor w = tensor_of(dtype, {1, 1, 1, 2}, {0.5, 0.25});
    EXPECT_EQ(run_values(conv2d(1, 0), {&x, &w}), (std::vector<double>{1, 1.75}));
  }
}

TEST(Conv, AcceptsAnEmptyBatch) {
  const HostTensor x = make_tensor(DType::kF32, {0, 1, 3, 3});
  const HostTensor w = f32({1, 1, 2, 2}, {1, 1, 1, 1});
  EXPECT_TRUE(run_values(conv2d(1, 0), {&x, &w}).empty());
}

TEST(Conv, RefusesWhatItCannotCompute) {
  const TensorType x = {DType::kF32, {1, 4, 5, 5}};
  const TensorType w = {DType::kF32, {6, 4, 3, 3}};
  const auto with = [](auto change) {
    Conv conv = conv2d(1, 0);
    change(conv);
    return conv;
  };
  const TensorType int_x = {DType::kI32, {1, 4, 5, 5}};
  expect_refused(conv2d(1, 0), {&int_x, &w}, "x: needed f32");
  const TensorType half_w = {DType::kF16, {6, 4, 3, 3}};
  expect_refused(conv2d(1, 0), {&x, &half_w}, "w: needed f32, found f16");
  const TensorType flat_x = {DType::kF32, {4, 5}};
  expect_refused(conv2d(1, 0), {&flat_x, &w}, "x: needed rank 3 to 5");
  const TensorType flat_w = {DType::kF32, {6, 4, 3}};
  expect_refused(conv2d(1, 0), {&x, &flat_w}, "w: needed rank 4");
  expect_refused(with([](Conv& c) { c.group = 0; }), {&x, &w}, "group: needed");
  expect_refused(with([](Conv& c) { c.group = 3; }), {&x, &w}, "4 channels of x = 3 groups");
  const TensorType odd_w = {DType::kF32, {7, 2, 3, 3}};
  expect_refused(with([](Conv& c) { c.group = 2; }), {&x, &odd_w}, "divisible by 2 groups");
  expect_refused(with([](Conv& c) { c.strides = {1, 0}; }), {&x, &w}, "strides: needed");
  expect_refused(with([](Conv& c) { c.strides = {1}; }), {&x, &w}, "strides: needed 2 entries");
  expect_refused(with([](Conv& c) { c.dilations = {0, 1}; }), {&x, &w}, "dilations: needed");
  expect_refused(with([](Conv& c) { c.pads = {0, 0}; }), {&x, &w}, "pads: needed 4 entries");
  expect_refused(with([](Conv& c) { c.dilations = {1, 3}; }), {&x, &w}, "kernel: needed an extent");
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  expect_refused(with([](Conv& c) { c.pads = {kHuge, 0, 0, 0}; }), {&x, &w}, "pads: needed");
  expect_refused(with([](Conv& c) { c.dilations = {kMaxDim, kMaxDim}; }), {&x, &w}, "too large");
  expect_refused(with([](Conv& c) {
                   c.pads = {kMaxDim, kMaxDim, kMaxDim, kMaxDim};
                 }),
                 {&x, &w}, "too large");
  const TensorType bias = {DType::kF32, {5}};
  expect_refused(conv2d(1, 0), {&x, &w, &bias}, "bias: needed 6, found 5");
  const TensorType residual = {DType::kF32, {1, 6, 3, 4}};
  expect_refused(conv2d(1, 0), {&x, &w, nullptr, &residual}, "residual: needed 1x6x3x3");
  expect_refused(with([](Conv& c) { c.activation.fn = UnaryFn::kIsNan; }), {&x, &w},
                 "activation: needed");
  const TensorType no_kernel = {DType::kF32, {6, 4, 0, 3}};
  expect_refused(conv2d(1, 0), {&x, &no_kernel}, "kernel: needed");
}

ConvTranspose transpose2d(int64_t stride, int64_t pad, int64_t extra, int64_t group = 1) {
  ConvTranspose conv;
  conv.strides = {stride, stride};
  conv.dilations = {1, 1};
  conv.pads = {pad, pad, pad, pad};
  conv.output_padding = {extra, extra};
  conv.group = group;
  return conv;
}

// Every input element spreads over its window.
TEST(ConvTranspose, SpreadsItsInput) {
  const int64_t stride = 2, pad = 1;
  const ConvTranspose conv = transpose2d(stride, pad, 1, 2);
  const HostTensor x = random_tensor(DType::kF32, {2, 4, 5, 3}, -1, 1, 1);
  const HostTensor w = random_tensor(DType::kF32, {4, 3, 3, 2}, -1, 1, 2);
  const TensorType x_type = x.type(), w_type = w.type();
  const Dims y = inferred_dims(conv, {&x_type, &w_type});
  ASSERT_EQ(y, (Dims{2, 6, 10, 5}));
  const Dims x_steps = row_major_strides(x.dims), w_steps = row_major_strides(w.dims),
             y_steps = row_major_strides(y);
  const auto xs = values_of(x), ws = values_of(w);
  std::vector<double> wanted(static_cast<size_t>(y.count()));
  for_each_coordinate(x.dims, [&](const Dims& from) {
    for_each_coordinate({3, 3, 2}, [&](const Dims& tap) {  // filter of the group, rows, columns
      const Dims to = {from[0], from[1] / 2 * 3 + tap[0], from[2] * stride + tap[1] - pad,
                       from[3] * stride + tap[2] - pad};
      if (to[2] < 0 || to[2] >= y[2] || to[3] < 0 || to[3] >= y[3]) return;
      wanted[static_cast<size_t>(offset_of(to, y_steps))] +=
          xs[static_cast<size_t>(offset_of(from, x_steps))] *
          ws[static_cast<size_t>(offset_of({from[1], tap[0], tap[1], tap[2]}, w_steps))];
    });
  });
  expect_close(run_values(conv, {&x, &w}), wanted, kRelative, 1e-5);
  const HostTensor nhwc = stored_as(x, Layout::kChannelsLast, Spacing::kSliced);
  expect_close(run_values(conv, {&nhwc, &w}, {.layout = Layout::kChannelsLast}), wanted, kRelative,
               1e-5);
}

TEST(ConvTranspose, RefusesWhatItCannotCompute) {
  const TensorType x = {DType::kF32, {1, 4, 5, 5}};
  const TensorType w = {DType::kF32, {4, 2, 3, 3}};
  const TensorType other_w = {DType::kF32, {3, 2, 3, 3}};
  expect_refused(transpose2d(1, 0, 0), {&x, &other_w}, "dimension 0 = 4 channels");
  expect_refused(transpose2d(1, 0, 0, 3), {&x, &w}, "3 equal groups");
  expect_refused(transpose2d(1, 0, -1), {&x, &w}, "output_padding: needed");
  expect_refused(transpose2d(1, 4, 0), {&x, &w}, "pads: needed");
  expect_refused(transpose2d(kMaxDim, 0, 0), {&x, &w}, "too large");
}

TEST(MatMul, ComputesASmallCase) {
  const HostTensor a = f32({2, 2}, {1, 2, 3, 4});
  const HostTensor b = f32({2, 3}, {1, 0, 2, 0, 1, 3});
  const HostTensor c = f32({3}, {10, 20, 30});
  MatMul op;
  EXPECT_EQ(run_values(op, {&a, &b}), (std::vector<double>{1, 2, 8, 3, 4, 18}));
  op.alpha = 2;
  op.beta = 0.5;
  EXPECT_EQ(run_values(op, {&a, &b, &c}), (std::vector<double>{7, 14, 31, 11, 18, 51}));
  op.trans_a = true;
  EXPECT_EQ(run_values(op, {&a, &b}), (std::vector<double>{2, 6, 22, 4, 8, 32}));
}

TEST(MatMul, TransposesAsIfTheInputWere) {
  const HostTensor a = random_tensor(DType::kF32, {2, 1, 9, 5}, -1, 1, 1);
  const HostTensor b = random_tensor(DType::kF32, {3, 5, 40}, -1, 1, 2);
  MatMul plain, transposed;
  transposed.trans_a = transposed.trans_b = true;
  const auto swapped = [](const HostTensor& t) {
    HostTensor view = t;  // the same elements under swapped dimensions, then made dense
    const int r = t.dims.rank();
    std::swap(view.dims[r - 1], view.dims[r - 2]);
    std::swap(view.strides[r - 1], view.strides[r - 2]);
    return stored_as(view, Layout::kRowMajor);
  };
  const HostTensor at = swapped(a), bt = swapped(b);
  const auto wanted = run_values(plain, {&a, &b});
  EXPECT_EQ(wanted.size(), 2u * 3 * 9 * 40);
  EXPECT_EQ(run_values(transposed, {&at, &bt}), wanted);
}

TEST(MatMul, TakesVectors) {
  const HostTensor v = f32({2}, {1, 2});
  const HostTensor m = f32({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(run_values(MatMul{}, {&v, &v}), (std::vector<double>{5}));
  EXPECT_EQ(run_values(MatMul{}, {&v, &m}), (std::vector<double>{7, 10}));
  EXPECT_EQ(run_values(MatMul{}, {&m, &v}), (std::vector<double>{5, 11}));
}

TEST(MatMul, IntegersWrapAround) {
  const HostTensor a = tensor_of(DType::kI32, {1, 2}, {65536, 3});
  const HostTensor b = tensor_of(DType::kI32, {2, 1}, {65536, 5});
  EXPECT_EQ(run_values(MatMul{}, {&a, &b}), (std::vector<double>{15}));
}

TEST(MatMul, AddsTheResidualThenActivates) {
  MatMul op;
  op.activation = {UnaryFn::kClip, -1, 6};
  const HostTensor a = f32({1, 1}, {2});
  const HostTensor b = f32({1, 3}, {1, 2, 3});
  const HostTensor residual = f32({1, 3}, {-10, 1, 5});
  EXPECT_EQ(run_values(op, {&a, &b, nullptr, &residual}), (std::vector<double>{-1, 5, 6}));
  EXPECT_EQ(run_values(op, {&a, &b, nullptr, &residual}, {.overwritten = 3}),
            (std::vector<double>{-1, 5, 6}));
}

TEST(MatMul, RefusesWhatItCannotCompute) {
  const TensorType a = {DType::kF32, {2, 3}}, b = {DType::kF32, {4, 5}};
  expect_refused(MatMul{}, {&a, &b}, "inner dimension of 3, found 4");
  const TensorType bytes = {DType::kI8, {2, 3}};
  expect_refused(MatMul{}, {&bytes, &b}, "a: needed");
  const TensorType batch2 = {DType::kF32, {2, 2, 3}}, batch3 = {DType::kF32, {3, 3, 2}};
  expect_refused(MatMul{}, {&batch2, &batch3}, "leading dimensions that broadcast");
  const TensorType ok = {DType::kF32, {3, 5}}, c = {DType::kF32, {1, 2, 5}};
  expect_refused(MatMul{}, {&a, &ok, &c}, "c: needed a shape that broadcasts to 2x5");
  expect_refused(MatMul{}, {&a, &ok, nullptr, &a}, "residual: needed 2x5");
  MatMul op;
  op.trans_a = true;
  const TensorType vector = {DType::kF32, {3}}, scalar = {DType::kF32, {}};
  expect_refused(op, {&vector, &ok}, "a: needed rank 2");
  expect_refused(MatMul{}, {&scalar, &ok}, "a: needed rank 1");
  const TensorType ia = {DType::kI32, {2, 3}}, ib = {DType::kI32, {3, 2}};
  op = MatMul{};
  op.alpha = 0.5;
  expect_refused(op, {&ia, &ib}, "needed integers");
  op = MatMul{};
  op.activation.fn = UnaryFn::kRelu;
  expect_refused(op, {&ia, &ib}, "activation: needed identity");
}

TEST(ConvInteger, SubtractsZeroPointsExactly) {
  ConvInteger op;
  op.strides = op.dilations = {1, 1};
  op.pads = {1, 1, 1, 1};  // padding is the zero point: it adds nothing
  const HostTensor x = random_tensor(DType::kU8, {1, 3, 4, 5}, 0, 256, 1);
  const HostTensor w = random_tensor(DType::kI8, {2, 3, 3, 3}, -128, 128, 2);
  const HostTensor x_zero = tensor_of(DType::kU8, {}, {77});
  const auto wanted = naive_conv(op, x, w, {1, 2, 4, 5}, 77);
  EXPECT_EQ(run_values(op, {&x, &w, &x_zero}), wanted);
  const HostTensor nhwc = stored_as(x, Layout::kChannelsLast);
  EXPECT_EQ(run_values(op, {&nhwc, &w, &x_zero}, {.layout = Layout::kChannelsLast}), wanted);
}

TEST(ConvInteger, HasAZeroPointPerFilter) {
  ConvInteger op;
  op.strides = op.dilations = {1};
  op.pads = {0, 0};
  const HostTensor x = tensor_of(DType::kU8, {1, 1, 2}, {3, 4});
  const HostTensor w = tensor_of(DType::kU8, {2, 1, 1}, {5, 5});
  const HostTensor w_zero = tensor_of(DType::kU8, {2}, {1, 2});
  EXPECT_EQ(run_values(op, {&x, &w, nullptr, &w_zero}), (std::vector<double>{12, 16, 9, 12}));
}

struct QuantizedConv {
  QLinearConv op;
  HostTensor x = tensor_of(DType::kU8, {1, 1, 4}, {0, 10, 130, 255});
  HostTensor x_scale = f32({}, {0.5}), x_zero = tensor_of(DType::kU8, {}, {128});
  HostTensor w = tensor_of(DType::kI8, {2, 1, 1}, {1, -3});
  HostTensor w_scale = f32({2}, {1, 0.5}), w_zero = tensor_of(DType::kI8, {2}, {0, 0});
  HostTensor y_scale = f32({}, {1}), y_zero = tensor_of(DType::kU8, {}, {100});
  HostTensor bias = tensor_of(DType::kI32, {2}, {1, 1});
  QuantizedConv() {
    op.strides = op.dilations = {1};
    op.pads = {0, 0};
  }
};

TEST(QLinearConv, RoundsHalfToEvenAndSaturates) {
  QuantizedConv q;
  // Filter 0: (x - 128 + 1) / 2 = -63.5, -58.5, 1.5, 64; filter 1: (-3 (x - 128) + 1) / 4.
  EXPECT_EQ(run_values(q.op, {&q.x, &q.x_scale, &q.x_zero, &q.w, &q.w_scale, &q.w_zero, &q.y_scale,
                              &q.y_zero, &q.bias}),
            (std::vector<double>{36, 42, 102, 164, 196, 189, 99, 5}));
  q.y_scale = f32({}, {0.125});
  EXPECT_EQ(run_values(q.op, {&q.x, &q.x_scale, &q.x_zero, &q.w, &q.w_scale, &q.w_zero, &q.y_scale,
                              &q.y_zero, &q.bias}),
            (std::vector<double>{0, 0, 112, 255, 255, 255, 90, 0}));
}

TEST(QLinearConv, RefusesWhatItCannotCompute) {
  const QuantizedConv q;
  const TensorType x = q.x.type(), w = q.w.type(), scale = q.x_scale.type(),
                   x_zero = q.x_zero.type(), w_zero = q.w_zero.type();
  const TensorType three_scales = {DType::kF32, {3}};
  const TensorType signed_zero = {DType::kI8, {}};
  const TensorType float_bias = {DType::kF32, {2}};
  expect_refused(q.op, {&scale, &scale, &x_zero, &w, &scale, &w_zero, &scale, &x_zero},
                 "x: needed u8 or i8");
  expect_refused(q.op, {&x, &scale, &x_zero, &w, &three_scales, &w_zero, &scale, &x_zero},
                 "w_scale: needed one value");
  expect_refused(q.op, {&x, &scale, &signed_zero, &w, &scale, &w_zero, &scale, &x_zero},
                 "x_zero: needed u8");
  expect_refused(q.op, {&x, &scale, &x_zero, &w, &scale, &w_zero, &scale, &x_zero, &float_bias},
                 "bias: needed i32");
}

TEST(MatMulInteger, HasZeroPointsPerRowAndColumn) {
  const HostTensor a = tensor_of(DType::kU8, {2, 2}, {1, 2, 3, 4});
  const HostTensor b = tensor_of(DType::kI8, {2, 2}, {1, -2, 3, 4});
  const HostTensor a_zero = tensor_of(DType::kU8, {2}, {1, 2});
  const HostTensor b_zero = tensor_of(DType::kI8, {1, 2}, {0, 1});
  EXPECT_EQ(run_values(MatMulInteger{}, {&a, &b, &a_zero, &b_zero}),
            (std::vector<double>{3, 3, 7, 3}));
  EXPECT_EQ(run_values(MatMulInteger{}, {&a, &b}), (std::vector<double>{7, 6, 15, 10}));
  const TensorType a_type = a.type(), b_type = b.type(), three = {DType::kU8, {3}};
  expect_refused(MatMulInteger{}, {&a_type, &b_type, &three}, "a_zero: needed one value, 2 or 2x1");
}

TEST(QLinearMatMul, ScalesPerColumn) {
  const HostTensor a = tensor_of(DType::kU8, {1, 2}, {10, 20});
  const HostTensor b = tensor_of(DType::kU8, {2, 2}, {1, 2, 3, 4});
  const HostTensor zero = tensor_of(DType::kU8, {}, {0});
  const HostTensor one = f32({}, {1}), halves = f32({2}, {0.5, 0.25});
  const HostTensor zeros = tensor_of(DType::kU8, {2}, {0, 0});
  const HostTensor y_zero = tensor_of(DType::kI8, {}, {-3});
  EXPECT_EQ(run_values(QLinearMatMul{}, {&a, &one, &zero, &b, &halves, &zeros, &one, &y_zero}),
            (std::vector<double>{32, 22}));
}

}  // namespace
}  // namespace memopt::testing
