// What the integer convolutions and products share: exact 32-bit sums by oneDNN, and memopt's own
// last step. ONNX's results are integers, so "nearly" is wrong: a request is served only where the
// library's sums are proved to be exact.
#pragma once

#include "runtime/kernels/onednn/convolution.h"

namespace memopt::onednn {

// Indices of operands; -1: the operator has none. Without scales the output is the sum itself.
struct IntegerOperands {
  int x = 0, x_zero = -1;
  int w = 1, w_zero = -1;
  int x_scale = -1, w_scale = -1, y_scale = -1, y_zero = -1;
  int bias = -1;
};

// The shape names the operator as a convolution; weight (m, c, kernel...) lies at w_strides in the
// constant's dense memory.
struct IntegerProblem {
  ConvShape shape;
  IntegerOperands operands;
  Dims w_strides;  // of shape.w
};

Result<Program> build_integer(const IntegerProblem& problem, const KernelRequest& request);

// Whether the weights' zero points are all 0 and no sum can pass 2^24, up to which the library's
// detour over f32 is exact. Reads constants: true at load, where the compiler has decided.
bool has_exact_sums(const IntegerProblem& problem, const KernelRequest& request);

// The KernelDef of an operator that `problem` turns into an IntegerProblem.
using NameProblem = Result<IntegerProblem> (*)(const KernelRequest&);
template <NameProblem problem>
struct IntegerKernelDef {
  static Result<Program> build(const KernelRequest& request) {
    MEMOPT_ASSIGN_OR_RETURN(const IntegerProblem named, problem(request));
    return build_integer(named, request);
  }
  static bool supports(const KernelRequest& request) {
    if (!find_program(request, build).ok()) return false;
    const auto named = problem(request);
    return named.ok() && has_exact_sums(*named, request);
  }
};
template <NameProblem problem>
constexpr KernelDef integer_def(std::string_view name, OpKind op) {
  KernelDef def = program_def<IntegerKernelDef<problem>::build>(name, op);
  def.supports = IntegerKernelDef<problem>::supports;
  return def;
}

}  // namespace memopt::onednn
