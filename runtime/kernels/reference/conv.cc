// Convolutions. One loop nest serves all of them: it gathers one input channel under one tap of the
// window for a few output positions and adds it, times the weight, to a few filters. So the inner
// loop is over local arrays, whatever the layout, and sums are in one order: taps, then channels.
#include "runtime/kernels/reference/operands.h"
#include "runtime/kernels/reference/quantize.h"
#include "runtime/kernels/reference/reference.h"
#include "runtime/kernels/scalar_math.h"
#include "runtime/kernels/window.h"

namespace memopt {
namespace {

constexpr int64_t kPositions = 16;  // output positions, across the batch
constexpr int64_t kFilters = 32;    // output channels of one group

// Strides in elements of the dimensions that are not spatial.
struct ConvShape {
  WindowAxes axes;
  int64_t batch = 1;
  int64_t group = 1;
  int64_t channels = 0;  // of x, per group
  int64_t filters = 0;   // of y, per group
  int64_t x_batch = 0, x_channel = 0;
  int64_t y_batch = 0, y_channel = 0;
  // Weights: between groups, filters of a group, channels of a group, taps.
  int64_t w_group = 0, w_filter = 0, w_channel = 0;
  std::array<int64_t, 3> w_tap{};
};

std::array<int64_t, 3> tap_steps(const Tensor& w) {
  std::array<int64_t, 3> steps{};
  for (int i = 2; i < w.rank(); ++i) steps[static_cast<size_t>(i + 3 - w.rank())] = w.strides[i];
  return steps;
}

ConvShape conv_shape(const ConvWindow& op, const Tensor& x, const Tensor& w, const Tensor& y) {
  ConvShape shape;
  shape.axes = window_axes(x, y, w.dims.span().subspan(2), op.strides, op.dilations, op.pads);
  shape.batch = x.dims[0];
  shape.group = op.group;
  shape.channels = x.dims[1] / op.group;
  shape.filters = y.dims[1] / op.group;
  shape.x_batch = x.strides[0];
  shape.x_channel = x.strides[1];
  shape.y_batch = y.strides[0];
  shape.y_channel = y.strides[1];
  shape.w_tap = tap_steps(w);
  return shape;
}

// Weights (M, C / group, ...).
ConvShape forward_shape(const ConvWindow& op, const Tensor& x, const Tensor& w, const Tensor& y) {
  ConvShape shape = conv_shape(op, x, w, y);
  shape.w_group = shape.filters * w.strides[0];
  shape.w_filter = w.strides[0];
  shape.w_channel = w.strides[1];
  return shape;
}

// Weights (C, M / group, ...).
ConvShape transposed_shape(const ConvWindow& op, const Tensor& x, const Tensor& w,
                           const Tensor& y) {
  ConvShape shape = conv_shape(op, x, w, y);
  shape.w_group = shape.channels * w.strides[0];
  shape.w_filter = w.strides[1];
  shape.w_channel = w.strides[0];
  return shape;
}

// The input coordinate under tap `k` at output coordinate `o`; false where there is none.
template <bool kTransposed>
bool input_coordinate(const WindowAxis& axis, int64_t o, int64_t k, int64_t& in) {
  if constexpr (kTransposed) {
    const int64_t scaled = o + axis.pad - k * axis.dilation;
    in = scaled / axis.stride;
    return scaled >= 0 && scaled % axis.stride == 0 && in < axis.in;
  } else {
    in = o * axis.stride + k * axis.dilation - axis.pad;
    return in >= 0 && in < axis.in;
  }
}

// Where a few consecutive output positions lie.
struct Lanes {
  int64_t count = 0;
  std::array<std::array<int64_t, 3>, kPositions> at{};
  std::array<int64_t, kPositions> x{};  // offset of the image in x
  std::array<int64_t, kPositions> y{};  // offset of the position in y, and its residual
  std::array<int64_t, kPositions> image{};
};

Lanes lanes_at(const ConvShape& shape, int64_t begin) {
  const int64_t per_image = positions(shape.axes);
  Lanes lanes;
  lanes.count = std::min(kPositions, shape.batch * per_image - begin);
  for (size_t lane = 0; lane < static_cast<size_t>(lanes.count); ++lane) {
    const int64_t p = begin + static_cast<int64_t>(lane);
    lanes.image[lane] = p / per_image;
    lanes.at[lane] = position(shape.axes, p % per_image);
    lanes.x[lane] = lanes.image[lane] * shape.x_batch;
    lanes.y[lane] = lanes.image[lane] * shape.y_batch;
    for (size_t i = 0; i < 3; ++i) lanes.y[lane] += lanes.at[lane][i] * shape.axes[i].y_step;
  }
  return lanes;
}

// Calls finish(sum, filter, y_offset, lanes, lane) for every output element. load_x(offset) and
// load_w(offset, filter) give an Acc.
template <typename Acc, bool kTransposed, typename LoadX, typename LoadW, typename Finish>
void convolve(const ConvShape& shape, Parallel* parallel, LoadX load_x, LoadW load_w,
              Finish finish) {
  const WindowAxis &depth = shape.axes[0], &height = shape.axes[1], &width = shape.axes[2];
  const int64_t blocks = (shape.batch * positions(shape.axes) + kPositions - 1) / kPositions;
  const int64_t parts = (shape.filters + kFilters - 1) / kFilters;
  for_each_chunk(parallel, blocks * shape.group * parts, [&](int64_t chunk) {
    const int64_t first = chunk % parts * kFilters;
    const int64_t filters = std::min(kFilters, shape.filters - first);
    const int64_t group = chunk / parts % shape.group;
    const Lanes lanes = lanes_at(shape, chunk / parts / shape.group * kPositions);
    const int64_t x_first = group * shape.channels * shape.x_channel;
    const int64_t w_first = group * shape.w_group + first * shape.w_filter;
    const int64_t first_filter = group * shape.filters + first;

    Acc sums[kFilters][kPositions] = {};
    const auto add_tap = [&](int64_t kd, int64_t kh, int64_t kw) {
      bool inside[kPositions] = {};
      int64_t from[kPositions] = {};
      bool any = false;
      for (size_t lane = 0; lane < static_cast<size_t>(lanes.count); ++lane) {
        const auto& at = lanes.at[lane];
        int64_t d, h, w;
        inside[lane] = input_coordinate<kTransposed>(depth, at[0], kd, d) &&
                       input_coordinate<kTransposed>(height, at[1], kh, h) &&
                       input_coordinate<kTransposed>(width, at[2], kw, w);
        if (!inside[lane]) continue;
        any = true;
        from[lane] =
            lanes.x[lane] + x_first + d * depth.x_step + h * height.x_step + w * width.x_step;
      }
      if (!any) return;
      const int64_t tap = w_first + kd * shape.w_tap[0] + kh * shape.w_tap[1] + kw * shape.w_tap[2];
      for (int64_t c = 0; c < shape.channels; ++c) {
        Acc values[kPositions];
        for (int64_t lane = 0; lane < kPositions; ++lane) {
          values[lane] = inside[lane] ? load_x(from[lane] + c * shape.x_channel) : Acc(0);
        }
        for (int64_t m = 0; m < filters; ++m) {
          const Acc weight =
              load_w(tap + m * shape.w_filter + c * shape.w_channel, first_filter + m);
          for (int64_t lane = 0; lane < kPositions; ++lane) sums[m][lane] += weight * values[lane];
        }
      }
    };
    for (int64_t kd = 0; kd < depth.kernel; ++kd) {
      for (int64_t kh = 0; kh < height.kernel; ++kh) {
        for (int64_t kw = 0; kw < width.kernel; ++kw) add_tap(kd, kh, kw);
      }
    }
    for (int64_t m = 0; m < filters; ++m) {
      for (int64_t lane = 0; lane < lanes.count; ++lane) {
        const int64_t y = lanes.y[lane] + (first_filter + m) * shape.y_channel;
        finish(sums[m][lane], first_filter + m, y, lanes, lane);
      }
    }
  });
}

// The residual's offset at a filter and lane: it may have other strides than y.
int64_t residual_offset(const Tensor& residual, int64_t filter, const Lanes& lanes, int64_t lane) {
  int64_t offset = lanes.image[lane] * residual.strides[0] + filter * residual.strides[1];
  const int spatial = residual.rank() - 2;
  for (int i = 0; i < spatial; ++i) {
    offset += lanes.at[lane][static_cast<size_t>(3 - spatial + i)] * residual.strides[2 + i];
  }
  return offset;
}

// Every element of the residual is read just before that of y is written, and not again.
bool over_residual(const KernelRequest& request, int input, int output) {
  return input == 3 && output == 0 && same_elements(request, input, output);
}

template <bool kTransposed>
Status run_float(const ConvShape& shape, const Activation& activation, const RunContext& context) {
  return dispatch_float(context.inputs[0].dtype, [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    const T* x = context.inputs[0].as<T>();
    const T* w = context.inputs[1].as<T>();
    T* y = context.outputs[0].as<T>();
    const Tensor* bias = optional_operand(context.inputs, 2);
    const Tensor* residual = optional_operand(context.inputs, 3);
    convolve<Compute<T>, kTransposed>(
        shape, context.parallel, [&](int64_t i) { return load(x[i]); },
        [&](int64_t i, int64_t) { return load(w[i]); },
        [&](Compute<T> sum, int64_t filter, int64_t to, const Lanes& lanes, int64_t lane) {
          if (bias) sum += load(bias->as<T>()[filter * bias->strides[0]]);
          if (residual) {
            sum += load(residual->as<T>()[residual_offset(*residual, filter, lanes, lane)]);
          }
          y[to] = store<T>(activate(activation, sum));
        });
    return {};
  });
}

Status run_conv(const Conv& op, const RunContext& context) {
  return run_float<false>(
      forward_shape(op, context.inputs[0], context.inputs[1], context.outputs[0]), op.activation,
      context);
}

Status run_conv_transpose(const ConvTranspose& op, const RunContext& context) {
  return run_float<true>(
      transposed_shape(op, context.inputs[0], context.inputs[1], context.outputs[0]), op.activation,
      context);
}

// Zero point or scale number `i` of one or many.
int64_t zero_at(const Tensor* zero, int64_t i) {
  if (zero == nullptr) return 0;
  return load_int(zero->dtype, zero->data, zero->count() == 1 ? 0 : i * zero->strides[0]);
}
float scale_at(const Tensor& scale, int64_t i) {
  return scale.as<float>()[scale.count() == 1 ? 0 : i * scale.strides[0]];
}

// Sums of 8-bit products modulo 2^32, as i32.
template <typename Finish>
Status run_integer(const ConvWindow& op, const Tensor& x, const Tensor* x_zero, const Tensor& w,
                   const Tensor* w_zero, const Tensor& y, Parallel* parallel, Finish finish) {
  const ConvShape shape = forward_shape(op, x, w, y);
  return dispatch_byte(x.dtype, [&](auto x_tag) {
    return dispatch_byte(w.dtype, [&](auto w_tag) -> Status {
      using X = typename decltype(x_tag)::type;
      using W = typename decltype(w_tag)::type;
      const X* x_data = x.as<X>();
      const W* w_data = w.as<W>();
      const int64_t zero = zero_at(x_zero, 0);
      const int64_t first_w_zero = zero_at(w_zero, 0);
      const bool per_filter = w_zero != nullptr && w_zero->count() > 1;
      convolve<uint32_t, false>(
          shape, parallel, [&](int64_t i) { return static_cast<uint32_t>(x_data[i] - zero); },
          [&](int64_t i, int64_t filter) {
            const int64_t filter_zero = per_filter ? zero_at(w_zero, filter) : first_w_zero;
            return static_cast<uint32_t>(w_data[i] - filter_zero);
          },
          [&](uint32_t sum, int64_t filter, int64_t to, const Lanes&, int64_t) {
            finish(sum, filter, to);
          });
      return {};
    });
  });
}

Status run_conv_integer(const ConvInteger& op, const RunContext& context) {
  const Tensor& y = context.outputs[0];
  return run_integer(
      op, context.inputs[0], optional_operand(context.inputs, 2), context.inputs[1],
      optional_operand(context.inputs, 3), y, context.parallel,
      [&](uint32_t sum, int64_t, int64_t to) { y.as<int32_t>()[to] = static_cast<int32_t>(sum); });
}

Status run_qlinear_conv(const QLinearConv& op, const RunContext& context) {
  const auto& in = context.inputs;
  const Tensor& y = context.outputs[0];
  const Tensor* bias = optional_operand(in, 8);
  const float x_scale = scale_at(in[1], 0);
  const float y_scale = scale_at(in[6], 0);
  const int64_t y_zero = zero_at(&in[7], 0);
  return dispatch_byte(y.dtype, [&](auto tag) -> Status {
    using Y = typename decltype(tag)::type;
    return run_integer(
        op, in[0], &in[2], in[3], &in[5], y, context.parallel,
        [&](uint32_t sum, int64_t filter, int64_t to) {
          if (bias) {
            sum += static_cast<uint32_t>(bias->as<int32_t>()[filter * bias->strides[0]]);
          }
          const float scale = x_scale * scale_at(in[4], filter) / y_scale;
          y.as<Y>()[to] = requantize<Y>(static_cast<int32_t>(sum), scale, y_zero);
        });
  });
}

}  // namespace

const KernelDef* Conv_reference() {
  static constexpr KernelDef kDef = reference_def<Conv, run_conv>(over_residual);
  return &kDef;
}

const KernelDef* ConvTranspose_reference() {
  static constexpr KernelDef kDef = reference_def<ConvTranspose, run_conv_transpose>(over_residual);
  return &kDef;
}

const KernelDef* QLinearConv_reference() {
  static constexpr KernelDef kDef = reference_def<QLinearConv, run_qlinear_conv>();
  return &kDef;
}

const KernelDef* ConvInteger_reference() {
  static constexpr KernelDef kDef = reference_def<ConvInteger, run_conv_integer>();
  return &kDef;
}

}  // namespace memopt
