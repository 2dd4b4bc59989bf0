// Normalizations: per channel (batch, instance) with either the channels or the pixels contiguous,
// per row (layer).
#include <cmath>

#include "runtime/kernels/cpu/kernels.h"
#include "runtime/kernels/cpu/row_loops.h"
#include "runtime/kernels/cpu/simd_kernel.h"
#include "runtime/kernels/lanes.h"

namespace memopt::cpu {
namespace {

// Channels are handled in blocks of a cache line, so that few channels still make several pieces.
constexpr int64_t kChannels = 16;
constexpr int64_t kPixels = 4096;  // of one piece of a batch normalization

// Mean of the sums, and 1 / sqrt(variance + epsilon).
float inverse_deviation(double squares, int64_t count, double epsilon) {
  return static_cast<float>(1 / std::sqrt(squares / static_cast<double>(count) + epsilon));
}

// (N, C, spatial...) as N images of C channels of `pixels` pixels at one stride.
struct Planes {
  int64_t images = 0, channels = 0, pixels = 1;
  struct Steps {
    int64_t image = 0, channel = 0, pixel = 1;
  } x, y;
};

// Nothing where the pixels are not at one stride in x and in y.
template <typename T>  // Tensor or Operand
bool make_planes(const T& x, const T& y, Planes& planes) {
  const int rank = x.dims.rank();
  if (rank < 2) return false;
  const Walk<2> pixels(slice_dims(x.dims, 2, rank),
                       {slice_dims(x.strides, 2, rank), slice_dims(y.strides, 2, rank)});
  if (pixels.row() != pixels.count()) return false;
  planes.images = x.dims[0];
  planes.channels = x.dims[1];
  planes.pixels = pixels.count();
  planes.x = {x.strides[0], x.strides[1], planes.pixels > 1 ? pixels.steps()[0] : 1};
  planes.y = {y.strides[0], y.strides[1], planes.pixels > 1 ? pixels.steps()[1] : 1};
  return true;
}

bool has_contiguous_channels(const Planes& planes) {
  return planes.channels <= 1 || (planes.x.channel == 1 && planes.y.channel == 1);
}
bool has_contiguous_pixels(const Planes& planes) {
  return planes.x.pixel == 1 && planes.y.pixel == 1;
}

bool supports_planes(const KernelRequest& request) {
  Planes planes;
  for (const Operand& input : request.inputs) {
    if (!is_plain_f32(input)) return false;
  }
  const Operand& y = request.outputs[0];
  return is_plain_f32(y) && make_planes(request.inputs[0], y, planes) &&
         (has_contiguous_channels(planes) || has_contiguous_pixels(planes));
}

bool over_input(const KernelRequest& request, int input, int output) {
  return input == 0 && output == 0 && request.inputs[0].strides == request.outputs[0].strides;
}

// Up to kChannels channels of one image.
struct Block {
  const float* x;
  float* y;
  int64_t first, count;  // channels
};

Block block_at(const Planes& planes, const RunContext& context, int64_t image, int64_t first) {
  return {context.inputs[0].as<float>() + image * planes.x.image + first * planes.x.channel,
          context.outputs[0].as<float>() + image * planes.y.image + first * planes.y.channel, first,
          std::min(kChannels, planes.channels - first)};
}

float parameter(const Tensor& tensor, int64_t channel) {
  return tensor.as<float>()[channel * tensor.strides[0]];
}

// Pixels [begin, end) of the block's channels.
void normalize_block(const RowLoops& loops, const Planes& planes, const Block& block, int64_t begin,
                     int64_t end, const float* means, const float* factors, const float* biases) {
  const float* x = block.x + begin * planes.x.pixel;
  float* y = block.y + begin * planes.y.pixel;
  if (has_contiguous_channels(planes)) {
    loops.normalize_columns(x, planes.x.pixel, y, planes.y.pixel, end - begin, block.count, means,
                            factors, biases);
    return;
  }
  for (int64_t c = 0; c < block.count; ++c) {
    loops.normalize(x + c * planes.x.channel, y + c * planes.y.channel, end - begin, means[c],
                    factors[c], biases[c]);
  }
}

Status run_batch_norm(const BatchNorm& op, Isa isa, const RunContext& context) {
  Planes planes;
  MEMOPT_CHECK(make_planes(context.inputs[0], context.outputs[0], planes));
  const auto& in = context.inputs;
  const RowLoops& loops = row_loops(isa);
  const int64_t blocks = (planes.channels + kChannels - 1) / kChannels;
  const int64_t pieces = (planes.pixels + kPixels - 1) / kPixels;
  for_each_chunk(context.parallel, planes.images * blocks * pieces, [&](int64_t chunk) {
    const Block block =
        block_at(planes, context, chunk / pieces / blocks, chunk / pieces % blocks * kChannels);
    float means[kChannels], factors[kChannels], biases[kChannels];
    for (int64_t c = 0; c < block.count; ++c) {
      const int64_t channel = block.first + c;
      const double variance = static_cast<double>(parameter(in[4], channel));
      factors[c] = static_cast<float>(static_cast<double>(parameter(in[1], channel)) /
                                      std::sqrt(variance + op.epsilon));
      means[c] = parameter(in[3], channel);
      biases[c] = parameter(in[2], channel);
    }
    const int64_t begin = chunk % pieces * kPixels;
    normalize_block(loops, planes, block, begin, std::min(planes.pixels, begin + kPixels), means,
                    factors, biases);
  });
  return {};
}

Status run_instance_norm(const InstanceNorm& op, Isa isa, const RunContext& context) {
  Planes planes;
  MEMOPT_CHECK(make_planes(context.inputs[0], context.outputs[0], planes));
  const RowLoops& loops = row_loops(isa);
  const bool columns = has_contiguous_channels(planes);
  const int64_t n = planes.pixels;
  const int64_t blocks = (planes.channels + kChannels - 1) / kChannels;
  for_each_chunk(context.parallel, planes.images * blocks, [&](int64_t chunk) {
    const Block block = block_at(planes, context, chunk / blocks, chunk % blocks * kChannels);
    double sums[kChannels] = {}, squares[kChannels] = {};
    float means[kChannels], factors[kChannels], biases[kChannels];
    const auto line = [&](int64_t c) { return block.x + c * planes.x.channel; };
    if (columns) {
      loops.reduce_columns(ReduceStep::kSum, block.x, planes.x.pixel, n, block.count, sums);
    } else {
      for (int64_t c = 0; c < block.count; ++c) {
        loops.reduce(ReduceStep::kSum, line(c), n, &sums[c]);
      }
    }
    for (int64_t c = 0; c < block.count; ++c) {
      means[c] = static_cast<float>(sums[c] / static_cast<double>(n));
    }
    if (columns) {
      loops.variance_columns(block.x, planes.x.pixel, n, block.count, means, squares);
    } else {
      for (int64_t c = 0; c < block.count; ++c) squares[c] = loops.variance(line(c), n, means[c]);
    }
    for (int64_t c = 0; c < block.count; ++c) {
      factors[c] = parameter(context.inputs[1], block.first + c) *
                   inverse_deviation(squares[c], n, op.epsilon);
      biases[c] = parameter(context.inputs[2], block.first + c);
    }
    normalize_block(loops, planes, block, 0, n, means, factors, biases);
  });
  return {};
}

// The normalized dimensions must be one contiguous row of x, y, scale and bias.
bool supports_layer_norm(const KernelRequest& request) {
  const int axis = static_cast<int>(std::get<LayerNorm>(*request.op).axis);
  const Dims& dims = request.inputs[0].dims;
  const Dims row = slice_dims(dims, axis, dims.rank());
  const auto is_row = [&](const Operand& operand, int begin) {
    return is_plain_f32(operand) && slice_dims(operand.dims, begin, operand.dims.rank()) == row &&
           is_dense(row, slice_dims(operand.strides, begin, operand.dims.rank()),
                    Layout::kRowMajor);
  };
  if (!is_row(request.inputs[0], axis) || !is_row(request.outputs[0], axis)) return false;
  for (size_t i = 1; i < request.inputs.size(); ++i) {
    if (request.inputs[i].present && !is_row(request.inputs[i], 0)) return false;
  }
  return true;
}

Status run_layer_norm(const LayerNorm& op, Isa isa, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const RowLoops& loops = row_loops(isa);
  const int axis = static_cast<int>(op.axis);
  const auto optional = [](std::span<const Tensor> operands, size_t i) {
    return i < operands.size() && operands[i].data ? &operands[i] : nullptr;
  };
  const Tensor* means = optional(context.outputs, 1);
  const Tensor* inverses = optional(context.outputs, 2);
  const Tensor* biases = optional(context.inputs, 2);
  const float* scale = context.inputs[1].as<float>();
  const float* bias = biases ? biases->as<float>() : nullptr;
  const auto outer = [&](const Tensor* t) {
    return t ? slice_dims(t->strides, 0, axis) : Dims::filled(axis, 0);
  };
  const int64_t n = slice_dims(x.dims, axis, x.rank()).count();
  const Walk<4> rows(slice_dims(x.dims, 0, axis),
                     {outer(&x), outer(&y), outer(means), outer(inverses)});
  for_each_lane_block(context.parallel, rows, n, [&](const LaneBlock<4>& block) {
    for (int64_t lane = 0; lane < block.count; ++lane) {
      const auto at = [&](size_t k) { return block.first[k] + lane * block.steps[k]; };
      const float* from = x.as<float>() + at(0);
      double sum = 0;
      loops.reduce(ReduceStep::kSum, from, n, &sum);
      const float mean = static_cast<float>(sum / static_cast<double>(n));
      const float inverse = inverse_deviation(loops.variance(from, n, mean), n, op.epsilon);
      loops.layer_normalize(from, y.as<float>() + at(1), n, mean, inverse, scale, bias);
      if (means) means->as<float>()[at(2)] = mean;
      if (inverses) inverses->as<float>()[at(3)] = inverse;
    }
  });
  return {};
}

}  // namespace

const KernelDef* batch_norm() {
  static constexpr KernelDef kDef =
      simd_def<BatchNorm, run_batch_norm>("batch_norm.simd", supports_planes, over_input);
  return &kDef;
}

const KernelDef* instance_norm() {
  static constexpr KernelDef kDef =
      simd_def<InstanceNorm, run_instance_norm>("instance_norm.simd", supports_planes, over_input);
  return &kDef;
}

const KernelDef* layer_norm() {
  static constexpr KernelDef kDef =
      simd_def<LayerNorm, run_layer_norm>("layer_norm.simd", supports_layer_norm, over_input);
  return &kDef;
}

}  // namespace memopt::cpu
