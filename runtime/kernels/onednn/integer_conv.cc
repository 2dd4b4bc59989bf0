// qlinear_conv.onednn and conv_integer.onednn.
#include "runtime/kernels/onednn/integer.h"
#include "runtime/kernels/onednn/kernels.h"

namespace memopt::onednn {
namespace {

Result<IntegerProblem> make_problem(const ConvWindow& window, const IntegerOperands& operands,
                                    size_t least_inputs, size_t most_inputs,
                                    const KernelRequest& request) {
  const size_t inputs = request.inputs.size();
  if (inputs < least_inputs || inputs > most_inputs || request.outputs.size() != 1 ||
      !request.outputs[0].present) {
    return internal_error("integer convolution: operands");
  }
  IntegerProblem problem;
  MEMOPT_ASSIGN_OR_RETURN(
      const ConvShape shape,
      conv_shape(window, request.inputs[static_cast<size_t>(operands.x)],
                 request.inputs[static_cast<size_t>(operands.w)], request.outputs[0]));
  problem.shape = arranged(shape);
  problem.operands = operands;
  problem.w_strides = row_major_strides(problem.shape.w);
  return problem;
}

Result<IntegerProblem> qlinear_conv_problem(const KernelRequest& request) {
  IntegerOperands at;
  at.x = 0, at.x_scale = 1, at.x_zero = 2;
  at.w = 3, at.w_scale = 4, at.w_zero = 5;
  at.y_scale = 6, at.y_zero = 7, at.bias = 8;
  return make_problem(std::get<QLinearConv>(*request.op), at, 8, 9, request);
}

Result<IntegerProblem> conv_integer_problem(const KernelRequest& request) {
  IntegerOperands at;
  at.x = 0, at.w = 1, at.x_zero = 2, at.w_zero = 3;
  return make_problem(std::get<ConvInteger>(*request.op), at, 2, 4, request);
}

}  // namespace

const KernelDef* qlinear_conv() {
  static constexpr KernelDef kDef =
      integer_def<qlinear_conv_problem>("qlinear_conv.onednn", kOpKind<QLinearConv>);
  return &kDef;
}

const KernelDef* conv_integer() {
  static constexpr KernelDef kDef =
      integer_def<conv_integer_problem>("conv_integer.onednn", kOpKind<ConvInteger>);
  return &kDef;
}

}  // namespace memopt::onednn
