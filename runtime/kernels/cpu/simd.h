// Vectors of floats for the loops that are compiled once per instruction set. Included only by
// files called *_simd.cc: CMake compiles each of them for the baseline, AVX2 + FMA and AVX-512, in
// a namespace of its own (MEMOPT_SIMD_NAMESPACE), and simd_dispatch.h picks one at run time.
//
// Such a file must not call inline functions of shared headers (std:: algorithms, containers): the
// linker keeps one copy of them, perhaps the one that an old processor cannot run.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace memopt::MEMOPT_SIMD_NAMESPACE {

#if defined(__AVX512F__)
inline constexpr int64_t kWidth = 16;
#elif defined(__AVX2__)
inline constexpr int64_t kWidth = 8;
#else
inline constexpr int64_t kWidth = 4;
#endif

// Arithmetic, comparisons (giving Mask, all bits of a lane set where true) and mask ? a : b are the
// compiler's.
using Vec = float __attribute__((vector_size(kWidth * 4)));
using Mask = int32_t __attribute__((vector_size(kWidth * 4)));

inline Vec splat(float value) { return Vec{} + value; }

// One element in every lane; unlike splat(*from), it takes no arithmetic unit of the processor.
inline Vec load_splat(const float* from) {
#if defined(__AVX512F__)
  return (Vec)_mm512_set1_ps(*from);
#elif defined(__AVX2__)
  return (Vec)_mm256_broadcast_ss(from);
#else
  return splat(*from);
#endif
}

// No alignment is needed; the processor is as fast where there happens to be one.
inline Vec load(const float* from) {
  Vec value;
  __builtin_memcpy(&value, from, sizeof(value));
  return value;
}
inline void store(float* to, Vec value) { __builtin_memcpy(to, &value, sizeof(value)); }

// The first n lanes, 0 <= n < kWidth; the others are `fill`, and memory behind n is not touched.
inline Vec load_part(const float* from, int64_t n, float fill = 0) {
#if defined(__AVX512F__)
  const auto mask = static_cast<__mmask16>((1u << n) - 1);
  return (Vec)_mm512_mask_loadu_ps((__m512)splat(fill), mask, from);
#else
  Vec value = splat(fill);
  for (int64_t i = 0; i < n; ++i) value[i] = from[i];
  return value;
#endif
}
inline void store_part(float* to, int64_t n, Vec value) {
#if defined(__AVX2__)
  if (n == kWidth / 2) {  // a store under a mask takes longer on some processors
    __builtin_memcpy(to, &value, sizeof(value) / 2);
    return;
  }
#endif
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << n) - 1), (__m512)value);
#else
  for (int64_t i = 0; i < n; ++i) to[i] = value[i];
#endif
}

// Where a lane of either operand is NaN, the result's lane is that of b.
inline Vec max(Vec a, Vec b) {
#if defined(__AVX512F__)
  return (Vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (Vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return a > b ? a : b;
#endif
}
inline Vec min(Vec a, Vec b) {
#if defined(__AVX512F__)
  return (Vec)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (Vec)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return a < b ? a : b;
#endif
}

// a * b + c, rounded once where the instruction set can.
inline Vec fma(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
  return (Vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
  return (Vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

inline Vec sqrt(Vec x) {
#if defined(__AVX512F__)
  return (Vec)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
  return (Vec)_mm256_sqrt_ps((__m256)x);
#else
  for (int64_t i = 0; i < kWidth; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

inline Vec abs(Vec x) { return (Vec)((Mask)x & INT32_MAX); }

// To the nearest integer, ties to even, for |x| < 2^22.
inline Vec round(Vec x) {
  const Vec magic = splat(0x1.8p23f);
  return (x + magic) - magic;
}
inline Mask to_int(Vec x) { return __builtin_convertvector(x, Mask); }

// All lanes, in a fixed order.
inline float sum_of(Vec x) {
  float sum = 0;
  for (int64_t i = 0; i < kWidth; ++i) sum += x[i];
  return sum;
}
// NaN if a lane is.
inline float max_of(Vec x) {
  float result = x[0];
  for (int64_t i = 1; i < kWidth; ++i) result = x[i] > result || x[i] != x[i] ? x[i] : result;
  return result;
}
inline float min_of(Vec x) {
  float result = x[0];
  for (int64_t i = 1; i < kWidth; ++i) result = x[i] < result || x[i] != x[i] ? x[i] : result;
  return result;
}

// e^x within 2 units in the last place, also for denormal results; e^-inf = 0, e^inf = inf.
// By reduction to |r| <= ln 2 / 2 and a polynomial (Cephes expf).
inline Vec exp(Vec x) {
  const Vec clamped = min(max(x, splat(-104.0f)), splat(89.0f));
  const Vec n = round(clamped * 1.44269504088896341f);
  Vec r = fma(n, splat(-0.693359375f), clamped);
  r = fma(n, splat(2.12194440e-4f), r);
  Vec p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  p = fma(p, r * r, r) + 1.0f;
  // 2^n in two factors, since n reaches from -150 to 128.
  const Mask half = to_int(n) >> 1;
  const Mask rest = to_int(n) - half;
  const Vec y = p * (Vec)((half + 127) << 23) * (Vec)((rest + 127) << 23);
  return x == x ? y : x;
}

}  // namespace memopt::MEMOPT_SIMD_NAMESPACE
