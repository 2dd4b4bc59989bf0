// A long filter over a signal of one channel, as front ends for sound have them. The library's
// convolutions work on 16 filters at a time and generate code per tap: this takes no time to make.
#include <algorithm>
#include <optional>

#include "runtime/kernels/cpu/filter_loops.h"
#include "runtime/kernels/cpu/kernels.h"
#include "runtime/kernels/cpu/simd_kernel.h"
#include "runtime/kernels/strided.h"

namespace memopt::cpu {
namespace {

constexpr int64_t kLeastTaps = 32;  // fewer are faster side by side
constexpr int64_t kGrain = 1024;    // outputs

// The dimension that the filter runs along; none if there are several.
std::optional<int> axis_of(const Dims& x, const Dims& w, const Dims& y) {
  std::optional<int> found;
  for (int i = 2; i < x.rank(); ++i) {
    if (x[i] == 1 && w[i] == 1 && y[i] == 1) continue;
    if (found) return std::nullopt;
    found = i;
  }
  return found;
}

bool supports(const KernelRequest& request) {
  const auto& op = std::get<Conv>(*request.op);
  const Operand& x = request.inputs[0];
  const Operand& w = request.inputs[1];
  const Operand& y = request.outputs[0];
  const bool has_bias = request.inputs.size() > 2 && request.inputs[2].present;
  const bool has_residual = request.inputs.size() > 3 && request.inputs[3].present;
  if (!is_plain_f32(x) || !is_plain_f32(w) || !is_plain_f32(y) || has_residual ||
      (has_bias && !is_plain_f32(request.inputs[2])) || op.activation.fn != UnaryFn::kIdentity ||
      x.dims[1] != 1 || y.dims[1] != 1) {
    return false;
  }
  const std::optional<int> axis = axis_of(x.dims, w.dims, y.dims);
  if (!axis) return false;
  for (int i = 2; i < x.dims.rank(); ++i) {
    const int64_t pad = op.pads[static_cast<size_t>(i - 2)];
    if (i == *axis ? pad < 0 : pad != 0) return false;
  }
  return op.dilations[static_cast<size_t>(*axis - 2)] == 1 && w.dims[*axis] >= kLeastTaps &&
         is_contiguous(x.dims, x.strides, *axis) && is_contiguous(w.dims, w.strides, *axis) &&
         is_contiguous(y.dims, y.strides, *axis);
}

Status run(const Conv& op, Isa isa, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& w = context.inputs[1];
  const Tensor& y = context.outputs[0];
  const int axis = *axis_of(x.dims, w.dims, y.dims);
  const auto at = static_cast<size_t>(axis - 2);
  const int64_t stride = op.strides[at];
  const int64_t pad = op.pads[at];
  const int64_t samples = x.dims[axis];
  const int64_t taps = w.dims[axis];
  const int64_t outputs = y.dims[axis];
  const bool has_bias = context.inputs.size() > 2 && context.inputs[2].data != nullptr;
  const float bias = has_bias ? *context.inputs[2].as<float>() : 0;
  const FilterLoops& loops = filter_loops(isa);
  // Outputs [first, last) see no padding.
  const int64_t first = std::min(outputs, (pad + stride - 1) / stride);
  const int64_t whole = samples + pad - taps;  // where the last whole window begins, if any does
  const int64_t last = whole < 0 ? first : std::clamp(whole / stride + 1, first, outputs);
  for (int64_t image = 0; image < y.dims[0]; ++image) {
    const float* const from = x.as<float>() + image * x.strides[0];
    float* const to = y.as<float>() + image * y.strides[0];
    const auto padded = [&](int64_t i) {
      const int64_t start = i * stride - pad;
      const int64_t begin = std::clamp<int64_t>(-start, 0, taps);
      const int64_t end = std::clamp(samples - start, begin, taps);
      loops.dots(from + start + begin, stride, w.as<float>() + begin, end - begin, bias, to + i, 1);
    };
    for_each_range(context.parallel, outputs, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < std::min(end, first); ++i) padded(i);
      const int64_t inside = std::max(begin, first);
      const int64_t behind = std::max(inside, std::min(end, last));
      loops.dots(from + inside * stride - pad, stride, w.as<float>(), taps, bias, to + inside,
                 behind - inside);
      for (int64_t i = std::max(begin, behind); i < end; ++i) padded(i);
    });
  }
  return {};
}

}  // namespace

const KernelDef* filter() {
  static constexpr KernelDef kDef = simd_def<Conv, run>("conv.filter", supports);
  return &kDef;
}

}  // namespace memopt::cpu
