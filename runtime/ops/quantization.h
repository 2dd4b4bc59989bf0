// Conversions between real numbers and their quantized form (ONNX QuantizeLinear and its inverse).
#pragma once

#include <string_view>
#include <tuple>

#include "runtime/base/dtype.h"
#include "runtime/ops/fields.h"

namespace memopt {

// y = saturate(round_half_even(x / scale) + zero). Inputs: x, scale, zero? (type `to`). The scale
// is a scalar, a vector along `axis`, or, where block_size > 0, has one entry per block of that
// many elements along `axis`.
struct QuantizeLinear {
  static constexpr std::string_view kName = "quantize_linear";
  DType to = DType::kU8;
  int64_t axis = 0;
  int64_t block_size = 0;
  bool saturate = true;
  static constexpr auto fields() {
    return std::tuple{Field{"to", &QuantizeLinear::to}, Field{"axis", &QuantizeLinear::axis},
                      Field{"block_size", &QuantizeLinear::block_size},
                      Field{"saturate", &QuantizeLinear::saturate}};
  }
  bool operator==(const QuantizeLinear&) const = default;
};

// y = (x - zero) scale, in type `to`. Inputs: x, scale, zero? (type of x). Scale as for
// QuantizeLinear.
struct DequantizeLinear {
  static constexpr std::string_view kName = "dequantize_linear";
  DType to = DType::kF32;
  int64_t axis = 0;
  int64_t block_size = 0;
  static constexpr auto fields() {
    return std::tuple{Field{"to", &DequantizeLinear::to}, Field{"axis", &DequantizeLinear::axis},
                      Field{"block_size", &DequantizeLinear::block_size}};
  }
  bool operator==(const DequantizeLinear&) const = default;
};

// Inputs: x (f32). Outputs: y (u8), scale (f32 scalar), zero (u8 scalar), from the range of x.
struct DynamicQuantizeLinear {
  static constexpr std::string_view kName = "dynamic_quantize_linear";
  static constexpr auto fields() { return std::tuple{}; }
  bool operator==(const DynamicQuantizeLinear&) const = default;
};

}  // namespace memopt
