// Matrix products. One loop nest serves all of them: a row of b against a few rows of a, summed in
// local arrays in the order of the inner dimension.
#include "runtime/kernels/reference/operands.h"
#include "runtime/kernels/reference/quantize.h"
#include "runtime/kernels/reference/reference.h"
#include "runtime/kernels/scalar_math.h"

namespace memopt {
namespace {

constexpr int64_t kRows = 8;
constexpr int64_t kColumns = 32;

// y[batch, i, j] = sum over k of a[batch, i, k] b[batch, k, j]; steps are strides in elements.
struct Product {
  int64_t rows = 1, inner = 1, columns = 1;
  int64_t a_row = 0, a_inner = 0;
  int64_t b_inner = 0, b_column = 0;
  int64_t y_row = 0, y_column = 0;
  Dims batch;
  Dims a_batch, b_batch, y_batch;  // strides, 0 where broadcast
};

// The strides of the leading dimensions of an operand, broadcast to `batch`. `matrix` dimensions at
// the end are not among them.
Dims batch_strides(const Tensor& tensor, int matrix, const Dims& batch) {
  const size_t leading = static_cast<size_t>(std::max(0, tensor.rank() - matrix));
  return broadcast_strides(Dims(tensor.dims.span().first(leading)),
                           Dims(tensor.strides.span().first(leading)), batch);
}

Product make_product(const Tensor& a, const Tensor& b, const Tensor& y, bool trans_a,
                     bool trans_b) {
  Product p;
  const int ra = a.rank();
  const int rb = b.rank();
  int last = y.rank() - 1;  // of y
  if (rb > 1) {
    const int column = trans_b ? rb - 2 : rb - 1;
    p.columns = b.dims[column];
    p.b_column = b.strides[column];
    p.b_inner = b.strides[trans_b ? rb - 1 : rb - 2];
    p.y_column = y.strides[last--];
  } else {
    p.b_inner = b.strides[0];
  }
  if (ra > 1) {
    const int row = trans_a ? ra - 1 : ra - 2;
    p.rows = a.dims[row];
    p.a_row = a.strides[row];
    p.inner = a.dims[trans_a ? ra - 2 : ra - 1];
    p.a_inner = a.strides[trans_a ? ra - 2 : ra - 1];
    p.y_row = y.strides[last--];
  } else {
    p.inner = a.dims[0];
    p.a_inner = a.strides[0];
  }
  const size_t batch_rank = static_cast<size_t>(last + 1);
  p.batch = Dims(y.dims.span().first(batch_rank));
  p.y_batch = Dims(y.strides.span().first(batch_rank));
  p.a_batch = batch_strides(a, 2, p.batch);
  p.b_batch = batch_strides(b, 2, p.batch);
  return p;
}

// Row-major index to coordinates.
Dims coordinates_of(const Dims& dims, int64_t index) {
  Dims at = Dims::filled(dims.rank(), 0);
  for (int i = dims.rank() - 1; i >= 0; --i) {
    at[i] = index % dims[i];
    index /= dims[i];
  }
  return at;
}

// The strides of an operand that broadcasts to all of y, split as y is.
struct Addend {
  const Tensor* tensor = nullptr;
  Dims batch;
  int64_t row = 0, column = 0;

  Addend(const Tensor* operand, const Tensor& y, bool has_row, bool has_column) : tensor(operand) {
    if (operand == nullptr) return;
    Dims strides = broadcast_strides(operand->dims, operand->strides, y.dims);
    int rank = strides.rank();
    if (has_column) column = strides[--rank];
    if (has_row) row = strides[--rank];
    batch = Dims(strides.span().first(static_cast<size_t>(rank)));
  }
  int64_t offset(const Dims& at, int64_t i, int64_t j) const {
    return offset_of(at, batch) + i * row + j * column;
  }
};

// Calls finish(sum, batch coordinates, i, j, y_offset). load_a(offset, batch, i) and load_b(offset,
// batch, j) give an Acc.
template <typename Acc, typename LoadA, typename LoadB, typename Finish>
void multiply(const Product& p, Parallel* parallel, LoadA load_a, LoadB load_b, Finish finish) {
  const int64_t row_blocks = (p.rows + kRows - 1) / kRows;
  const int64_t column_blocks = (p.columns + kColumns - 1) / kColumns;
  const int64_t per_batch = row_blocks * column_blocks;
  for_each_chunk(parallel, p.batch.count() * per_batch, [&](int64_t chunk) {
    const Dims at = coordinates_of(p.batch, chunk / per_batch);
    const int64_t i0 = chunk % per_batch / column_blocks * kRows;
    const int64_t j0 = chunk % column_blocks * kColumns;
    const int64_t rows = std::min(kRows, p.rows - i0);
    const int64_t columns = std::min(kColumns, p.columns - j0);
    const int64_t a = offset_of(at, p.a_batch) + i0 * p.a_row;
    const int64_t b = offset_of(at, p.b_batch) + j0 * p.b_column;
    Acc sums[kRows][kColumns] = {};
    Acc values[kColumns] = {};
    for (int64_t k = 0; k < p.inner; ++k) {
      for (int64_t j = 0; j < columns; ++j) {
        values[j] = load_b(b + k * p.b_inner + j * p.b_column, at, j0 + j);
      }
      for (int64_t i = 0; i < rows; ++i) {
        const Acc factor = load_a(a + i * p.a_row + k * p.a_inner, at, i0 + i);
        for (int64_t j = 0; j < kColumns; ++j) sums[i][j] += factor * values[j];
      }
    }
    const int64_t y = offset_of(at, p.y_batch);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        finish(sums[i][j], at, i0 + i, j0 + j, y + (i0 + i) * p.y_row + (j0 + j) * p.y_column);
      }
    }
  });
}

// Every element of c and the residual is read just before that of y is written, and not again.
bool over_addend(const KernelRequest& request, int input, int output) {
  return input >= 2 && output == 0 && same_elements(request, input, output);
}

Status run_matmul(const MatMul& op, const RunContext& context) {
  const Tensor& a = context.inputs[0];
  const Tensor& b = context.inputs[1];
  const Tensor& y = context.outputs[0];
  const Product product = make_product(a, b, y, op.trans_a, op.trans_b);
  const bool has_row = a.rank() > 1;
  const bool has_column = b.rank() > 1;
  const Addend c(optional_operand(context.inputs, 2), y, has_row, has_column);
  const Addend residual(optional_operand(context.inputs, 3), y, has_row, has_column);
  return dispatch_number(y.dtype, [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    // Integers wrap around, which only unsigned ones may do in C++.
    using Value = Compute<T>;
    using Acc = typename std::conditional_t<std::is_integral_v<Value>, std::make_unsigned<Value>,
                                            std::type_identity<Value>>::type;
    const Acc alpha = static_cast<Acc>(convert<Value>(op.alpha));
    const Acc beta = static_cast<Acc>(convert<Value>(op.beta));
    const auto load_acc = [](const Tensor& tensor, int64_t i) {
      return static_cast<Acc>(load(tensor.as<T>()[i]));
    };
    multiply<Acc>(
        product, context.parallel, [&](int64_t i, const Dims&, int64_t) { return load_acc(a, i); },
        [&](int64_t i, const Dims&, int64_t) { return load_acc(b, i); },
        [&](Acc sum, const Dims& at, int64_t i, int64_t j, int64_t to) {
          if (op.alpha != 1) sum *= alpha;
          if (c.tensor) sum += beta * load_acc(*c.tensor, c.offset(at, i, j));
          if (residual.tensor) sum += load_acc(*residual.tensor, residual.offset(at, i, j));
          auto value = static_cast<Value>(sum);
          if constexpr (std::is_floating_point_v<Value>) {
            value = activate(op.activation, value);
          }
          y.as<T>()[to] = store<T>(value);
        });
    return {};
  });
}

// A quantization parameter of a matrix: one value, one per row (column), or of the matrix's rank
// with 1 in the inner dimension.
class Parameter {
 public:
  // `line` is the dimension of rows (a) or columns (b), counted from the end: 2 or 1.
  Parameter(const Tensor* tensor, int line, const Dims& batch) : tensor_(tensor) {
    if (tensor == nullptr || tensor->count() == 1) return;
    varies_ = true;
    const int rank = tensor->rank();
    line_step_ = rank == 1 ? tensor->strides[0] : tensor->strides[rank - line];
    batch_ = rank == 1 ? Dims::filled(batch.rank(), 0) : batch_strides(*tensor, 2, batch);
  }
  bool varies() const { return varies_; }
  int64_t integer(const Dims& at, int64_t line) const {
    return tensor_ == nullptr ? 0 : load_int(tensor_->dtype, tensor_->data, offset(at, line));
  }
  float real(const Dims& at, int64_t line) const {
    return static_cast<float>(load_double(tensor_->dtype, tensor_->data, offset(at, line)));
  }

 private:
  int64_t offset(const Dims& at, int64_t line) const {
    return batch_.empty() ? line * line_step_ : offset_of(at, batch_) + line * line_step_;
  }
  const Tensor* tensor_;
  bool varies_ = false;
  int64_t line_step_ = 0;
  Dims batch_;  // empty: no batch or the same for all of it
};

// Sums of 8-bit products modulo 2^32.
template <typename Finish>
Status multiply_integers(const Product& product, const Tensor& a, const Parameter& a_zero,
                         const Tensor& b, const Parameter& b_zero, Parallel* parallel,
                         Finish finish) {
  return dispatch_byte(a.dtype, [&](auto a_tag) {
    return dispatch_byte(b.dtype, [&](auto b_tag) -> Status {
      using A = typename decltype(a_tag)::type;
      using B = typename decltype(b_tag)::type;
      const auto zero_of = [](const Parameter& zero) {
        return zero.varies() ? 0 : zero.integer({}, 0);
      };
      const int64_t first_a_zero = zero_of(a_zero);
      const int64_t first_b_zero = zero_of(b_zero);
      multiply<uint32_t>(
          product, parallel,
          [&](int64_t i, const Dims& at, int64_t row) {
            const int64_t zero = a_zero.varies() ? a_zero.integer(at, row) : first_a_zero;
            return static_cast<uint32_t>(a.as<A>()[i] - zero);
          },
          [&](int64_t i, const Dims& at, int64_t column) {
            const int64_t zero = b_zero.varies() ? b_zero.integer(at, column) : first_b_zero;
            return static_cast<uint32_t>(b.as<B>()[i] - zero);
          },
          [&](uint32_t sum, const Dims& at, int64_t i, int64_t j, int64_t to) {
            finish(static_cast<int32_t>(sum), at, i, j, to);
          });
      return {};
    });
  });
}

Status run_matmul_integer(const MatMulInteger&, const RunContext& context) {
  const auto& in = context.inputs;
  const Tensor& y = context.outputs[0];
  const Product product = make_product(in[0], in[1], y, false, false);
  const Parameter a_zero(optional_operand(in, 2), 2, product.batch);
  const Parameter b_zero(optional_operand(in, 3), 1, product.batch);
  return multiply_integers(
      product, in[0], a_zero, in[1], b_zero, context.parallel,
      [&](int32_t sum, const Dims&, int64_t, int64_t, int64_t to) { y.as<int32_t>()[to] = sum; });
}

Status run_qlinear_matmul(const QLinearMatMul&, const RunContext& context) {
  const auto& in = context.inputs;
  const Tensor& y = context.outputs[0];
  const Product product = make_product(in[0], in[3], y, false, false);
  const Parameter a_scale(&in[1], 2, product.batch);
  const Parameter a_zero(&in[2], 2, product.batch);
  const Parameter b_scale(&in[4], 1, product.batch);
  const Parameter b_zero(&in[5], 1, product.batch);
  const float y_scale = Parameter(&in[6], 1, product.batch).real({}, 0);
  const int64_t y_zero = Parameter(&in[7], 1, product.batch).integer({}, 0);
  return dispatch_byte(y.dtype, [&](auto tag) -> Status {
    using Y = typename decltype(tag)::type;
    return multiply_integers(product, in[0], a_zero, in[3], b_zero, context.parallel,
                             [&](int32_t sum, const Dims& at, int64_t i, int64_t j, int64_t to) {
                               const float scale =
                                   a_scale.real(at, i) * b_scale.real(at, j) / y_scale;
                               y.as<Y>()[to] = requantize<Y>(sum, scale, y_zero);
                             });
  });
}

}  // namespace

const KernelDef* MatMul_reference() {
  static constexpr KernelDef kDef = reference_def<MatMul, run_matmul>(over_addend);
  return &kDef;
}

const KernelDef* QLinearMatMul_reference() {
  static constexpr KernelDef kDef = reference_def<QLinearMatMul, run_qlinear_matmul>();
  return &kDef;
}

const KernelDef* MatMulInteger_reference() {
  static constexpr KernelDef kDef = reference_def<MatMulInteger, run_matmul_integer>();
  return &kDef;
}

}  // namespace memopt
