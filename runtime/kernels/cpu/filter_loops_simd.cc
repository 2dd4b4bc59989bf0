#include "runtime/kernels/cpu/filter_loops.h"
#include "runtime/kernels/cpu/simd.h"

namespace memopt::MEMOPT_SIMD_NAMESPACE {
namespace {

// kOutputs at once, which share the loads of w. Each is summed in the same order however many there
// are.
template <int64_t kOutputs>
void dots_of(const float* x, int64_t stride, const float* w, int64_t taps, float bias, float* y) {
  Vec sums[kOutputs] = {};
  int64_t k = 0;
  for (; k + kWidth <= taps; k += kWidth) {
    const Vec weights = load(w + k);
    for (int64_t i = 0; i < kOutputs; ++i) {
      sums[i] = fma(load(x + i * stride + k), weights, sums[i]);
    }
  }
  if (k < taps) {
    const Vec weights = load_part(w + k, taps - k);
    for (int64_t i = 0; i < kOutputs; ++i) {
      sums[i] = fma(load_part(x + i * stride + k, taps - k), weights, sums[i]);
    }
  }
  for (int64_t i = 0; i < kOutputs; ++i) y[i] = sum_of(sums[i]) + bias;
}

void dots(const float* x, int64_t stride, const float* w, int64_t taps, float bias, float* y,
          int64_t count) {
  constexpr int64_t kOutputs = 8;
  int64_t i = 0;
  for (; i + kOutputs <= count; i += kOutputs) {
    dots_of<kOutputs>(x + i * stride, stride, w, taps, bias, y + i);
  }
  for (; i < count; ++i) dots_of<1>(x + i * stride, stride, w, taps, bias, y + i);
}

}  // namespace

const FilterLoops& filter_loops() {
  static constexpr FilterLoops kLoops = {dots};
  return kLoops;
}

}  // namespace memopt::MEMOPT_SIMD_NAMESPACE
