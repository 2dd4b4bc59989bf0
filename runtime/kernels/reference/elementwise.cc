// Unary, clip and where. Binary and cast have files of their own.
#include "runtime/kernels/reference/copy.h"
#include "runtime/kernels/reference/map.h"
#include "runtime/kernels/reference/reference.h"
#include "runtime/kernels/reference/unary.h"

namespace memopt {
namespace {

// is_inf and is_nan look at every float type of at least a byte.
template <typename F>
Status dispatch_any_float(DType type, F&& f) {
  switch (type) {
    case DType::kF8E4M3FN:
      return f(TypeTag<F8<DType::kF8E4M3FN>>{});
    case DType::kF8E4M3FNUZ:
      return f(TypeTag<F8<DType::kF8E4M3FNUZ>>{});
    case DType::kF8E5M2:
      return f(TypeTag<F8<DType::kF8E5M2>>{});
    case DType::kF8E5M2FNUZ:
      return f(TypeTag<F8<DType::kF8E5M2FNUZ>>{});
    case DType::kF8E8M0:
      return f(TypeTag<F8<DType::kF8E8M0>>{});
    default:
      return dispatch_float(type, f);
  }
}

Status run_classify(const Activation& fn, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const bool negative = fn.alpha != 0;
  const bool positive = fn.beta != 0;
  return dispatch_any_float(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    map1<Bool, T>(x, context.outputs[0], context.parallel, [&](T element) {
      const auto value = load(element);
      if (fn.fn == UnaryFn::kIsNan) return Bool{std::isnan(value)};
      return Bool{std::isinf(value) && (value < 0 ? negative : positive)};
    });
    return Status();
  });
}

Status run_unary(const Unary& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  switch (op.fn.fn) {
    case UnaryFn::kIdentity:
      copy_box(x.dtype, x.dims, place_of(x), place_of(y), context.parallel);
      return {};
    case UnaryFn::kIsInf:
    case UnaryFn::kIsNan:
      return run_classify(op.fn, context);
    case UnaryFn::kNot:
      map1<Bool, Bool>(x, y, context.parallel, [](Bool value) { return Bool{value.byte == 0}; });
      return {};
    default:
      return apply_unary(op.fn, x, y, context.parallel);
  }
}

Status run_clip(const Clip&, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const auto bound = [&](size_t i) {
    return i < context.inputs.size() ? context.inputs[i].data : nullptr;
  };
  return dispatch_number(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const lo = static_cast<const T*>(bound(1));
    const T* const hi = static_cast<const T*>(bound(2));
    map1<T, T>(x, context.outputs[0], context.parallel, [lo, hi](T element) {
      if (lo != nullptr && load(element) < load(*lo)) element = *lo;
      if (hi != nullptr && load(element) > load(*hi)) element = *hi;
      return element;
    });
    return Status();
  });
}

void where_packed(const RunContext& context) {
  const Tensor& y = context.outputs[0];
  std::array<Dims, 3> strides;
  for (size_t i = 0; i < 3; ++i) {
    strides[i] = broadcast_strides(context.inputs[i].dims, context.inputs[i].strides, y.dims);
  }
  for_each_coordinate(y.dims, [&](const Dims& at) {
    const size_t chosen = context.inputs[0].as<uint8_t>()[offset_of(at, strides[0])] != 0 ? 1 : 2;
    store_bits(y.dtype, y.data, offset_of(at, y.strides),
               load_bits(y.dtype, context.inputs[chosen].data, offset_of(at, strides[chosen])));
  });
}

Status run_where(const Where&, const RunContext& context) {
  const Tensor& y = context.outputs[0];
  if (dtype_bits(y.dtype) < 8) {
    where_packed(context);
    return {};
  }
  return dispatch_width(y.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    map3<T, Bool, T, T>(context.inputs[0], context.inputs[1], context.inputs[2], y,
                        context.parallel,
                        [](Bool choice, T a, T b) { return choice.byte != 0 ? a : b; });
    return Status();
  });
}

}  // namespace

const KernelDef* Unary_reference() {
  static constexpr KernelDef kDef = reference_def<Unary, run_unary>(same_elements);
  return &kDef;
}

const KernelDef* Clip_reference() {
  static constexpr KernelDef kDef = reference_def<Clip, run_clip>(same_elements);
  return &kDef;
}

const KernelDef* Where_reference() {
  static constexpr KernelDef kDef = reference_def<Where, run_where>(same_elements);
  return &kDef;
}

}  // namespace memopt
