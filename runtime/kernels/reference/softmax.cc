// Softmax and its relatives along one dimension; sums in double.
#include <cmath>

#include "runtime/kernels/lanes.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt {
namespace {

bool over_input(const KernelRequest& request, int input, int output) {
  return same_elements(request, input, output);
}

// The largest element of each lane.
template <typename T, typename Value>
void find_maxima(const T* x, const Walk<2>& line, const LaneBlock<2>& block, Value* maxima) {
  std::fill(maxima, maxima + kLanes, -std::numeric_limits<Value>::infinity());
  visit_lanes(line, block, [&](int64_t lane, const Offsets<2>& at) {
    maxima[lane] = std::max(maxima[lane], load(x[at[0]]));
  });
}

template <typename T>
void softmax_block(SoftmaxFn fn, const T* x, T* y, const Walk<2>& line, const LaneBlock<2>& block) {
  using Value = Compute<T>;
  Value maxima[kLanes];
  find_maxima(x, line, block, maxima);
  double sums[kLanes] = {};
  visit_lanes(line, block, [&](int64_t lane, const Offsets<2>& at) {
    sums[lane] += static_cast<double>(std::exp(load(x[at[0]]) - maxima[lane]));
  });
  if (fn == SoftmaxFn::kSoftmax) {
    visit_lanes(line, block, [&](int64_t lane, const Offsets<2>& at) {
      const auto power = static_cast<double>(std::exp(load(x[at[0]]) - maxima[lane]));
      y[at[1]] = store<T>(static_cast<Value>(power / sums[lane]));
    });
    return;
  }
  for (double& sum : sums) sum = std::log(sum);
  visit_lanes(line, block, [&](int64_t lane, const Offsets<2>& at) {
    const auto difference = static_cast<double>(load(x[at[0]]) - maxima[lane]);
    y[at[1]] = store<T>(static_cast<Value>(difference - sums[lane]));
  });
}

// 1 at the first maximum, else 0.
template <typename T>
void hardmax_block(const T* x, T* y, const Walk<2>& line, const LaneBlock<2>& block) {
  using Value = Compute<T>;
  Value maxima[kLanes];
  find_maxima(x, line, block, maxima);
  visit_lanes(line, block, [&](int64_t lane, const Offsets<2>& at) {
    const Value value = load(x[at[0]]);
    if (std::isnan(value)) maxima[lane] = value;  // above all others, as in NumPy
  });
  bool found[kLanes] = {};
  visit_lanes(line, block, [&](int64_t lane, const Offsets<2>& at) {
    const Value value = load(x[at[0]]);
    const bool is_maximum =
        value == maxima[lane] || (std::isnan(value) && std::isnan(maxima[lane]));
    const bool first = !found[lane] && is_maximum;
    found[lane] = found[lane] || first;
    y[at[1]] = store<T>(first ? 1 : 0);
  });
}

Status run_softmax(const Softmax& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  return dispatch_float(x.dtype, [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    const int axis = static_cast<int>(op.axis);
    const Walk<2> kept(without(x.dims, axis), {without(x.strides, axis), without(y.strides, axis)});
    const Walk<2> line({x.dims[axis]}, {Dims{x.strides[axis]}, Dims{y.strides[axis]}});
    for_each_lane_block(context.parallel, kept, line.count(), [&](const LaneBlock<2>& block) {
      if (op.fn == SoftmaxFn::kHardmax) {
        hardmax_block(x.as<T>(), y.as<T>(), line, block);
      } else {
        softmax_block(op.fn, x.as<T>(), y.as<T>(), line, block);
      }
    });
    return {};
  });
}

}  // namespace

const KernelDef* Softmax_reference() {
  static constexpr KernelDef kDef = reference_def<Softmax, run_softmax>(over_input);
  return &kDef;
}

}  // namespace memopt
