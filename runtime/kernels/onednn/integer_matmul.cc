// qlinear_matmul.onednn and matmul_integer.onednn: products with constant weights (K, N), as
// pointwise convolutions.
#include "runtime/base/checked.h"
#include "runtime/kernels/onednn/integer.h"
#include "runtime/kernels/onednn/kernels.h"

namespace memopt::onednn {
namespace {

constexpr int64_t kMaxElements = int64_t{1} << 30;

Result<IntegerProblem> make_problem(const IntegerOperands& operands, size_t least_inputs,
                                    size_t most_inputs, const KernelRequest& request) {
  const size_t inputs = request.inputs.size();
  const Error unsupported = internal_error("integer product: operands");
  if (inputs < least_inputs || inputs > most_inputs || request.outputs.size() != 1) {
    return unsupported;
  }
  const Operand& a = request.inputs[static_cast<size_t>(operands.x)];
  const Operand& b = request.inputs[static_cast<size_t>(operands.w)];
  const Operand& y = request.outputs[0];
  for (const Operand* operand : {&a, &b, &y}) {
    const auto count = checked_count(operand->dims);
    if (!operand->present || !count || *count < 1 || *count > kMaxElements) return unsupported;
  }
  if (a.dims.rank() < 1 || b.dims.rank() != 2 || !is_dense(a.dims, a.strides, Layout::kRowMajor) ||
      !is_dense(y.dims, y.strides, Layout::kRowMajor)) {
    return unsupported;
  }
  const int64_t inner = b.dims[0];
  const int64_t columns = b.dims[1];
  const int64_t rows = a.dims.count() / inner;
  if (a.dims[a.dims.rank() - 1] != inner || y.dims.count() != rows * columns) return unsupported;
  ConvShape shape{2,
                  1,
                  {1, inner, rows, 1},
                  {columns, inner, 1, 1},
                  {1, columns, rows, 1},
                  {1, 1},
                  {1, 1},
                  {0, 0},
                  {0, 0}};
  return IntegerProblem{shape, operands, {1, columns, 1, 1}};
}

Result<IntegerProblem> qlinear_matmul_problem(const KernelRequest& request) {
  IntegerOperands at;
  at.x = 0, at.x_scale = 1, at.x_zero = 2;
  at.w = 3, at.w_scale = 4, at.w_zero = 5;
  at.y_scale = 6, at.y_zero = 7;
  return make_problem(at, 8, 8, request);
}

Result<IntegerProblem> matmul_integer_problem(const KernelRequest& request) {
  IntegerOperands at;
  at.x = 0, at.w = 1, at.x_zero = 2, at.w_zero = 3;
  return make_problem(at, 2, 4, request);
}

}  // namespace

const KernelDef* qlinear_matmul() {
  static constexpr KernelDef kDef =
      integer_def<qlinear_matmul_problem>("qlinear_matmul.onednn", kOpKind<QLinearMatMul>);
  return &kDef;
}

const KernelDef* matmul_integer() {
  static constexpr KernelDef kDef =
      integer_def<matmul_integer_problem>("matmul_integer.onednn", kOpKind<MatMulInteger>);
  return &kDef;
}

}  // namespace memopt::onednn
