// Softmax and log-softmax where the axis, or some other dimension, is contiguous.
#include "runtime/kernels/cpu/kernels.h"
#include "runtime/kernels/cpu/row_loops.h"
#include "runtime/kernels/cpu/simd_kernel.h"
#include "runtime/kernels/lanes.h"

namespace memopt::cpu {
namespace {

// The dimensions besides the axis; operands x, y.
template <typename T>  // Tensor or Operand
Walk<2> lines_of(const T& x, const T& y, int axis) {
  return Walk<2>(without(x.dims, axis), {without(x.strides, axis), without(y.strides, axis)});
}

bool has_contiguous_axis(const auto& x, const auto& y, int axis) {
  return is_contiguous(x.dims, x.strides, axis) && is_contiguous(y.dims, y.strides, axis);
}

bool supports(const KernelRequest& request) {
  const auto& op = std::get<Softmax>(*request.op);
  const Operand& x = request.inputs[0];
  const Operand& y = request.outputs[0];
  if (op.fn == SoftmaxFn::kHardmax || !is_plain_f32(x) || !is_plain_f32(y)) return false;
  const int axis = static_cast<int>(op.axis);
  return has_contiguous_axis(x, y, axis) || lines_of(x, y, axis).steps() == Offsets<2>{1, 1};
}

Status run(const Softmax& op, Isa isa, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const RowLoops& loops = row_loops(isa);
  const int axis = static_cast<int>(op.axis);
  const int64_t n = x.dims[axis];
  const bool log = op.fn == SoftmaxFn::kLogSoftmax;
  const Walk<2> lines = lines_of(x, y, axis);
  const bool rows = has_contiguous_axis(x, y, axis);
  if (n == 0) return {};
  for_each_lane_block(context.parallel, lines, n, [&](const LaneBlock<2>& block) {
    const float* from = x.as<float>() + block.first[0];
    float* to = y.as<float>() + block.first[1];
    if (!rows) {
      loops.softmax_columns(from, x.strides[axis], to, y.strides[axis], n, block.count, log);
      return;
    }
    for (int64_t lane = 0; lane < block.count; ++lane) {
      loops.softmax(from + lane * block.steps[0], to + lane * block.steps[1], n, log);
    }
  });
  return {};
}

bool over_input(const KernelRequest& request, int, int) {
  return request.inputs[0].strides == request.outputs[0].strides;
}

}  // namespace

const KernelDef* softmax() {
  static constexpr KernelDef kDef = simd_def<Softmax, run>("softmax.simd", supports, over_input);
  return &kDef;
}

}  // namespace memopt::cpu
