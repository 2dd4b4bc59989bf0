// Elements in memory and in registers: C++ types for every element type of at least a byte, the
// type each is computed in, and dispatch from a DType to a C++ type, once per call and outside of
// loops.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include "runtime/base/dtype.h"
#include "runtime/base/float16.h"
#include "runtime/base/float8.h"
#include "runtime/base/result.h"

namespace memopt {

// Storage of the types that C++ does not have. Bool keeps whatever byte the caller stored.
struct F16 {
  uint16_t bits;
};
struct BF16 {
  uint16_t bits;
};
struct Bool {
  uint8_t byte;
};
template <DType kType>
struct F8 {
  uint8_t bits;
};

// The type in which an element is computed: float for the narrow floats, bool for Bool, else
// itself.
template <typename T>
struct ElementTraits {
  using Compute = T;
  static Compute load(T value) { return value; }
  static T store(Compute value) { return value; }
};
template <>
struct ElementTraits<F16> {
  using Compute = float;
  static float load(F16 value) { return f16_to_f32(value.bits); }
  static F16 store(float value) { return {f32_to_f16(value)}; }
};
template <>
struct ElementTraits<BF16> {
  using Compute = float;
  static float load(BF16 value) { return bf16_to_f32(value.bits); }
  static BF16 store(float value) { return {f32_to_bf16(value)}; }
};
template <>
struct ElementTraits<Bool> {
  using Compute = bool;
  static bool load(Bool value) { return value.byte != 0; }
  static Bool store(bool value) { return {value}; }
};
template <DType kType>
struct ElementTraits<F8<kType>> {
  using Compute = float;
  static float load(F8<kType> value) { return f8_to_f32(kType, value.bits); }
  static F8<kType> store(float value) { return {f32_to_f8(kType, value, true)}; }
};

template <typename T>
using Compute = typename ElementTraits<T>::Compute;
template <typename T>
Compute<T> load(T value) {
  return ElementTraits<T>::load(value);
}
template <typename T>
T store(Compute<T> value) {
  return ElementTraits<T>::store(value);
}

// `to` the nearest representable value: floats to integers truncate, saturate, and take NaN to 0
// (never undefined); integers to integers keep the low bits; everything else is static_cast.
template <typename To, typename From>
To convert(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // 2^digits is exact in every floating type, max() need not be.
    const From limit = std::ldexp(From(1), std::numeric_limits<To>::digits);
    if (std::isnan(value)) return 0;
    if (value >= limit) return std::numeric_limits<To>::max();
    if (value <= From(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

template <typename T>
struct TypeTag {
  using type = T;
};

inline Error no_kernel_for(DType type) {
  return internal_error("no kernel for element type " + std::string(dtype_name(type)));
}

// Each dispatch calls f(TypeTag<T>{}), which returns a Status, with the storage type T of `type`.
template <typename F>
Status dispatch_float(DType type, F&& f) {
  switch (type) {
    case DType::kF32:
      return f(TypeTag<float>{});
    case DType::kF64:
      return f(TypeTag<double>{});
    case DType::kF16:
      return f(TypeTag<F16>{});
    case DType::kBF16:
      return f(TypeTag<BF16>{});
    default:
      return no_kernel_for(type);
  }
}

template <typename F>
Status dispatch_int(DType type, F&& f) {
  switch (type) {
    case DType::kI8:
      return f(TypeTag<int8_t>{});
    case DType::kI16:
      return f(TypeTag<int16_t>{});
    case DType::kI32:
      return f(TypeTag<int32_t>{});
    case DType::kI64:
      return f(TypeTag<int64_t>{});
    case DType::kU8:
      return f(TypeTag<uint8_t>{});
    case DType::kU16:
      return f(TypeTag<uint16_t>{});
    case DType::kU32:
      return f(TypeTag<uint32_t>{});
    case DType::kU64:
      return f(TypeTag<uint64_t>{});
    default:
      return no_kernel_for(type);
  }
}

// The floats and integers of whole bytes that have arithmetic.
template <typename F>
Status dispatch_number(DType type, F&& f) {
  const bool is_number_float =
      type == DType::kF32 || type == DType::kF64 || type == DType::kF16 || type == DType::kBF16;
  return is_number_float ? dispatch_float(type, f) : dispatch_int(type, f);
}

// An unsigned integer (or pair of them) as wide as the element: what moving needs. Sub-byte types
// are not served.
struct Bits128 {
  uint64_t low, high;
  bool operator==(const Bits128&) const = default;
};
template <typename F>
Status dispatch_width(DType type, F&& f) {
  switch (dtype_bits(type)) {
    case 8:
      return f(TypeTag<uint8_t>{});
    case 16:
      return f(TypeTag<uint16_t>{});
    case 32:
      return f(TypeTag<uint32_t>{});
    case 64:
      return f(TypeTag<uint64_t>{});
    case 128:
      return f(TypeTag<Bits128>{});
    default:
      return no_kernel_for(type);
  }
}

// One element of any real type by its index in elements from `data`: slow, for the small operands
// (scales, bounds, indices) and for packed types. Integers above 2^53 lose digits as double.
double load_double(DType type, const void* data, int64_t index);
// Integer types and bool only.
int64_t load_int(DType type, const void* data, int64_t index);
// The raw bits of an element of at most 64 bits. Storing to a packed type changes only its own bits
// of the byte, so two threads must not share one.
uint64_t load_bits(DType type, const void* data, int64_t index);
void store_bits(DType type, void* data, int64_t index, uint64_t bits);

}  // namespace memopt
