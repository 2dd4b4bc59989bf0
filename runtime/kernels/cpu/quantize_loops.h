// Loops over contiguous elements between floats and their 8-bit quantized form.
#pragma once

#include <cstdint>

#include "runtime/kernels/cpu/simd_dispatch.h"

namespace memopt {

// T is uint8_t or int8_t. `each` has a scale and a zero point (may be null: 0) per element.
template <typename T>
struct ByteLoops {
  // y = saturate(round_half_even(x / scale) + zero); 0 for NaN.
  void (*quantize)(T* y, const float* x, int64_t n, float scale, T zero);
  void (*quantize_each)(T* y, const float* x, int64_t n, const float* scale, const T* zero);
  // y = (x - zero) scale.
  void (*dequantize)(float* y, const T* x, int64_t n, float scale, T zero);
  void (*dequantize_each)(float* y, const T* x, int64_t n, const float* scale, const T* zero);
};

struct QuantizeLoops {
  ByteLoops<uint8_t> u8;
  ByteLoops<int8_t> i8;
};

MEMOPT_SIMD_FAMILY(QuantizeLoops, quantize_loops)

}  // namespace memopt
