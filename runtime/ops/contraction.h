// Convolutions and matrix products, float and integer.
#pragma once

#include <string_view>
#include <tuple>
#include <vector>

#include "runtime/ops/elementwise.h"
#include "runtime/ops/fields.h"

namespace memopt {

// The window of a convolution over n spatial dimensions (n = 1, 2, 3). Padding is explicit:
// auto_pad is resolved at import. Inputs x: (N, C, spatial...), w: (M, C / group, kernel...).
struct ConvWindow {
  std::vector<int64_t> strides;    // n, >= 1
  std::vector<int64_t> dilations;  // n, >= 1
  std::vector<int64_t> pads;       // 2n: all begins, then all ends; may be negative
  int64_t group = 1;
  bool operator==(const ConvWindow&) const = default;
};

// y = activation(conv(x, w) + bias + residual). Inputs: x, w, bias? (M), residual? (shape of y).
struct Conv : ConvWindow {
  static constexpr std::string_view kName = "conv";
  Activation activation;
  static constexpr auto fields() {
    return std::tuple{Field<Conv, std::vector<int64_t>>{"strides", &Conv::strides},
                      Field<Conv, std::vector<int64_t>>{"dilations", &Conv::dilations},
                      Field<Conv, std::vector<int64_t>>{"pads", &Conv::pads},
                      Field<Conv, int64_t>{"group", &Conv::group},
                      Field<Conv, Activation>{"activation", &Conv::activation}};
  }
  bool operator==(const Conv&) const = default;
};

// The gradient of a convolution with respect to its input. Inputs: x (N, C, spatial...), w (C, M /
// group, kernel...), bias? (M). Output extent: stride (in - 1) + output_padding + dilation (kernel
// - 1) + 1 - pads.
struct ConvTranspose : ConvWindow {
  static constexpr std::string_view kName = "conv_transpose";
  std::vector<int64_t> output_padding;  // n
  Activation activation;
  static constexpr auto fields() {
    return std::tuple{
        Field<ConvTranspose, std::vector<int64_t>>{"strides", &ConvTranspose::strides},
        Field<ConvTranspose, std::vector<int64_t>>{"dilations", &ConvTranspose::dilations},
        Field<ConvTranspose, std::vector<int64_t>>{"pads", &ConvTranspose::pads},
        Field<ConvTranspose, int64_t>{"group", &ConvTranspose::group},
        Field<ConvTranspose, std::vector<int64_t>>{"output_padding",
                                                   &ConvTranspose::output_padding},
        Field<ConvTranspose, Activation>{"activation", &ConvTranspose::activation}};
  }
  bool operator==(const ConvTranspose&) const = default;
};

// y = activation(alpha op(a) op(b) + beta c + residual), batched as NumPy's matmul (Gemm is the 2-D
// case). Inputs: a, b, c? (broadcast to y), residual? (shape of y). trans_* swap the last two
// dimensions.
struct MatMul {
  static constexpr std::string_view kName = "matmul";
  bool trans_a = false;
  bool trans_b = false;
  double alpha = 1;
  double beta = 1;
  Activation activation;
  static constexpr auto fields() {
    return std::tuple{Field{"trans_a", &MatMul::trans_a}, Field{"trans_b", &MatMul::trans_b},
                      Field{"alpha", &MatMul::alpha}, Field{"beta", &MatMul::beta},
                      Field{"activation", &MatMul::activation}};
  }
  bool operator==(const MatMul&) const = default;
};

// ONNX QLinearConv. Inputs: x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias? (i32).
struct QLinearConv : ConvWindow {
  static constexpr std::string_view kName = "qlinear_conv";
  static constexpr auto fields() {
    return std::tuple{
        Field<QLinearConv, std::vector<int64_t>>{"strides", &QLinearConv::strides},
        Field<QLinearConv, std::vector<int64_t>>{"dilations", &QLinearConv::dilations},
        Field<QLinearConv, std::vector<int64_t>>{"pads", &QLinearConv::pads},
        Field<QLinearConv, int64_t>{"group", &QLinearConv::group}};
  }
  bool operator==(const QLinearConv&) const = default;
};

// ONNX QLinearMatMul. Inputs: a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero.
struct QLinearMatMul {
  static constexpr std::string_view kName = "qlinear_matmul";
  static constexpr auto fields() { return std::tuple{}; }
  bool operator==(const QLinearMatMul&) const = default;
};

// i32 y = conv(x - x_zero, w - w_zero). Inputs: x, w, x_zero?, w_zero?.
struct ConvInteger : ConvWindow {
  static constexpr std::string_view kName = "conv_integer";
  static constexpr auto fields() {
    return std::tuple{
        Field<ConvInteger, std::vector<int64_t>>{"strides", &ConvInteger::strides},
        Field<ConvInteger, std::vector<int64_t>>{"dilations", &ConvInteger::dilations},
        Field<ConvInteger, std::vector<int64_t>>{"pads", &ConvInteger::pads},
        Field<ConvInteger, int64_t>{"group", &ConvInteger::group}};
  }
  bool operator==(const ConvInteger&) const = default;
};

// i32 y = (a - a_zero)(b - b_zero). Inputs: a, b, a_zero?, b_zero?.
struct MatMulInteger {
  static constexpr std::string_view kName = "matmul_integer";
  static constexpr auto fields() { return std::tuple{}; }
  bool operator==(const MatMulInteger&) const = default;
};

}  // namespace memopt
