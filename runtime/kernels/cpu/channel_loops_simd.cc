#include "runtime/kernels/cpu/channel_loops.h"
#include "runtime/kernels/cpu/simd.h"

namespace memopt::MEMOPT_SIMD_NAMESPACE {
namespace {

// Combines the taps of kVectors vectors at `channel` at once, and stores finish(result).
template <int64_t kVectors, typename Combine, typename Finish>
void combine_vectors(const float* x, const int64_t* offsets, int64_t taps, float* y, Vec initial,
                     Combine combine, Finish finish) {
  Vec results[kVectors];
  for (int64_t k = 0; k < kVectors; ++k) results[k] = initial;
  for (int64_t tap = 0; tap < taps; ++tap) {
    const float* from = x + offsets[tap];
    for (int64_t k = 0; k < kVectors; ++k) {
      results[k] = combine(results[k], load(from + k * kWidth));
    }
  }
  for (int64_t k = 0; k < kVectors; ++k) store(y + k * kWidth, finish(results[k]));
}

template <typename Combine, typename Finish>
void combine_taps(const float* x, const int64_t* offsets, int64_t taps, float* y, int64_t channels,
                  Vec initial, Combine combine, Finish finish) {
  int64_t c = 0;
  for (; c + 4 * kWidth <= channels; c += 4 * kWidth) {
    combine_vectors<4>(x + c, offsets, taps, y + c, initial, combine, finish);
  }
  for (; c + kWidth <= channels; c += kWidth) {
    combine_vectors<1>(x + c, offsets, taps, y + c, initial, combine, finish);
  }
  if (c == channels) return;
  Vec result = initial;
  for (int64_t tap = 0; tap < taps; ++tap) {
    result = combine(result, load_part(x + offsets[tap] + c, channels - c));
  }
  store_part(y + c, channels - c, finish(result));
}

void max_of_taps(const float* x, const int64_t* offsets, int64_t taps, float* y, int64_t channels) {
  const Vec initial = splat(taps == 0 ? -__FLT_MAX__ : -__builtin_inff());
  combine_taps(
      x, offsets, taps, y, channels, initial,
      // max() keeps a result that is NaN; an element that is NaN becomes the result.
      [](Vec result, Vec element) { return element == element ? max(element, result) : element; },
      [](Vec result) { return result; });
}

void mean_of_taps(const float* x, const int64_t* offsets, int64_t taps, float divisor, float* y,
                  int64_t channels) {
  combine_taps(
      x, offsets, taps, y, channels, Vec{}, [](Vec a, Vec b) { return a + b; },
      [&](Vec sum) { return sum / divisor; });
}

Vec raise(Vec base, LrnPower power) {
  switch (power) {
    case LrnPower::kHalf:
      return sqrt(base);
    case LrnPower::kThreeQuarters: {
      const Vec root = sqrt(base);
      return root * sqrt(root);
    }
    case LrnPower::kOne:
      break;
  }
  return base;
}

void lrn(const float* x, float* y, int64_t channels, int64_t before, int64_t window, float scale,
         float bias, LrnPower power, float* squares) {
  const int64_t padded = channels + window - 1;
  for (int64_t i = 0; i < before; ++i) squares[i] = 0;
  for (int64_t c = 0; c < channels; ++c) squares[before + c] = x[c] * x[c];
  for (int64_t i = before + channels; i < padded; ++i) squares[i] = 0;
  for (int64_t c = 0; c < channels; c += kWidth) {
    const int64_t lanes = channels - c < kWidth ? channels - c : kWidth;
    const bool whole = lanes == kWidth;
    Vec sum{};
    for (int64_t i = 0; i < window; ++i) {
      sum += whole ? load(squares + c + i) : load_part(squares + c + i, lanes);
    }
    const Vec divisor = raise(fma(sum, splat(scale), splat(bias)), power);
    if (whole) {
      store(y + c, load(x + c) / divisor);
    } else {
      store_part(y + c, lanes, load_part(x + c, lanes) / divisor);
    }
  }
}

}  // namespace

const ChannelLoops& channel_loops() {
  static constexpr ChannelLoops kLoops = {max_of_taps, mean_of_taps, lrn};
  return kLoops;
}

}  // namespace memopt::MEMOPT_SIMD_NAMESPACE
