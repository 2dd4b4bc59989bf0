#include "runtime/kernels/onednn/requantize.h"

#include <immintrin.h>

// gcc 12 warns about its own deliberately undefined vectors inside these intrinsics.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

namespace memopt::onednn {

[[gnu::target("avx512f,avx512bw")]] void requantize_rows(const int32_t* sums, const int32_t* bias,
                                                         const float* scales, int32_t zero,
                                                         bool is_signed, int64_t rows,
                                                         int64_t channels, void* y) {
  // Clamping before rounding gives the same: the bounds are integers.
  const __m512 least = _mm512_set1_ps(static_cast<float>((is_signed ? -128 : 0) - zero));
  const __m512 most = _mm512_set1_ps(static_cast<float>((is_signed ? 127 : 255) - zero));
  const __m512i shift = _mm512_set1_epi32(zero);
  auto* out = static_cast<uint8_t*>(y);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < channels; c += 16) {
      const int64_t left = channels - c;
      const __mmask16 mask = left >= 16 ? 0xffff : static_cast<__mmask16>((1u << left) - 1);
      __m512i sum = _mm512_maskz_loadu_epi32(mask, sums + c);
      if (bias != nullptr) {
        sum = _mm512_add_epi32(sum, _mm512_maskz_loadu_epi32(mask, bias + c));
      }
      __m512 value =
          _mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_maskz_loadu_ps(mask, scales + c));
      value = _mm512_min_ps(_mm512_max_ps(value, least), most);
      const __m512i rounded =
          _mm512_cvt_roundps_epi32(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      _mm512_mask_cvtepi32_storeu_epi8(out + c, mask, _mm512_add_epi32(rounded, shift));
    }
    sums += channels;
    out += channels;
  }
}

}  // namespace memopt::onednn
