// Ten 3x3 convolutions of 16 channels between narrow ends: in bands, the halo of all ten is twenty
// rows, what each keeps for the next band two.
#pragma once

#include <string>

namespace memopt {

inline std::string deep_chain_text() {
  std::string text = R"(graph "deep" {
  %v0 = input : f32[1x1x64x64]
  %first = constant : f32[16x1x3x3] splat 0.01
  %inner = constant : f32[16x16x3x3] splat 0.01
  %last = constant : f32[1x16x3x3] splat 0.01
)";
  for (int i = 0; i < 10; ++i) {
    const std::string weights = i == 0 ? "%first" : i == 9 ? "%last" : "%inner";
    text += "  %v" + std::to_string(i + 1) + " = conv(%v" + std::to_string(i) + ", " + weights +
            ") {strides=[1,1] dilations=[1,1] pads=[1,1,1,1]} \"c" + std::to_string(i) +
            "\" : " + (i == 9 ? "f32[1x1x64x64]" : "f32[1x16x64x64]") + "\n";
  }
  return text + "  return %v10\n}";
}

}  // namespace memopt
