// Scatters. Two updates may meet in one element, so they are applied by one thread, in row-major
// order.
#include "runtime/kernels/lanes.h"
#include "runtime/kernels/reference/copy.h"
#include "runtime/kernels/reference/indices.h"
#include "runtime/kernels/reference/reference.h"
#include "runtime/kernels/scalar_math.h"

namespace memopt {
namespace {

BinaryFn binary_fn(ScatterFn fn) {
  switch (fn) {
    case ScatterFn::kAdd:
      return BinaryFn::kAdd;
    case ScatterFn::kMul:
      return BinaryFn::kMul;
    case ScatterFn::kMax:
      return BinaryFn::kMax;
    case ScatterFn::kMin:
    case ScatterFn::kReplace:  // which asks for no function
      return BinaryFn::kMin;
  }
  return BinaryFn::kMin;
}

// Calls apply(TypeTag<T>, update), where update(T& element, T by) is what `fn` says.
template <typename F>
Status with_update(ScatterFn fn, DType dtype, F&& apply) {
  if (fn == ScatterFn::kReplace) {
    return dispatch_width(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      apply(tag, [](T& element, T by) { element = by; });
      return Status();
    });
  }
  return dispatch_number(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    apply(tag, [function = binary_fn(fn)](T& element, T by) {
      element = store<T>(binary_value(function, load(element), load(by)));
    });
    return Status();
  });
}

// The result begins as x, whose bytes it may have.
void copy_unless_same(const Tensor& x, const Tensor& y, Parallel* parallel) {
  if (x.data != y.data) copy_box(x.dtype, x.dims, place_of(x), place_of(y), parallel);
}

Status run_scatter_elements(const ScatterElements& op, const RunContext& context) {
  const Tensor& indices = context.inputs[1];
  const Tensor& updates = context.inputs[2];
  const Tensor& y = context.outputs[0];
  const int axis = static_cast<int>(op.axis);
  const int64_t extent = y.dims[axis];
  MEMOPT_RETURN_IF_ERROR(check_indices(indices, [&](const Dims&) { return extent; }));
  copy_unless_same(context.inputs[0], y, context.parallel);
  Dims others = y.strides;
  others[axis] = 0;
  const Walk<4> walk(indices.dims,
                     {row_major_strides(indices.dims), indices.strides, updates.strides, others});
  const auto& steps = walk.steps();
  return with_update(op.fn, y.dtype, [&](auto tag, auto update) {
    using T = typename decltype(tag)::type;
    walk.visit(0, walk.count(), [&](const auto& at, int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        const int64_t index = load_int(indices.dtype, indices.data, at[1] + i * steps[1]);
        update(y.as<T>()[at[3] + i * steps[3] + from_start(index, extent) * y.strides[axis]],
               updates.as<T>()[at[2] + i * steps[2]]);
      }
    });
  });
}

Status run_scatter_nd(const ScatterND& op, const RunContext& context) {
  const Tensor& indices = context.inputs[1];
  const Tensor& updates = context.inputs[2];
  const Tensor& y = context.outputs[0];
  const int last = indices.rank() - 1;
  const int depth = static_cast<int>(indices.dims[last]);
  MEMOPT_RETURN_IF_ERROR(
      check_indices(indices, [&](const Dims& at) { return y.dims[static_cast<int>(at[last])]; }));
  copy_unless_same(context.inputs[0], y, context.parallel);
  const Walk<2> slab(
      slice_dims(y.dims, depth, y.rank()),
      {slice_dims(y.strides, depth, y.rank()), slice_dims(updates.strides, last, updates.rank())});
  const auto& steps = slab.steps();
  return with_update(op.fn, y.dtype, [&](auto tag, auto update) {
    using T = typename decltype(tag)::type;
    for_each_coordinate(slice_dims(indices.dims, 0, last), [&](const Dims& at) {
      int64_t to = 0;
      const int64_t tuple = offset_of(at, indices.strides);
      for (int i = 0; i < depth; ++i) {
        const int64_t index =
            load_int(indices.dtype, indices.data, tuple + i * indices.strides[last]);
        to += from_start(index, y.dims[i]) * y.strides[i];
      }
      T* const element = y.as<T>() + to;
      const T* const by = updates.as<T>() + offset_of(at, updates.strides);
      slab.visit(0, slab.count(), [&](const auto& offsets, int64_t n) {
        for (int64_t i = 0; i < n; ++i) {
          update(element[offsets[0] + i * steps[0]], by[offsets[1] + i * steps[1]]);
        }
      });
    });
  });
}

// Only x may be overwritten.
bool overwrites_x(const KernelRequest& request, int input, int output) {
  return input == 0 && same_elements(request, input, output);
}

}  // namespace

const KernelDef* ScatterElements_reference() {
  static constexpr KernelDef kDef =
      reference_def<ScatterElements, run_scatter_elements>(overwrites_x);
  return &kDef;
}

const KernelDef* ScatterND_reference() {
  static constexpr KernelDef kDef = reference_def<ScatterND, run_scatter_nd>(overwrites_x);
  return &kDef;
}

}  // namespace memopt
