// Maximum and average pooling with contiguous channels (nhwc), all channels of a window at once.
#include "runtime/kernels/cpu/channel_loops.h"
#include "runtime/kernels/cpu/kernels.h"
#include "runtime/kernels/cpu/simd_kernel.h"
#include "runtime/kernels/pool_window.h"

namespace memopt::cpu {
namespace {

constexpr int64_t kMaxTaps = 4096;      // their offsets lie on the stack
constexpr int64_t kMaxMeanTaps = 1024;  // more are added up with too much error

bool supports(const KernelRequest& request) {
  const auto& op = std::get<Pool>(*request.op);
  const Operand& x = request.inputs[0];
  const Operand& y = request.outputs[0];
  const bool wants_indices = request.outputs.size() > 1 && request.outputs[1].present;
  if (op.fn == PoolFn::kLp || wants_indices || !is_plain_f32(x) || !is_plain_f32(y)) return false;
  const int64_t most = op.fn == PoolFn::kMax ? kMaxTaps : kMaxMeanTaps;
  int64_t taps = 1;
  for (const int64_t extent : op.kernel) {
    if (extent > most) return false;
    taps *= extent;
    if (taps > most) return false;
  }
  return is_contiguous(x.dims, x.strides, 1) && is_contiguous(y.dims, y.strides, 1);
}

Status run(const Pool& op, Isa isa, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const ChannelLoops& loops = channel_loops(isa);
  const PoolShape shape = pool_shape(op, x, y);
  if (shape.channels == 0) return {};
  for_each_window(shape, shape.channels, context.parallel, [&](const WindowBlock& window) {
    int64_t offsets[kMaxTaps];
    int64_t taps = 0;
    for_each_tap(shape, window, [&](int64_t offset, const auto&) { offsets[taps++] = offset; });
    float* to = y.as<float>() + window.y;
    if (op.fn == PoolFn::kMax) {
      loops.max_of_taps(x.as<float>(), offsets, taps, to, window.channels);
    } else {
      const int64_t count = op.count_include_pad ? window.taps.padded : window.taps.inside;
      const float divisor = static_cast<float>(std::max<int64_t>(count, 1));
      loops.mean_of_taps(x.as<float>(), offsets, taps, divisor, to, window.channels);
    }
  });
  return {};
}

}  // namespace

const KernelDef* pool() {
  static constexpr KernelDef kDef = simd_def<Pool, run>("pool.simd", supports);
  return &kDef;
}

}  // namespace memopt::cpu
