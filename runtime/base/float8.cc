#include "runtime/base/float8.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "runtime/base/check.h"

namespace memopt {
namespace {

enum class Special : uint8_t {
  kInfinities,  // IEEE: the largest exponent holds infinity and NaN
  kOneNan,      // NaN is all ones, no infinity
  kZeroSign,    // NaN is 0x80, no infinity, no negative zero
  kNone,        // neither NaN nor infinity
};

struct Format {
  int mantissa_bits;
  int bias;
  int sign_bit;
  int largest;  // code of the largest finite value
  Special special;
};

Format format_of(DType type) {
  switch (type) {
    case DType::kF8E4M3FN:
      return {3, 7, 0x80, 0x7E, Special::kOneNan};
    case DType::kF8E4M3FNUZ:
      return {3, 8, 0x80, 0x7F, Special::kZeroSign};
    case DType::kF8E5M2:
      return {2, 15, 0x80, 0x7B, Special::kInfinities};
    case DType::kF8E5M2FNUZ:
      return {2, 16, 0x80, 0x7F, Special::kZeroSign};
    case DType::kF4E2M1:
      return {1, 1, 0x8, 0x7, Special::kNone};
    default:
      MEMOPT_CHECK(false);
  }
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// NaN, or infinity in the type that has it.
int special_code(const Format& format, bool nan, int sign) {
  switch (format.special) {
    case Special::kInfinities:
      return sign | (nan ? 0x7E : 0x7C);
    case Special::kOneNan:
      return sign | 0x7F;
    case Special::kZeroSign:
      return 0x80;
    case Special::kNone:  // NaN becomes -0, as ONNX's own conversion has it
      return nan ? format.sign_bit : sign | format.largest;
  }
  return 0;
}

}  // namespace

float f8_to_f32(DType type, uint8_t bits) {
  if (type == DType::kF8E8M0) return bits == 0xFF ? kNan : std::ldexp(1.0f, bits - 127);
  const Format format = format_of(type);
  const bool negative = (bits & format.sign_bit) != 0;
  const int code = bits & (format.sign_bit - 1);
  if (format.special == Special::kZeroSign && negative && code == 0) return kNan;
  if (code > format.largest) {
    if (format.special == Special::kInfinities && code == 0x7C) {
      return negative ? -kInfinity : kInfinity;
    }
    return kNan;
  }
  const int one = 1 << format.mantissa_bits;
  const int exponent = code >> format.mantissa_bits;
  const int mantissa = code & (one - 1);
  const int scale = (exponent == 0 ? 1 : exponent) - format.bias - format.mantissa_bits;
  const float value =
      std::ldexp(static_cast<float>(exponent == 0 ? mantissa : mantissa + one), scale);
  return negative ? -value : value;
}

uint8_t f32_to_f8(DType type, float value, bool saturate) {
  if (type == DType::kF8E8M0) return f32_to_e8m0(value, saturate, E8M0Round::kUp);
  const Format format = format_of(type);
  const int sign = std::signbit(value) ? format.sign_bit : 0;
  if (std::isnan(value)) return static_cast<uint8_t>(special_code(format, true, sign));
  int code = format.largest + 1;
  if (std::isfinite(value)) {
    // |value| = significand * 2^exponent with a significand in [1, 2), or below for subnormals.
    const double magnitude = std::fabs(static_cast<double>(value));
    const int smallest = 1 - format.bias;
    const int exponent = magnitude == 0 ? smallest : std::max(std::ilogb(magnitude), smallest);
    // In units of the last place; rint rounds half to even. A carry moves on to the exponent.
    const int units =
        static_cast<int>(std::rint(std::ldexp(magnitude, format.mantissa_bits - exponent)));
    const int one = 1 << format.mantissa_bits;
    code = ((exponent + format.bias) << format.mantissa_bits) + units - one;
  }
  if (code > format.largest) {
    const bool clamp = saturate || format.special == Special::kNone;
    return static_cast<uint8_t>(clamp ? sign | format.largest
                                      : special_code(format, /*nan=*/false, sign));
  }
  if (code == 0 && format.special == Special::kZeroSign) return 0;
  return static_cast<uint8_t>(sign | code);
}

uint8_t f32_to_e8m0(float value, bool saturate, E8M0Round round) {
  constexpr uint32_t kNanCode = 0xFF;
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t exponent = (bits >> 23) & 0xFF;
  const uint32_t fraction = bits & 0x7FFFFF;
  if (exponent == kNanCode) return kNanCode;
  bool up = false;
  switch (round) {
    case E8M0Round::kUp:
      up = fraction != 0;
      break;
    case E8M0Round::kDown:
      break;
    case E8M0Round::kNearest:  // to even, where the code 0 is even
      up = fraction > 0x400000 || (fraction == 0x400000 && exponent > 0);
      break;
  }
  if (up && saturate && exponent == kNanCode - 1) up = false;
  return static_cast<uint8_t>(exponent + (up ? 1 : 0));
}

}  // namespace memopt
