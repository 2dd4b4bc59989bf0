// Functions on float that compilers vectorise: no branches, no calls. Within 2 units in the last
// place over the whole range unless they say otherwise; NaN in, NaN out. Only for *_simd.cc files,
// which are compiled once per instruction set (simd.h has the rules, and vectors by hand).
#pragma once

#include <cstdint>

namespace memopt::MEMOPT_SIMD_NAMESPACE {

#define MEMOPT_INLINE static inline __attribute__((always_inline))

#ifdef __FMA__
MEMOPT_INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
MEMOPT_INLINE float fma(float a, float b, float c) { return a * b + c; }
#endif

MEMOPT_INLINE int32_t bits_of(float x) { return __builtin_bit_cast(int32_t, x); }
MEMOPT_INLINE float float_of(int32_t bits) { return __builtin_bit_cast(float, bits); }
MEMOPT_INLINE float absolute(float x) { return float_of(bits_of(x) & 0x7FFFFFFF); }
MEMOPT_INLINE float with_sign_of(float magnitude, float sign) {
  return float_of((bits_of(magnitude) & 0x7FFFFFFF) |
                  (bits_of(sign) & static_cast<int32_t>(0x80000000)));
}
// Both keep a NaN in x.
MEMOPT_INLINE float at_least(float x, float low) { return x < low ? low : x; }
MEMOPT_INLINE float at_most(float x, float high) { return x > high ? high : x; }

// e^x = 2^n (1 + p): n the nearest integer to x / ln 2, p = e^r - 1 for the rest |r| <= ln 2 / 2 by
// its Taylor series. x is cut to where the result is 0 or infinity anyway.
struct Exponential {
  int32_t n;
  float p;
};
MEMOPT_INLINE Exponential split_exp(float x) {
  constexpr float kMagic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  constexpr float kLog2E = 1.44269504f;
  constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  const float shifted = fma(x, kLog2E, kMagic);
  const float n = shifted - kMagic;
  const float r = fma(n, -kLn2Low, fma(n, -kLn2High, x));
  float p = 1.0f / 5040;
  p = fma(p, r, 1.0f / 720);
  p = fma(p, r, 1.0f / 120);
  p = fma(p, r, 1.0f / 24);
  p = fma(p, r, 1.0f / 6);
  p = fma(p, r, 0.5f);
  p = fma(p * r, r, r);
  return {bits_of(shifted) - bits_of(kMagic), p};
}
MEMOPT_INLINE float power_of_two(int32_t n) {
  return float_of(static_cast<int32_t>(static_cast<uint32_t>(n + 127) << 23));
}
MEMOPT_INLINE float exp(float x) {
  const Exponential e = split_exp(at_most(at_least(x, -104.0f), 89.0f));
  const int32_t half = e.n >> 1;  // in two steps, for n may be beyond a float's exponents
  return (1.0f + e.p) * power_of_two(half) * power_of_two(e.n - half);
}
// e^x - 1.
MEMOPT_INLINE float expm1(float x) {
  const Exponential e = split_exp(at_most(at_least(x, -18.0f), 89.0f));
  const float half = power_of_two(e.n - 1);  // for n may be 128
  return 2.0f * fma(half, e.p, half - 0.5f);
}

// x = 2^n (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); log(1 + f) = f - f^2/2 + s (f^2/2 + R) with
// s = f / (2 + f) and R the rest of the series of 2 atanh(s).
MEMOPT_INLINE float log(float x) {
  constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  constexpr int32_t kSqrtHalf = 0x3F3504F3;
  const bool small = x < 1.17549435e-38f;
  const float scaled = small ? x * 33554432.0f : x;
  const auto bits = static_cast<int32_t>(static_cast<uint32_t>(bits_of(scaled)) - kSqrtHalf);
  const int32_t n = (bits >> 23) - (small ? 25 : 0);
  const float f = float_of((bits & 0x7FFFFF) + kSqrtHalf) - 1.0f;
  const float s = f / (2.0f + f);
  const float z = s * s;
  float rest = 2.0f / 9;
  rest = fma(rest, z, 2.0f / 7);
  rest = fma(rest, z, 2.0f / 5);
  rest = fma(rest, z, 2.0f / 3);
  rest *= z;
  const float half_square = 0.5f * f * f;
  const float e = static_cast<float>(n);
  const float low = fma(s, half_square + rest, e * kLn2Low);
  const float value = fma(e, kLn2High, f - (half_square - low));
  const float infinity = float_of(0x7F800000);
  const float special = x == 0.0f ? -infinity : x < 0.0f ? float_of(0x7FC00000) : x;
  return (x > 0.0f) & (x < infinity) ? value : special;
}

MEMOPT_INLINE float sigmoid(float x) { return 1.0f / (1.0f + exp(-x)); }

MEMOPT_INLINE float tanh(float x) {
  const float e = expm1(2.0f * at_most(absolute(x), 10.0f));
  return with_sign_of(e / (e + 2.0f), x);
}

// Least-squares fits in Chebyshev nodes: of erf(x) / x in x^2 below 1, of log(1 - erf(x)) up to 4,
// from where erf is 1 in float.
MEMOPT_INLINE float erf(float x) {
  const float square = x * x;
  float small = 7.8824974e-05f;
  small = fma(small, square, -0.0008018855f);
  small = fma(small, square, 0.005189312f);
  small = fma(small, square, -0.026854329f);
  small = fma(small, square, 0.11283597f);
  small = fma(small, square, -0.37612626f);
  small = fma(small, square, 0.12837917f);
  const float t = at_most(absolute(x), 4.0f);
  float large = -6.582857e-08f;
  large = fma(large, t, 3.0952044e-06f);
  large = fma(large, t, -6.0068793e-05f);
  large = fma(large, t, 0.00067333755f);
  large = fma(large, t, -0.0050210445f);
  large = fma(large, t, 0.026999498f);
  large = fma(large, t, -0.11090742f);
  large = fma(large, t, -0.63108885f);
  large = fma(large, t, -1.1306045f);
  large = fma(large, t, 0.0004005005f);
  return t < 1.0f ? fma(small, x, x) : with_sign_of(1.0f - exp(large), x);
}

// log(1 + e^x): the larger of x and 0, plus log(1 + e^-|x|), whose argument is in (1, 2].
MEMOPT_INLINE float softplus(float x) {
  const float e = exp(-absolute(x));
  // log(1 + e), corrected for what 1 + e rounds away.
  const float sum = 1.0f + e;
  const float tail = log(sum) + (e - (sum - 1.0f)) / sum;
  return at_least(x, 0.0f) + tail;
}

}  // namespace memopt::MEMOPT_SIMD_NAMESPACE
