// Pooling and its inverse. Windows are walked for a block of channels at once: contiguous in nhwc,
// and in nchw a row of windows re-reads the few lines that are in the cache.
#include <cmath>

#include "runtime/kernels/reference/operands.h"
#include "runtime/kernels/reference/reference.h"
#include "runtime/kernels/reference/window.h"

namespace memopt {
namespace {

constexpr int64_t kChannels = 32;

// One output position: the taps [begin, end) of each axis that fall inside of x.
struct Taps {
  std::array<int64_t, 3> begin{};
  std::array<int64_t, 3> end{};
  std::array<int64_t, 3> start{};  // the input coordinate of tap 0
  int64_t inside = 1;              // taps on x
  int64_t padded = 1;              // taps on x or its padding
};

// `pads_end` bounds the padding behind x, which a window of ceil mode may leave.
Taps taps_at(const WindowAxes& axes, const std::array<int64_t, 3>& pads_end,
             const std::array<int64_t, 3>& at) {
  Taps taps;
  for (size_t i = 0; i < 3; ++i) {
    const WindowAxis& axis = axes[i];
    const auto taps_below = [&](int64_t limit) {  // taps with start + tap * dilation < limit
      const int64_t room = limit - taps.start[i];
      return std::clamp<int64_t>((room + axis.dilation - 1) / axis.dilation, 0, axis.kernel);
    };
    taps.start[i] = at[i] * axis.stride - axis.pad;
    taps.begin[i] = taps.start[i] < 0 ? taps_below(0) : 0;
    taps.end[i] = taps.start[i] < axis.in ? taps_below(axis.in) : 0;
    const int64_t end = axis.in + pads_end[i];
    taps.inside *= std::max<int64_t>(0, taps.end[i] - taps.begin[i]);
    taps.padded *= taps.start[i] < end ? taps_below(end) : 0;
  }
  return taps;
}

// Everything about x and y that the walk needs.
struct PoolShape {
  WindowAxes axes;
  std::array<int64_t, 3> pads_end{};
  int64_t batch, channels;
  int64_t x_batch, x_channel, y_batch, y_channel;
};

PoolShape pool_shape(const Pool& op, const Tensor& x, const Tensor& y) {
  PoolShape shape{.axes = window_axes(x, y, op.kernel, op.strides, op.dilations, op.pads),
                  .batch = x.dims[0],
                  .channels = x.dims[1],
                  .x_batch = x.strides[0],
                  .x_channel = x.strides[1],
                  .y_batch = y.strides[0],
                  .y_channel = y.strides[1]};
  const size_t n = op.kernel.size();
  for (size_t i = 0; i < n; ++i) shape.pads_end[3 - n + i] = op.pads[n + i];
  return shape;
}

// One window of a block of channels.
struct WindowBlock {
  const Taps& taps;
  int64_t image, channel, channels;
  std::array<int64_t, 3> at;
  int64_t x, y;  // offsets of the first channel: of input coordinate 0, of the output position
};

// Calls body(block) for every window. Rows of windows are independent pieces of work.
template <typename F>
void for_each_window(const PoolShape& shape, Parallel* parallel, F&& body) {
  const auto& [depth, height, width] = shape.axes;
  const int64_t blocks = (shape.channels + kChannels - 1) / kChannels;
  for_each_chunk(parallel, shape.batch * depth.out * height.out * blocks, [&](int64_t chunk) {
    const int64_t channel = chunk % blocks * kChannels;
    const int64_t row = chunk / blocks;
    const int64_t image = row / (depth.out * height.out);
    std::array<int64_t, 3> at = {row / height.out % depth.out, row % height.out, 0};
    for (; at[2] < width.out; ++at[2]) {
      const Taps taps = taps_at(shape.axes, shape.pads_end, at);
      int64_t y = image * shape.y_batch + channel * shape.y_channel;
      for (size_t i = 0; i < 3; ++i) y += at[i] * shape.axes[i].y_step;
      const int64_t x = image * shape.x_batch + channel * shape.x_channel;
      body(WindowBlock{taps, image, channel, std::min(kChannels, shape.channels - channel), at, x,
                       y});
    }
  });
}

// Calls body(x_offset, coordinates) for every tap of the window on x.
template <typename F>
void for_each_tap(const PoolShape& shape, const WindowBlock& window, F&& body) {
  const Taps& taps = window.taps;
  const auto coordinate = [&](size_t i, int64_t tap) {
    return taps.start[i] + tap * shape.axes[i].dilation;
  };
  for (int64_t kd = taps.begin[0]; kd < taps.end[0]; ++kd) {
    for (int64_t kh = taps.begin[1]; kh < taps.end[1]; ++kh) {
      for (int64_t kw = taps.begin[2]; kw < taps.end[2]; ++kw) {
        const std::array<int64_t, 3> in = {coordinate(0, kd), coordinate(1, kh), coordinate(2, kw)};
        int64_t x = window.x;
        for (size_t i = 0; i < 3; ++i) x += in[i] * shape.axes[i].x_step;
        body(x, in);
      }
    }
  }
}

// The position of an input coordinate within its plane, as ONNX counts it.
int64_t plane_index(const WindowAxes& axes, const std::array<int64_t, 3>& in, int rank,
                    bool column_major) {
  if (!column_major) return (in[0] * axes[1].in + in[1]) * axes[2].in + in[2];
  int64_t index = 0;
  int64_t step = 1;
  for (size_t i = static_cast<size_t>(3 - rank); i < 3; ++i) {
    index += in[i] * step;
    step *= axes[i].in;
  }
  return index;
}

template <typename T>
void run_max(const Pool& op, const PoolShape& shape, const RunContext& context) {
  using Value = Compute<T>;
  const T* x = context.inputs[0].as<T>();
  T* y = context.outputs[0].as<T>();
  const Tensor* indices = optional_operand(context.outputs, 1);
  const int64_t plane = shape.axes[0].in * shape.axes[1].in * shape.axes[2].in;
  const int rank = static_cast<int>(op.kernel.size());
  for_each_window(shape, context.parallel, [&](const WindowBlock& window) {
    Value best[kChannels];
    int64_t best_index[kChannels];  // within the plane; -1: the window is all padding
    std::fill(best, best + kChannels, std::numeric_limits<Value>::lowest());
    std::fill(best_index, best_index + kChannels, -1);
    for_each_tap(shape, window, [&](int64_t from, const std::array<int64_t, 3>& in) {
      const int64_t index = plane_index(shape.axes, in, rank, op.column_major_indices);
      for (int64_t c = 0; c < window.channels; ++c) {
        const Value value = load(x[from + c * shape.x_channel]);
        const bool better = value > best[c] || best_index[c] < 0;
        best[c] = better ? value : best[c];
        best_index[c] = better ? index : best_index[c];
      }
    });
    for (int64_t c = 0; c < window.channels; ++c) {
      y[window.y + c * shape.y_channel] = store<T>(best[c]);
    }
    if (indices == nullptr) return;
    const Dims& steps = indices->strides;
    int64_t to = window.image * steps[0];
    for (int i = 0; i < rank; ++i)
      to += window.at[static_cast<size_t>(3 - rank + i)] * steps[2 + i];
    for (int64_t c = 0; c < window.channels; ++c) {
      const int64_t channel = window.channel + c;
      indices->as<int64_t>()[to + channel * steps[1]] =
          (window.image * shape.channels + channel) * plane + best_index[c];
    }
  });
}

// Sums of add(value) over each window, in double; y = finish(sum, taps).
template <typename T, typename Add, typename Finish>
void run_sum(const PoolShape& shape, const RunContext& context, Add add, Finish finish) {
  const T* x = context.inputs[0].as<T>();
  T* y = context.outputs[0].as<T>();
  for_each_window(shape, context.parallel, [&](const WindowBlock& window) {
    double sums[kChannels] = {};
    for_each_tap(shape, window, [&](int64_t from, const std::array<int64_t, 3>&) {
      for (int64_t c = 0; c < window.channels; ++c) {
        sums[c] += add(static_cast<double>(load(x[from + c * shape.x_channel])));
      }
    });
    for (int64_t c = 0; c < window.channels; ++c) {
      const double value = finish(sums[c], window.taps);
      y[window.y + c * shape.y_channel] = store<T>(static_cast<Compute<T>>(value));
    }
  });
}

template <typename T>
void run_average_or_lp(const Pool& op, const PoolShape& shape, const RunContext& context) {
  const auto identity = [](double v) { return v; };
  const auto root = [&](double sum, const Taps&) { return std::pow(sum, 1.0 / double(op.p)); };
  if (op.fn == PoolFn::kAverage) {
    run_sum<T>(shape, context, identity, [&](double sum, const Taps& taps) {
      const int64_t count = op.count_include_pad ? taps.padded : taps.inside;
      return count == 0 ? 0.0 : sum / static_cast<double>(count);
    });
  } else if (op.p == 2) {
    run_sum<T>(
        shape, context, [](double v) { return v * v; },
        [](double sum, const Taps&) { return std::sqrt(sum); });
  } else {
    run_sum<T>(
        shape, context, [&](double v) { return std::pow(std::abs(v), double(op.p)); }, root);
  }
}

Status run_pool(const Pool& op, const RunContext& context) {
  const PoolShape shape = pool_shape(op, context.inputs[0], context.outputs[0]);
  return dispatch_number(context.inputs[0].dtype, [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    if (op.fn == PoolFn::kMax) {
      run_max<T>(op, shape, context);
    } else if constexpr (std::is_floating_point_v<Compute<T>>) {
      run_average_or_lp<T>(op, shape, context);
    }
    return {};
  });
}

Status run_max_unpool(const MaxUnpool& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& indices = context.inputs[1];
  const Tensor& y = context.outputs[0];
  const Dims unpooled(op.unpooled_dims);
  const int64_t count = unpooled.count();
  return dispatch_float(x.dtype, [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    T* to = y.as<T>();
    const Walk<1> all(y.dims, {y.strides});
    all.visit_all(context.parallel, [&](const auto& first, int64_t n) {
      for (int64_t i = 0; i < n; ++i) to[first[0] + i * all.steps()[0]] = store<T>(0);
    });
    Status status;
    for_each_coordinate(x.dims, [&](const Dims& at) {
      const int64_t index = indices.as<int64_t>()[offset_of(at, indices.strides)];
      if (index < 0 || index >= count) {
        status = bad_input("max_unpool: index " + std::to_string(index) + " is not below " +
                           std::to_string(count));
        return;
      }
      int64_t rest = index;
      int64_t offset = 0;
      for (int i = unpooled.rank() - 1; i >= 0; --i) {
        offset += rest % unpooled[i] * y.strides[i];
        rest /= unpooled[i];
      }
      to[offset] = x.as<T>()[offset_of(at, x.strides)];
    });
    return status;
  });
}

}  // namespace

const KernelDef* Pool_reference() {
  static constexpr KernelDef kDef = reference_def<Pool, run_pool>();
  return &kDef;
}

const KernelDef* MaxUnpool_reference() {
  static constexpr KernelDef kDef = reference_def<MaxUnpool, run_max_unpool>();
  return &kDef;
}

}  // namespace memopt
