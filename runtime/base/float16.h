// Conversions between f32 and the narrow float types, rounding to nearest even. Sources: IEEE 754
// binary16, bfloat16, and the OCP 8-bit formats as ONNX defines them (onnx "Float stored in 8
// bits").
#pragma once

#include <cstdint>

namespace memopt {

float f16_to_f32(uint16_t bits);
uint16_t f32_to_f16(float value);
float bf16_to_f32(uint16_t bits);
uint16_t f32_to_bf16(float value);

}  // namespace memopt
