// Convolutions that a kernel for contiguous channels should serve.
#pragma once

#include <string>
#include <vector>

#include "tests/runtime/kernel_runner.h"

namespace memopt::test {

struct ConvCase {
  const char* name;
  int64_t batch, channels;
  std::vector<int64_t> in;
  int64_t filters;
  std::vector<int64_t> kernel, strides, pads, dilations;
  int64_t group = 1;
  bool bias = true;
  bool residual = false;
  Activation activation = {};
};

inline TestCase make_case(const ConvCase& c) {
  Conv op;
  op.strides = c.strides;
  op.dilations = c.dilations;
  op.pads = c.pads;
  op.group = c.group;
  op.activation = c.activation;
  Dims x{c.batch, c.channels}, w{c.filters, c.channels / c.group}, y{c.batch, c.filters};
  const size_t n = c.in.size();
  for (size_t i = 0; i < n; ++i) {
    x.push_back(c.in[i]);
    w.push_back(c.kernel[i]);
    const int64_t extent = c.dilations[i] * (c.kernel[i] - 1) + 1;
    y.push_back((c.in[i] + c.pads[i] + c.pads[n + i] - extent) / c.strides[i] + 1);
  }
  TestCase test{op, {}, {output_operand(DType::kF32, y, Layout::kChannelsLast)}};
  test.inputs = {random_operand(DType::kF32, x, Layout::kChannelsLast, 1),
                 random_operand(DType::kF32, w, Layout::kRowMajor, 2, true),
                 c.bias ? random_operand(DType::kF32, {c.filters}, Layout::kRowMajor, 3, true)
                        : missing_operand()};
  if (c.residual) {
    test.inputs.push_back(random_operand(DType::kF32, y, Layout::kChannelsLast, 4));
  }
  return test;
}

// 2-D, square.
inline ConvCase square(const char* name, int64_t channels, int64_t extent, int64_t filters,
                       int64_t kernel, int64_t stride, int64_t pad, int64_t group = 1) {
  return {name,
          1,
          channels,
          {extent, extent},
          filters,
          {kernel, kernel},
          {stride, stride},
          {pad, pad, pad, pad},
          {1, 1},
          group};
}

inline std::vector<ConvCase> conv_cases() {
  std::vector<ConvCase> list = {
      square("stem", 3, 64, 64, 7, 2, 3),
      square("three_by_three", 64, 28, 64, 3, 1, 1),
      square("odd_rows", 64, 15, 96, 3, 1, 1),
      square("strided", 32, 29, 64, 3, 2, 1),
      square("pointwise", 64, 28, 128, 1, 1, 0),
      square("pointwise_odd", 256, 7, 72, 1, 1, 0),
      square("pointwise_halves_that_choose_differently", 48, 13, 192, 1, 1, 0),
      square("pointwise_strided", 64, 28, 128, 1, 2, 0),
      square("depthwise", 96, 28, 96, 3, 1, 1, 96),
      square("depthwise_strided", 40, 57, 40, 5, 2, 2, 40),
      square("few_channels", 5, 40, 7, 3, 1, 1),
      square("large_padding", 16, 40, 16, 9, 1, 8),
      square("tiny", 8, 4, 8, 3, 1, 1),
  };
  ConvCase c = square("residual", 64, 28, 64, 3, 1, 1);
  c.residual = true;
  c.activation = {UnaryFn::kRelu};
  list.push_back(c);
  c.name = "residual_without_bias";
  c.bias = false;
  list.push_back(c);
  c = square("residual_depthwise", 64, 28, 64, 3, 1, 1, 64);
  c.residual = true;
  list.push_back(c);
  c = square("residual_pointwise", 64, 28, 64, 1, 1, 0);
  c.residual = true;
  list.push_back(c);
  c = square("batch", 16, 20, 32, 3, 1, 1);
  c.batch = 3;
  list.push_back(c);
  c.name = "batch_residual";
  c.residual = true;
  list.push_back(c);
  c = square("dilated", 32, 30, 32, 3, 1, 4);
  c.dilations = {4, 4};
  list.push_back(c);
  c = square("dilated_depthwise", 32, 30, 32, 3, 1, 2, 32);
  c.dilations = {2, 2};
  list.push_back(c);
  list.push_back({"asymmetric", 1, 16, {33, 21}, 24, {3, 5}, {2, 1}, {0, 2, 1, 1}, {1, 1}});
  list.push_back({"one_dimension", 1, 32, {400}, 48, {5}, {1}, {2, 2}, {1}});
  list.push_back({"one_dimension_strided", 1, 16, {401}, 64, {4}, {2}, {0, 3}, {1}});
  list.push_back({"one_row", 1, 16, {1, 400}, 24, {1, 5}, {1, 2}, {0, 2, 0, 3}, {1, 1}});
  list.push_back({"one_column", 2, 16, {400, 1}, 24, {64, 1}, {2, 1}, {31, 0, 31, 0}, {1, 1}});
  list.push_back({"one_column_dilated", 1, 8, {90, 1}, 8, {3, 1}, {1, 1}, {4, 0, 4, 0}, {4, 1}});
  list.push_back({"long_window", 1, 16, {64}, 16, {64}, {1}, {31, 32}, {1}});
  list.push_back(
      {"long_strided_window", 1, 1, {700, 1}, 64, {256, 1}, {4, 1}, {120, 0, 125, 0}, {1, 1}});
  list.push_back({"long_windows_of_images", 3, 8, {90}, 12, {33}, {1}, {16, 16}, {1}});
  list.push_back({"depthwise_line", 1, 48, {300}, 48, {3}, {1}, {1, 1}, {1}, 48});
  list.push_back({"groups_along_a_line", 1, 16, {300}, 32, {3}, {1}, {1, 1}, {1}, 2});
  list.push_back({"wide_one_channel", 1, 1, {1, 5000}, 12, {1, 64}, {1, 2}, {0, 0, 0, 0}, {1, 1}});
  list.push_back({"wide", 1, 16, {9000}, 16, {3}, {1}, {1, 1}, {1}});
  list.push_back({"three_dimensions",
                  1,
                  16,
                  {9, 10, 11},
                  24,
                  {3, 3, 3},
                  {1, 1, 1},
                  {1, 1, 1, 1, 1, 1},
                  {1, 1, 1}});
  return list;
}

inline std::vector<ConvCase> conv_activation_cases() {
  const std::vector<std::pair<const char*, Activation>> activations = {
      {"relu", {UnaryFn::kRelu}},
      {"clip", {UnaryFn::kClip, 0, 6}},
      {"leaky_relu", {UnaryFn::kLeakyRelu, 0.1}},
      {"elu", {UnaryFn::kElu, 0.7}},
      {"tanh", {UnaryFn::kTanh}},
      {"sigmoid", {UnaryFn::kSigmoid}},
      {"hard_swish", {UnaryFn::kHardSwish}},
      {"hard_sigmoid", {UnaryFn::kHardSigmoid, 0.2, 0.5}},
      {"swish", {UnaryFn::kSwish, 1.3}},
      {"gelu", {UnaryFn::kGelu}},
      {"gelu_tanh", {UnaryFn::kGeluTanh}},
      {"mish", {UnaryFn::kMish}},
      {"softplus", {UnaryFn::kSoftplus}},
      {"abs", {UnaryFn::kAbs}},
      {"exp", {UnaryFn::kExp}},
      {"neg", {UnaryFn::kNeg}},
  };
  std::vector<ConvCase> list;
  for (const auto& [name, activation] : activations) {
    for (const int64_t group : {1, 16}) {
      ConvCase c = square(name, 16, 20, 16, 3, 1, 1, group);
      c.activation = activation;
      c.residual = group == 1;
      list.push_back(c);
    }
  }
  return list;
}

inline std::string conv_case_name(const ConvCase& c) {
  return std::string(c.name) + (c.group > 1 ? "_grouped" : "");
}

}  // namespace memopt::test
