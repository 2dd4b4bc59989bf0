// Matrix products of every form: constant, shared, batched, transposed; with what may follow.
#pragma once

#include <vector>

#include "tests/runtime/kernel_runner.h"

namespace memopt::test {

struct MatMulCase {
  const char* name;
  Dims a, b, y;
  MatMul op = {};
  bool constant = true;
  bool bias = false;
  bool residual = false;
};

inline TestCase make_case(const MatMulCase& c) {
  TestCase test{c.op, {}, {output_operand(DType::kF32, c.y)}};
  test.inputs = {random_operand(DType::kF32, c.a, Layout::kRowMajor, 1),
                 random_operand(DType::kF32, c.b, Layout::kRowMajor, 2, c.constant)};
  test.inputs.push_back(
      c.bias ? random_operand(DType::kF32, {c.y[c.y.rank() - 1]}, Layout::kRowMajor, 3, true)
             : missing_operand());
  if (c.residual) test.inputs.push_back(random_operand(DType::kF32, c.y, Layout::kRowMajor, 4));
  return test;
}

inline std::vector<MatMulCase> matmul_cases() {
  const MatMul plain;
  MatMul trans_b, scaled, relu;
  trans_b.trans_b = true;
  scaled.alpha = 0.25;
  relu.activation = {UnaryFn::kRelu};
  return {
      {"constant", {128, 96}, {96, 200}, {128, 200}},
      {"constant_trans_b", {33, 96}, {200, 96}, {33, 200}, trans_b},
      {"constant_bias_relu", {64, 300}, {300, 77}, {64, 77}, relu, true, true},
      {"constant_residual", {50, 128}, {128, 128}, {50, 128}, relu, true, true, true},
      {"constant_scaled", {50, 128}, {128, 128}, {50, 128}, scaled},
      {"constant_batch", {2, 3, 17, 64}, {64, 90}, {2, 3, 17, 90}, plain, true, true},
      {"one_row", {1, 2048}, {2048, 1000}, {1, 1000}, plain, true, true},
      {"one_row_trans_b", {1, 2048}, {1000, 2048}, {1, 1000}, trans_b, true, true},
      {"one_row_residual", {1, 1000}, {1000, 999}, {1, 999}, relu, true, true, true},
      {"vector", {600}, {600, 1000}, {1000}},
      {"tiny", {2, 3}, {3, 4}, {2, 4}, plain, true, true},
      {"dynamic", {128, 96}, {96, 200}, {128, 200}, plain, false, true},
      {"dynamic_trans_b", {128, 96}, {200, 96}, {128, 200}, trans_b, false},
      {"batched", {12, 64, 32}, {12, 32, 64}, {12, 64, 64}, plain, false},
      {"batched_trans_b", {2, 6, 64, 32}, {2, 6, 64, 32}, {2, 6, 64, 64}, trans_b, false},
      {"batched_residual", {5, 70, 64}, {5, 64, 80}, {5, 70, 80}, relu, false, true, true},
      {"batched_shared_b", {12, 64, 32}, {32, 64}, {12, 64, 64}, plain, false},
      {"batched_shared_a", {64, 32}, {12, 32, 64}, {12, 64, 64}, plain, false},
  };
}

}  // namespace memopt::test
