// Pooling and its inverse. Windows are walked for a block of channels at once: contiguous in nhwc,
// and in nchw a row of windows re-reads the few lines that are in the cache.
#include <cmath>

#include "runtime/kernels/pool_window.h"
#include "runtime/kernels/reference/operands.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt {
namespace {

constexpr int64_t kChannels = 32;

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
  for_each_window(shape, kChannels, context.parallel, [&](const WindowBlock& window) {
    Value best[kChannels];
    int64_t best_index[kChannels];  // within the plane; -1: the window is all padding
    std::fill(best, best + kChannels, std::numeric_limits<Value>::lowest());
    std::fill(best_index, best_index + kChannels, -1);
    for_each_tap(shape, window, [&](int64_t from, const std::array<int64_t, 3>& in) {
      const int64_t index = plane_index(shape.axes, in, rank, op.column_major_indices);
      for (int64_t c = 0; c < window.channels; ++c) {
        const Value value = load(x[from + c * shape.x_channel]);
        const bool is_nan = value != value && best[c] == best[c];  // the first is the largest
        const bool better = value > best[c] || best_index[c] < 0 || is_nan;
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
  for_each_window(shape, kChannels, context.parallel, [&](const WindowBlock& window) {
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
