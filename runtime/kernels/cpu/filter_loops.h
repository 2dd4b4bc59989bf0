// Loops over the samples of a signal.
#pragma once

#include <cstdint>

#include "runtime/kernels/cpu/simd_dispatch.h"

namespace memopt {

struct FilterLoops {
  // y[i] = bias + sum over k < taps of w[k] x[i * stride + k], for i < count.
  void (*dots)(const float* x, int64_t stride, const float* w, int64_t taps, float bias, float* y,
               int64_t count);
};

MEMOPT_SIMD_FAMILY(FilterLoops, filter_loops)

}  // namespace memopt
