// Normalizations. Statistics are two passes in double, so that they hold to the last digits of f32.
#include <cmath>

#include "runtime/kernels/lanes.h"
#include "runtime/kernels/reference/operands.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt {
namespace {

// Mean and 1 / sqrt(variance + epsilon) of each lane.
struct Statistics {
  double mean[kLanes] = {};
  double inverse[kLanes] = {};
};

// `reduced` walks x first; so do the blocks.
template <typename T, size_t N, size_t M>
Statistics statistics_of(const T* x, const Walk<N>& reduced, const LaneBlock<M>& block,
                         double epsilon) {
  Statistics result;
  const double count = static_cast<double>(std::max<int64_t>(reduced.count(), 1));
  visit_lanes(reduced, block, [&](int64_t lane, const Offsets<N>& at) {
    result.mean[lane] += static_cast<double>(load(x[at[0]]));
  });
  for (double& mean : result.mean) mean /= count;
  visit_lanes(reduced, block, [&](int64_t lane, const Offsets<N>& at) {
    const double centred = static_cast<double>(load(x[at[0]])) - result.mean[lane];
    result.inverse[lane] += centred * centred;
  });
  for (double& inverse : result.inverse) inverse = 1 / std::sqrt(inverse / count + epsilon);
  return result;
}

bool over_input(const KernelRequest& request, int input, int output) {
  return input == 0 && output == 0 && same_elements(request, input, output);
}

double parameter(const Tensor& tensor, int64_t channel) {
  return load_double(tensor.dtype, tensor.data, channel * tensor.strides[0]);
}

// Per channel: (x - mean) * factor + bias.
Status run_batch_norm(const BatchNorm& op, const RunContext& context) {
  const auto& in = context.inputs;
  const Tensor& x = in[0];
  const Tensor& y = context.outputs[0];
  return dispatch_float(x.dtype, [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    const bool has_channels = x.rank() > 1;
    const Dims channels = has_channels ? Dims{x.dims[1]} : Dims{};
    const auto of_channel = [&](const Tensor& t) {
      return has_channels ? Dims{t.strides[1]} : Dims{};
    };
    const auto of_rest = [&](const Dims& dims) { return has_channels ? without(dims, 1) : dims; };
    const Walk<3> kept(channels, {of_channel(x), of_channel(y), row_major_strides(channels)});
    const Walk<2> rest(of_rest(x.dims), {of_rest(x.strides), of_rest(y.strides)});
    for_each_lane_block(context.parallel, kept, rest.count(), [&](const LaneBlock<3>& block) {
      double factor[kLanes], mean[kLanes], bias[kLanes];
      for (int64_t lane = 0; lane < block.count; ++lane) {
        const int64_t c = block.first[2] + lane * block.steps[2];
        factor[lane] = parameter(in[1], c) / std::sqrt(parameter(in[4], c) + op.epsilon);
        mean[lane] = parameter(in[3], c);
        bias[lane] = parameter(in[2], c);
      }
      visit_lanes(rest, block, [&](int64_t lane, const Offsets<2>& at) {
        const double value = static_cast<double>(load(x.as<T>()[at[0]]));
        y.as<T>()[at[1]] =
            store<T>(static_cast<Compute<T>>((value - mean[lane]) * factor[lane] + bias[lane]));
      });
    });
    return {};
  });
}

Status run_instance_norm(const InstanceNorm& op, const RunContext& context) {
  const auto& in = context.inputs;
  const Tensor& x = in[0];
  const Tensor& y = context.outputs[0];
  return dispatch_float(x.dtype, [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    const Dims planes = slice_dims(x.dims, 0, 2);
    const Walk<3> kept(planes, {slice_dims(x.strides, 0, 2), slice_dims(y.strides, 0, 2),
                                Dims{0, 1}});  // the third operand counts channels
    const int rank = x.rank();
    const Walk<2> rest(slice_dims(x.dims, 2, rank),
                       {slice_dims(x.strides, 2, rank), slice_dims(y.strides, 2, rank)});
    for_each_lane_block(context.parallel, kept, rest.count(), [&](const LaneBlock<3>& block) {
      const Statistics statistics = statistics_of(x.as<T>(), rest, block, op.epsilon);
      double factor[kLanes], bias[kLanes];
      for (int64_t lane = 0; lane < block.count; ++lane) {
        const int64_t c = block.first[2] + lane * block.steps[2];
        factor[lane] = parameter(in[1], c) * statistics.inverse[lane];
        bias[lane] = parameter(in[2], c);
      }
      visit_lanes(rest, block, [&](int64_t lane, const Offsets<2>& at) {
        const double centred = static_cast<double>(load(x.as<T>()[at[0]])) - statistics.mean[lane];
        y.as<T>()[at[1]] = store<T>(static_cast<Compute<T>>(centred * factor[lane] + bias[lane]));
      });
    });
    return {};
  });
}

Status run_layer_norm(const LayerNorm& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& scale = context.inputs[1];
  const Tensor* bias = optional_operand(context.inputs, 2);
  const Tensor& y = context.outputs[0];
  const Tensor* mean = optional_operand(context.outputs, 1);
  const Tensor* inverse = optional_operand(context.outputs, 2);
  return dispatch_float(x.dtype, [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    const int axis = static_cast<int>(op.axis);
    const int rank = x.rank();
    const Dims rows = slice_dims(x.dims, 0, axis);
    const Dims normalized = slice_dims(x.dims, axis, rank);
    const auto outer = [&](const Tensor* t) {
      return t ? slice_dims(t->strides, 0, axis) : Dims::filled(axis, 0);
    };
    const auto inner = [&](const Tensor* t) {
      return t ? broadcast_strides(t->dims, t->strides, normalized) : Dims::filled(rank - axis, 0);
    };
    // Operands of a block: x, y, scale, bias, mean, inverse; the first four of an element.
    const Dims none = Dims::filled(axis, 0);
    const Walk<6> kept(rows, {outer(&x), outer(&y), none, none, outer(mean), outer(inverse)});
    const Walk<4> rest(normalized, {slice_dims(x.strides, axis, rank),
                                    slice_dims(y.strides, axis, rank), inner(&scale), inner(bias)});
    for_each_lane_block(context.parallel, kept, rest.count(), [&](const LaneBlock<6>& block) {
      const Statistics statistics = statistics_of(x.as<T>(), rest, block, op.epsilon);
      visit_lanes(rest, block, [&](int64_t lane, const Offsets<4>& at) {
        const double centred = static_cast<double>(load(x.as<T>()[at[0]])) - statistics.mean[lane];
        double value =
            centred * statistics.inverse[lane] * static_cast<double>(load(scale.as<T>()[at[2]]));
        if (bias) value += static_cast<double>(load(bias->as<T>()[at[3]]));
        y.as<T>()[at[1]] = store<T>(static_cast<Compute<T>>(value));
      });
      for (int64_t lane = 0; lane < block.count; ++lane) {
        const auto to = [&](size_t k) { return block.first[k] + lane * block.steps[k]; };
        if (mean) mean->as<float>()[to(4)] = static_cast<float>(statistics.mean[lane]);
        if (inverse) inverse->as<float>()[to(5)] = static_cast<float>(statistics.inverse[lane]);
      }
    });
    return {};
  });
}

// y[c] = x[c] / (bias + alpha / window * sum of squares of the channels around c) ^ beta.
Status run_lrn(const Lrn& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  return dispatch_float(x.dtype, [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    const int64_t channels = x.dims[1];
    const int64_t before = (op.window - 1) / 2;
    const int64_t after = op.window - 1 - before;
    const double scale = op.alpha / static_cast<double>(op.window);
    const Walk<2> kept(without(x.dims, 1), {without(x.strides, 1), without(y.strides, 1)});
    for_each_lane_block(context.parallel, kept, channels, [&](const LaneBlock<2>& block) {
      for (int64_t c = 0; c < channels; ++c) {
        double sums[kLanes] = {};
        const int64_t begin = c - std::min(c, before);
        const int64_t end = c + 1 + std::min(channels - 1 - c, after);
        const auto at = [&](int64_t channel, int64_t lane) {
          return block.first[0] + lane * block.steps[0] + channel * x.strides[1];
        };
        for (int64_t other = begin; other < end; ++other) {
          for (int64_t lane = 0; lane < block.count; ++lane) {
            const double value = static_cast<double>(load(x.as<T>()[at(other, lane)]));
            sums[lane] += value * value;
          }
        }
        for (int64_t lane = 0; lane < block.count; ++lane) {
          const double value = static_cast<double>(load(x.as<T>()[at(c, lane)]));
          const double divisor = std::pow(op.bias + scale * sums[lane], op.beta);
          y.as<T>()[block.first[1] + lane * block.steps[1] + c * y.strides[1]] =
              store<T>(static_cast<Compute<T>>(value / divisor));
        }
      }
    });
    return {};
  });
}

}  // namespace

const KernelDef* BatchNorm_reference() {
  static constexpr KernelDef kDef = reference_def<BatchNorm, run_batch_norm>(over_input);
  return &kDef;
}

const KernelDef* InstanceNorm_reference() {
  static constexpr KernelDef kDef = reference_def<InstanceNorm, run_instance_norm>(over_input);
  return &kDef;
}

const KernelDef* LayerNorm_reference() {
  static constexpr KernelDef kDef = reference_def<LayerNorm, run_layer_norm>(over_input);
  return &kDef;
}

const KernelDef* Lrn_reference() {
  static constexpr KernelDef kDef = reference_def<Lrn, run_lrn>();
  return &kDef;
}

}  // namespace memopt
