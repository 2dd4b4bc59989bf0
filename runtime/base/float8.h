// The float types of eight and four bits as ONNX's Cast defines them. Sources: OCP 8-bit floating
// point, OCP microscaling formats, "FP8 formats for deep learning", ONNX "Float stored in 8 bits".
#pragma once

#include <cstdint>

#include "runtime/base/dtype.h"

namespace memopt {

// `type` is one of the 8-bit floats or kF4E2M1 (the low four bits of `bits`).
float f8_to_f32(DType type, uint8_t bits);

// Rounds to nearest even. What is too large becomes the largest finite value where `saturate` holds
// (always for kF4E2M1), else infinity or, in types without it, NaN. kF4E2M1 has neither: NaN
// becomes -0. kF8E8M0 holds powers of two only, and rounds as f32_to_e8m0 says.
uint8_t f32_to_f8(DType type, float value, bool saturate);

// The exponent of |value| as kF8E8M0. Rounding chooses among the two powers of two around it.
enum class E8M0Round : uint8_t { kUp, kDown, kNearest };
uint8_t f32_to_e8m0(float value, bool saturate, E8M0Round round);

}  // namespace memopt
