// Loops over the contiguous channels of pixels (nhwc).
#pragma once

#include <cstdint>

#include "runtime/kernels/cpu/simd_dispatch.h"

namespace memopt {

// The exponents of local response normalization that need roots only.
enum class LrnPower : uint8_t { kHalf, kThreeQuarters, kOne };

struct ChannelLoops {
  // y[c] = maximum over the taps of x[offsets[tap] + c], c < channels; the lowest float for no tap,
  // NaN where one of them is.
  void (*max_of_taps)(const float* x, const int64_t* offsets, int64_t taps, float* y,
                      int64_t channels);
  // The sum over the taps, divided.
  void (*mean_of_taps)(const float* x, const int64_t* offsets, int64_t taps, float divisor,
                       float* y, int64_t channels);
  // y[c] = x[c] / (bias + scale * sum of squares[c .. c + window - 1]) ^ power. `squares` has room
  // for channels + window - 1 floats; the loop fills it.
  void (*lrn)(const float* x, float* y, int64_t channels, int64_t before, int64_t window,
              float scale, float bias, LrnPower power, float* squares);
};

MEMOPT_SIMD_FAMILY(ChannelLoops, channel_loops)

}  // namespace memopt
