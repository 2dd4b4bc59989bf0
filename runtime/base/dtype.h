// Element types: ONNX's own, with the storage layout ONNX gives them (little-endian; types below
// eight bits are packed, first element in the low bits).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace memopt {

enum class DType : uint8_t {
  kF32,
  kF64,
  kF16,
  kBF16,
  kF8E4M3FN,
  kF8E4M3FNUZ,
  kF8E5M2,
  kF8E5M2FNUZ,
  kF8E8M0,
  kF4E2M1,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kU16,
  kU32,
  kU64,
  kI4,
  kU4,
  kI2,
  kU2,
  kBool,
  kC64,
  kC128,
};
inline constexpr int kDTypeCount = static_cast<int>(DType::kC128) + 1;

// The name in IR text and reports: "f32", "i64", "bool", ...
std::string_view dtype_name(DType type);
std::optional<DType> parse_dtype(std::string_view name);

// Bits of one element in storage: 2, 4, 8, 16, 32, 64 or 128.
int dtype_bits(DType type);

bool is_float(DType type);             // f64, f32, f16, bf16 and the 8- and 4-bit floats
bool is_signed_integer(DType type);    // i2 .. i64
bool is_unsigned_integer(DType type);  // u2 .. u64, not bool
inline bool is_integer(DType type) { return is_signed_integer(type) || is_unsigned_integer(type); }

// The bytes that `count` elements occupy (rounded up to whole bytes); nullopt on overflow or count
// < 0.
std::optional<int64_t> dtype_bytes(DType type, int64_t count);

}  // namespace memopt
