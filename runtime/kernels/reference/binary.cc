#include <array>
#include <iterator>
#include <utility>

#include "runtime/kernels/reference/map.h"
#include "runtime/kernels/reference/reference.h"
#include "runtime/kernels/reference/unary.h"
#include "runtime/kernels/scalar_math.h"

namespace memopt {
namespace {

template <typename T>
struct Row {
  void* y;  // of T, or of Bool for comparisons
  int64_t dy;
  const T* a;
  int64_t da;
  const T* b;
  int64_t db;
  int64_t n;
};

template <typename T, BinaryFn kFn>
void run_row(const Row<T>& row) {
  for (int64_t i = 0; i < row.n; ++i) {
    const Compute<T> a = load(row.a[i * row.da]);
    const Compute<T> b = load(row.b[i * row.db]);
    if constexpr (is_comparison(kFn)) {
      static_cast<Bool*>(row.y)[i * row.dy] = {compare(kFn, a, b)};
    } else {
      static_cast<T*>(row.y)[i * row.dy] = store<T>(binary_value(kFn, a, b));
    }
  }
}

// One loop per function, so that the choice is made outside of it.
template <typename T>
using RunRow = void (*)(const Row<T>&);
template <typename T, size_t... kFns>
RunRow<T> row_loop(BinaryFn fn, std::index_sequence<kFns...>) {
  static constexpr std::array<RunRow<T>, sizeof...(kFns)> kLoops = {
      &run_row<T, static_cast<BinaryFn>(kFns)>...};
  return kLoops[static_cast<size_t>(fn)];
}

template <typename T>
Status run_typed(BinaryFn fn, const RunContext& context) {
  const Tensor& a = context.inputs[0];
  const Tensor& b = context.inputs[1];
  const Tensor& y = context.outputs[0];
  constexpr size_t kCount = std::size(EnumNames<BinaryFn>::kNames);
  const RunRow<T> run = row_loop<T>(fn, std::make_index_sequence<kCount>());
  const Walk<3> walk(y.dims, {y.strides, broadcast_strides(a.dims, a.strides, y.dims),
                              broadcast_strides(b.dims, b.strides, y.dims)});
  const auto [dy, da, db] = walk.steps();
  const int64_t y_bytes = dtype_bits(y.dtype) / 8;
  walk.visit_all(context.parallel, [&, dy = dy, da = da, db = db](const auto& at, int64_t n) {
    run({y.as<std::byte>() + at[0] * y_bytes, dy, a.as<const T>() + at[1], da,
         b.as<const T>() + at[2], db, n});
  });
  return {};
}

void run_bool(BinaryFn fn, const RunContext& context) {
  map2<Bool, Bool, Bool>(context.inputs[0], context.inputs[1], context.outputs[0], context.parallel,
                         [fn](Bool left, Bool right) {
                           const bool a = load(left);
                           const bool b = load(right);
                           return Bool{fn == BinaryFn::kAnd   ? a && b
                                       : fn == BinaryFn::kOr  ? a || b
                                       : fn == BinaryFn::kXor ? a != b
                                                              : a == b};
                         });
}

// pow with an exponent of another type than the base: in double, or exactly for two integers.
Status run_mixed_pow(const RunContext& context) {
  const Tensor& base = context.inputs[0];
  const Tensor& exponent = context.inputs[1];
  const Tensor& y = context.outputs[0];
  const Dims base_strides = broadcast_strides(base.dims, base.strides, y.dims);
  const Dims exponent_strides = broadcast_strides(exponent.dims, exponent.strides, y.dims);
  return dispatch_number(base.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Walk<3> walk(y.dims, {y.strides, base_strides, exponent_strides});
    const auto& steps = walk.steps();
    walk.visit_all(context.parallel, [&](const auto& at, int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        const Compute<T> a = load(base.as<T>()[at[1] + i * steps[1]]);
        const int64_t e = at[2] + i * steps[2];
        T& to = y.as<T>()[at[0] + i * steps[0]];
        if constexpr (std::is_integral_v<Compute<T>>) {
          if (is_integer(exponent.dtype)) {
            to = exponent.dtype == DType::kU64
                     ? integer_pow(a, exponent.as<uint64_t>()[e])
                     : integer_pow(a, load_int(exponent.dtype, exponent.data, e));
            continue;
          }
        }
        to = store<T>(convert<Compute<T>>(
            std::pow(static_cast<double>(a), load_double(exponent.dtype, exponent.data, e))));
      }
    });
    return Status();
  });
}

Status run_binary(const Binary& op, const RunContext& context) {
  const Tensor& a = context.inputs[0];
  const Tensor& y = context.outputs[0];
  if (a.dtype == DType::kBool) {
    run_bool(op.fn, context);
  } else if (a.dtype != context.inputs[1].dtype) {
    MEMOPT_RETURN_IF_ERROR(run_mixed_pow(context));
  } else {
    MEMOPT_RETURN_IF_ERROR(dispatch_number(a.dtype, [&](auto tag) {
      return run_typed<typename decltype(tag)::type>(op.fn, context);
    }));
  }
  if (op.activation.fn == UnaryFn::kIdentity) return {};
  if (op.activation.fn == UnaryFn::kNot) {
    map1<Bool, Bool>(y, y, context.parallel, [](Bool value) { return Bool{value.byte == 0}; });
    return {};
  }
  return apply_unary(op.activation, y, y, context.parallel);
}

}  // namespace

const KernelDef* Binary_reference() {
  static constexpr KernelDef kDef = reference_def<Binary, run_binary>(same_elements);
  return &kDef;
}

}  // namespace memopt
