#include "runtime/base/dtype.h"

#include "runtime/base/check.h"
#include "runtime/base/checked.h"

namespace memopt {
namespace {

enum class Family : uint8_t { kFloat, kSigned, kUnsigned, kOther };

struct DTypeInfo {
  DType type;
  std::string_view name;
  int bits;
  Family family;
};

// In the order of the enum; the check in `info` holds it there.
constexpr DTypeInfo kInfos[] = {
    {DType::kF32, "f32", 32, Family::kFloat},
    {DType::kF64, "f64", 64, Family::kFloat},
    {DType::kF16, "f16", 16, Family::kFloat},
    {DType::kBF16, "bf16", 16, Family::kFloat},
    {DType::kF8E4M3FN, "f8e4m3fn", 8, Family::kFloat},
    {DType::kF8E4M3FNUZ, "f8e4m3fnuz", 8, Family::kFloat},
    {DType::kF8E5M2, "f8e5m2", 8, Family::kFloat},
    {DType::kF8E5M2FNUZ, "f8e5m2fnuz", 8, Family::kFloat},
    {DType::kF8E8M0, "f8e8m0", 8, Family::kFloat},
    {DType::kF4E2M1, "f4e2m1", 4, Family::kFloat},
    {DType::kI8, "i8", 8, Family::kSigned},
    {DType::kI16, "i16", 16, Family::kSigned},
    {DType::kI32, "i32", 32, Family::kSigned},
    {DType::kI64, "i64", 64, Family::kSigned},
    {DType::kU8, "u8", 8, Family::kUnsigned},
    {DType::kU16, "u16", 16, Family::kUnsigned},
    {DType::kU32, "u32", 32, Family::kUnsigned},
    {DType::kU64, "u64", 64, Family::kUnsigned},
    {DType::kI4, "i4", 4, Family::kSigned},
    {DType::kU4, "u4", 4, Family::kUnsigned},
    {DType::kI2, "i2", 2, Family::kSigned},
    {DType::kU2, "u2", 2, Family::kUnsigned},
    {DType::kBool, "bool", 8, Family::kOther},
    {DType::kC64, "c64", 64, Family::kOther},
    {DType::kC128, "c128", 128, Family::kOther},
};
static_assert(sizeof(kInfos) / sizeof(kInfos[0]) == kDTypeCount);

const DTypeInfo& info(DType type) {
  const auto index = static_cast<size_t>(type);
  MEMOPT_CHECK(index < kDTypeCount && kInfos[index].type == type);
  return kInfos[index];
}

}  // namespace

std::string_view dtype_name(DType type) { return info(type).name; }

std::optional<DType> parse_dtype(std::string_view name) {
  for (const DTypeInfo& candidate : kInfos) {
    if (candidate.name == name) return candidate.type;
  }
  return std::nullopt;
}

int dtype_bits(DType type) { return info(type).bits; }
bool is_float(DType type) { return info(type).family == Family::kFloat; }
bool is_signed_integer(DType type) { return info(type).family == Family::kSigned; }
bool is_unsigned_integer(DType type) { return info(type).family == Family::kUnsigned; }

std::optional<int64_t> dtype_bytes(DType type, int64_t count) {
  if (count < 0) return std::nullopt;
  const std::optional<int64_t> bits = checked_mul(count, dtype_bits(type));
  if (!bits) return std::nullopt;
  return *bits / 8 + (*bits % 8 != 0 ? 1 : 0);
}

}  // namespace memopt
