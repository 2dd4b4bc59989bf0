// The extreme elements along one dimension: the first (last) of them, or the k best in order.
#include <algorithm>

#include "runtime/kernels/lanes.h"
#include "runtime/kernels/reference/operands.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt {
namespace {

Status run_arg_reduce(const ArgReduce& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const int axis = static_cast<int>(op.axis);
  const Dims y_strides = op.keep_dims ? without(y.strides, axis) : y.strides;
  const Walk<2> kept(without(x.dims, axis), {without(x.strides, axis), y_strides});
  const int64_t count = x.dims[axis];
  const int64_t step = x.strides[axis];
  const bool largest = op.fn == ArgReduceFn::kMax;
  return dispatch_number(x.dtype, [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    for_each_lane_block(context.parallel, kept, count, [&](const LaneBlock<2>& block) {
      for (int64_t lane = 0; lane < block.count; ++lane) {
        const T* line = x.as<T>() + block.first[0] + lane * block.steps[0];
        Compute<T> best = load(line[0]);
        int64_t best_index = 0;
        for (int64_t i = 1; i < count; ++i) {
          const Compute<T> value = load(line[i * step]);
          const bool better = largest ? value > best : value < best;
          if (better || (op.select_last && value == best)) {
            best = value;
            best_index = i;
          }
        }
        y.as<int64_t>()[block.first[1] + lane * block.steps[1]] = best_index;
      }
    });
    return {};
  });
}

// a before b in ascending order; NaN is above everything, so that the order is total.
template <typename Value>
bool is_less(Value a, Value b) {
  if (a != a) return false;
  return b != b || a < b;
}

// Lines are independent but share the scratch, so they run one after the other.
Status run_top_k(const TopK& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor* values = optional_operand(context.outputs, 0);
  const Tensor* indices = optional_operand(context.outputs, 1);
  const int axis = static_cast<int>(op.axis);
  const auto step_of = [&](const Tensor* t) { return t ? t->strides[axis] : 0; };
  const auto rest_of = [&](const Tensor* t) {
    return t ? without(t->strides, axis) : Dims::filled(x.rank() - 1, 0);
  };
  const Walk<3> kept(without(x.dims, axis), {rest_of(&x), rest_of(values), rest_of(indices)});
  auto* const heap = static_cast<int64_t*>(context.scratch);
  return dispatch_number(x.dtype, [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    const auto one_line = [&](const T* line, int64_t to_values, int64_t to_indices) {
      const auto before = [&](int64_t i, int64_t j) {  // i is better than j
        const Compute<T> a = load(line[i * x.strides[axis]]);
        const Compute<T> b = load(line[j * x.strides[axis]]);
        if (op.largest ? is_less(b, a) : is_less(a, b)) return true;
        if (op.largest ? is_less(a, b) : is_less(b, a)) return false;
        return i < j;
      };
      // The worst of the k best so far is on top of the heap.
      int64_t* const end = heap + op.k;
      for (int64_t i = 0; i < op.k; ++i) heap[i] = i;
      std::make_heap(heap, end, before);
      for (int64_t i = op.k; op.k > 0 && i < x.dims[axis]; ++i) {
        if (!before(i, heap[0])) continue;
        std::pop_heap(heap, end, before);
        end[-1] = i;
        std::push_heap(heap, end, before);
      }
      std::sort_heap(heap, end, before);
      for (int64_t i = 0; i < op.k; ++i) {
        if (values) {
          values->as<T>()[to_values + i * step_of(values)] = line[heap[i] * x.strides[axis]];
        }
        if (indices) indices->as<int64_t>()[to_indices + i * step_of(indices)] = heap[i];
      }
    };
    kept.visit(0, kept.count(), [&](const Offsets<3>& first, int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        one_line(x.as<T>() + first[0] + i * kept.steps()[0], first[1] + i * kept.steps()[1],
                 first[2] + i * kept.steps()[2]);
      }
    });
    return {};
  });
}

Result<KernelNeeds> top_k_needs(const KernelRequest& request) {
  const int64_t k = std::get<TopK>(*request.op).k;
  return KernelNeeds{.scratch_bytes = k * static_cast<int64_t>(sizeof(int64_t)), .packed = {}};
}

}  // namespace

const KernelDef* ArgReduce_reference() {
  static constexpr KernelDef kDef = reference_def<ArgReduce, run_arg_reduce>();
  return &kDef;
}

const KernelDef* TopK_reference() {
  static constexpr KernelDef kDef = reference_def<TopK, run_top_k>(nullptr, top_k_needs);
  return &kDef;
}

}  // namespace memopt
