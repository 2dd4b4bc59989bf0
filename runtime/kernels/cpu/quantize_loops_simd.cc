#include "runtime/kernels/cpu/float_math.h"
#include "runtime/kernels/cpu/quantize_loops.h"

namespace memopt::MEMOPT_SIMD_NAMESPACE {
namespace {

template <typename T>
constexpr float kLow = static_cast<T>(-1) < 0 ? -128.0f : 0.0f;
template <typename T>
constexpr float kHigh = kLow<T> + 255.0f;

template <typename T>
MEMOPT_INLINE T quantized(float x, float scale, float zero) {
  // Beyond +-1024 every sum with a zero point saturates; below it, adding 1.5 * 2^23 rounds.
  const float quotient = at_most(at_least(x / scale, -1024.0f), 1024.0f);
  const float rounded = (quotient + 12582912.0f) - 12582912.0f;
  const float value = at_most(at_least(rounded + zero, kLow<T>), kHigh<T>);
  return static_cast<T>(static_cast<int32_t>(value == value ? value : 0.0f));
}

template <typename T>
MEMOPT_INLINE float dequantized(T x, float scale, int32_t zero) {
  return static_cast<float>(static_cast<int32_t>(x) - zero) * scale;
}

template <typename T>
void quantize(T* __restrict y, const float* __restrict x, int64_t n, float scale, T zero) {
  const auto shift = static_cast<float>(zero);
  for (int64_t i = 0; i < n; ++i) y[i] = quantized<T>(x[i], scale, shift);
}

template <typename T>
void quantize_each(T* __restrict y, const float* __restrict x, int64_t n, const float* scale,
                   const T* zero) {
  if (zero == nullptr) {
    for (int64_t i = 0; i < n; ++i) y[i] = quantized<T>(x[i], scale[i], 0.0f);
  } else {
    for (int64_t i = 0; i < n; ++i) {
      y[i] = quantized<T>(x[i], scale[i], static_cast<float>(zero[i]));
    }
  }
}

template <typename T>
void dequantize(float* __restrict y, const T* __restrict x, int64_t n, float scale, T zero) {
  for (int64_t i = 0; i < n; ++i) y[i] = dequantized<T>(x[i], scale, zero);
}

template <typename T>
void dequantize_each(float* __restrict y, const T* __restrict x, int64_t n, const float* scale,
                     const T* zero) {
  if (zero == nullptr) {
    for (int64_t i = 0; i < n; ++i) y[i] = dequantized<T>(x[i], scale[i], 0);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = dequantized<T>(x[i], scale[i], zero[i]);
  }
}

template <typename T>
constexpr ByteLoops<T> kByteLoops = {quantize<T>, quantize_each<T>, dequantize<T>,
                                     dequantize_each<T>};

}  // namespace

const QuantizeLoops& quantize_loops() {
  static constexpr QuantizeLoops kLoops = {kByteLoops<uint8_t>, kByteLoops<int8_t>};
  return kLoops;
}

}  // namespace memopt::MEMOPT_SIMD_NAMESPACE
