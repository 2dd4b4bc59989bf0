// The last step of a quantized contraction, vectorized. Needs AVX-512 (F, BW).
#pragma once

#include <cstdint>

namespace memopt::onednn {

// y[i, c] = saturate(round_half_even(float(sums[i, c] + bias[c]) * scales[c]) + zero), the formula
// of the reference kernels. `bias` may be null. The output is u8, or i8 where is_signed.
void requantize_rows(const int32_t* sums, const int32_t* bias, const float* scales, int32_t zero,
                     bool is_signed, int64_t rows, int64_t channels, void* y);

}  // namespace memopt::onednn
