// Running sums and products: many lines at once, so that memory is read in its own order whichever
// axis they run along. Narrow floats run in f32 and are rounded once per element.
#include "runtime/kernels/lanes.h"
#include "runtime/kernels/reference/reference.h"
#include "runtime/kernels/scalar_math.h"

namespace memopt {
namespace {

template <typename T>
void cumulate(const Cumulate& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const int axis = static_cast<int>(op.axis);
  const int64_t extent = x.dims[axis];
  const bool is_sum = op.fn == CumulateFn::kSum;
  const BinaryFn fn = is_sum ? BinaryFn::kAdd : BinaryFn::kMul;
  const Walk<2> lines(without(x.dims, axis), {without(y.strides, axis), without(x.strides, axis)});
  for_each_lane_block(context.parallel, lines, extent, [&](const LaneBlock<2>& block) {
    Compute<T> states[kLanes];
    std::fill(states, states + kLanes, Compute<T>(is_sum ? 0 : 1));
    for (int64_t i = 0; i < extent; ++i) {
      const int64_t at = op.reverse ? extent - 1 - i : i;
      T* const to = y.as<T>() + block.first[0] + at * y.strides[axis];
      const T* const from = x.as<T>() + block.first[1] + at * x.strides[axis];
      for (int64_t lane = 0; lane < block.count; ++lane) {
        const Compute<T> before = states[lane];
        // Read first: y may be x.
        states[lane] = binary_value(fn, before, load(from[lane * block.steps[1]]));
        to[lane * block.steps[0]] = store<T>(op.exclusive ? before : states[lane]);
      }
    }
  });
}

Status run_cumulate(const Cumulate& op, const RunContext& context) {
  if (context.outputs[0].count() == 0) return {};
  return dispatch_number(context.inputs[0].dtype, [&](auto tag) {
    cumulate<typename decltype(tag)::type>(op, context);
    return Status();
  });
}

}  // namespace

const KernelDef* Cumulate_reference() {
  static constexpr KernelDef kDef = reference_def<Cumulate, run_cumulate>(same_elements);
  return &kDef;
}

}  // namespace memopt
