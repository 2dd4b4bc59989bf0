// Local response normalization with contiguous channels (nhwc), pixel by pixel.
#include <optional>

#include "runtime/kernels/cpu/channel_loops.h"
#include "runtime/kernels/cpu/kernels.h"
#include "runtime/kernels/cpu/simd_kernel.h"
#include "runtime/kernels/lanes.h"

namespace memopt::cpu {
namespace {

constexpr int64_t kMaxPadded = 4096;  // channels and the window around them

std::optional<LrnPower> power_of(double beta) {
  if (beta == 0.5) return LrnPower::kHalf;
  if (beta == 0.75) return LrnPower::kThreeQuarters;
  if (beta == 1) return LrnPower::kOne;
  return std::nullopt;
}

bool supports(const KernelRequest& request) {
  const auto& op = std::get<Lrn>(*request.op);
  const Operand& x = request.inputs[0];
  const Operand& y = request.outputs[0];
  return power_of(op.beta) && is_plain_f32(x) && is_plain_f32(y) && op.window < kMaxPadded &&
         x.dims[1] + op.window <= kMaxPadded && is_contiguous(x.dims, x.strides, 1) &&
         is_contiguous(y.dims, y.strides, 1);
}

Status run(const Lrn& op, Isa isa, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const ChannelLoops& loops = channel_loops(isa);
  const int64_t channels = x.dims[1];
  const float scale = static_cast<float>(op.alpha / static_cast<double>(op.window));
  const LrnPower power = *power_of(op.beta);
  const Walk<2> pixels(without(x.dims, 1), {without(x.strides, 1), without(y.strides, 1)});
  for_each_lane_block(context.parallel, pixels, channels, [&](const LaneBlock<2>& block) {
    float squares[kMaxPadded];
    for (int64_t lane = 0; lane < block.count; ++lane) {
      loops.lrn(x.as<float>() + block.first[0] + lane * block.steps[0],
                y.as<float>() + block.first[1] + lane * block.steps[1], channels,
                (op.window - 1) / 2, op.window, scale, static_cast<float>(op.bias), power, squares);
    }
  });
  return {};
}

bool over_input(const KernelRequest& request, int, int) {
  return request.inputs[0].strides == request.outputs[0].strides;
}

}  // namespace

const KernelDef* lrn() {
  static constexpr KernelDef kDef = simd_def<Lrn, run>("lrn.simd", supports, over_input);
  return &kDef;
}

}  // namespace memopt::cpu
