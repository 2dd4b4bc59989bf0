// The last step of the integer contractions.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/kernels/element.h"

namespace memopt {

// saturate(round_half_even(sum * scale) + zero), in float as ONNX's other runtimes do.
template <typename T>
T requantize(int32_t sum, float scale, int64_t zero) {
  const auto rounded = convert<int64_t>(std::nearbyint(static_cast<float>(sum) * scale));
  constexpr int64_t kLeast = std::numeric_limits<T>::min();
  constexpr int64_t kMost = std::numeric_limits<T>::max();
  return static_cast<T>(std::clamp(rounded, kLeast - zero, kMost - zero) + zero);
}

}  // namespace memopt
