// Cast: integers keep their low bits, floats truncate to integers, everything rounds to nearest
// even on its way to a float.
#include "runtime/kernels/reference/cast.h"

#include <bit>

#include "runtime/kernels/reference/copy.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt {
namespace {

// A float such that rounding it once more to any narrower float gives what rounding `value`
// directly would: truncated, with the last bit set where digits were lost ("round to odd").
float round_to_odd(double value) {
  const float nearest = static_cast<float>(value);
  if (!std::isfinite(nearest) || static_cast<double>(nearest) == value) return nearest;
  const bool too_large = std::fabs(static_cast<double>(nearest)) > std::fabs(value);
  const float truncated = too_large ? std::nextafter(nearest, 0.0f) : nearest;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(truncated) | 1u);
}

template <typename T>
constexpr bool kIsNarrowFloat = std::is_same_v<T, F16> || std::is_same_v<T, BF16>;

template <typename To, typename From>
To cast_element(From element) {
  const auto value = load(element);
  if constexpr (kIsNarrowFloat<To> && sizeof(value) >= 4 &&
                !std::is_same_v<decltype(value), const float>) {
    return store<To>(round_to_odd(static_cast<double>(value)));
  } else {
    return store<To>(convert<Compute<To>>(value));
  }
}

// n elements of one row, `dy` and `dx` elements apart.
using CastRow = void (*)(void* y, int64_t dy, const void* x, int64_t dx, int64_t n);
template <typename To, typename From>
void cast_row(void* y, int64_t dy, const void* x, int64_t dx, int64_t n) {
  To* const to = static_cast<To*>(y);
  const From* const from = static_cast<const From*>(x);
  for (int64_t i = 0; i < n; ++i) to[i * dy] = cast_element<To>(from[i * dx]);
}

template <typename F>
Status dispatch_castable(DType type, F&& f) {
  if (type == DType::kBool) return f(TypeTag<Bool>{});
  return dispatch_number(type, f);
}

bool is_byte_number(DType type) {
  return type == DType::kBool || (dtype_bits(type) >= 8 && is_integer(type)) ||
         (is_float(type) && dtype_bits(type) >= 16);
}

// Types below 16 bits that are no integers of whole bytes: one element at a time.
void cast_small(const Cast& op, const Tensor& x, const Tensor& y) {
  for_each_coordinate(x.dims, [&](const Dims& at) {
    const int64_t from = offset_of(at, x.strides);
    const int64_t to = offset_of(at, y.strides);
    if (is_float(x.dtype) || is_float(y.dtype)) {
      store_double(op, y.data, to, load_double(x.dtype, x.data, from));
    } else {
      const int64_t value = load_int(x.dtype, x.data, from);
      store_bits(y.dtype, y.data, to,
                 y.dtype == DType::kBool ? value != 0 : static_cast<uint64_t>(value));
    }
  });
}

Status run_cast(const Cast& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  if (x.dtype == y.dtype) {
    copy_box(x.dtype, x.dims, place_of(x), place_of(y), context.parallel);
    return {};
  }
  if (!is_byte_number(x.dtype) || !is_byte_number(y.dtype)) {
    cast_small(op, x, y);
    return {};
  }
  CastRow run = nullptr;
  MEMOPT_RETURN_IF_ERROR(dispatch_castable(x.dtype, [&](auto from) {
    return dispatch_castable(y.dtype, [&](auto to) {
      run = cast_row<typename decltype(to)::type, typename decltype(from)::type>;
      return Status();
    });
  }));
  const Walk<2> walk(y.dims, {y.strides, x.strides});
  const auto [dy, dx] = walk.steps();
  const int64_t y_bytes = dtype_bits(y.dtype) / 8;
  const int64_t x_bytes = dtype_bits(x.dtype) / 8;
  walk.visit_all(context.parallel, [&, dy = dy, dx = dx](const auto& at, int64_t n) {
    run(y.as<std::byte>() + at[0] * y_bytes, dy, x.as<const std::byte>() + at[1] * x_bytes, dx, n);
  });
  return {};
}

}  // namespace

void store_double(const Cast& to, void* data, int64_t index, double value) {
  switch (to.to) {
    case DType::kF32:
      static_cast<float*>(data)[index] = static_cast<float>(value);
      return;
    case DType::kF64:
      static_cast<double*>(data)[index] = value;
      return;
    case DType::kF16:
      static_cast<uint16_t*>(data)[index] = f32_to_f16(round_to_odd(value));
      return;
    case DType::kBF16:
      static_cast<uint16_t*>(data)[index] = f32_to_bf16(round_to_odd(value));
      return;
    case DType::kF8E8M0:
      static_cast<uint8_t*>(data)[index] =
          f32_to_e8m0(static_cast<float>(value), to.saturate, to.round_mode);
      return;
    case DType::kBool:
      static_cast<uint8_t*>(data)[index] = value != 0;
      return;
    case DType::kU64:
      static_cast<uint64_t*>(data)[index] = convert<uint64_t>(value);
      return;
    default:
      break;
  }
  if (is_float(to.to)) {
    store_bits(to.to, data, index, f32_to_f8(to.to, round_to_odd(value), to.saturate));
  } else {
    store_bits(to.to, data, index, static_cast<uint64_t>(convert<int64_t>(value)));
  }
}

const KernelDef* Cast_reference() {
  static constexpr KernelDef kDef = reference_def<Cast, run_cast>(same_elements);
  return &kDef;
}

}  // namespace memopt
