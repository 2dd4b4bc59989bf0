// What the integer contractions share: their element types and their last step.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/kernels/element.h"

namespace memopt {

// As dispatch_int, for i8 and u8 only: each type more would be one more copy of every loop.
template <typename F>
Status dispatch_byte(DType type, F&& f) {
  if (type == DType::kI8) return f(TypeTag<int8_t>{});
  if (type == DType::kU8) return f(TypeTag<uint8_t>{});
  return no_kernel_for(type);
}

// saturate(round_half_even(sum * scale) + zero), in float as ONNX's other runtimes do.
template <typename T>
T requantize(int32_t sum, float scale, int64_t zero) {
  const auto rounded = convert<int64_t>(std::nearbyint(static_cast<float>(sum) * scale));
  constexpr int64_t kLeast = std::numeric_limits<T>::min();
  constexpr int64_t kMost = std::numeric_limits<T>::max();
  return static_cast<T>(std::clamp(rounded, kLeast - zero, kMost - zero) + zero);
}

}  // namespace memopt
