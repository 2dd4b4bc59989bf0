// matmul.packed, matmul.packed_in_run: matrix products whose right operand lies in panels, a
// constant in the plan, anything else in scratch, one matrix at a time.
#include <array>

#include "runtime/base/checked.h"
#include "runtime/kernels/cpu/kernels.h"
#include "runtime/kernels/cpu/panels.h"
#include "runtime/kernels/cpu/simd_kernel.h"
#include "runtime/kernels/strided.h"

namespace memopt::cpu {
namespace {

// With fewer rows it takes longer to pack a matrix than to multiply it as it is.
constexpr int64_t kLeastRowsToPack = 8;

// The matrices of the right operand, and how it is packed.
struct Matrices {
  int64_t count = 1;  // in the batch
  int64_t inner = 0, columns = 0;
  int64_t row_step = 0, column_step = 0;  // within a matrix as it is given
  int64_t width = 0;                      // of a panel
  std::optional<int64_t> bytes(int64_t matrices) const {
    return panel_bytes(matrices, inner, columns, width);
  }
  int64_t floats() const { return inner * panel_columns(columns, width); }
};

Matrices matrices_of(const MatMul& op, const Dims& dims, const Dims& strides, Isa isa) {
  const int rank = dims.rank();
  const int row = op.trans_b ? rank - 1 : rank - 2;
  const int column = op.trans_b ? rank - 2 : rank - 1;
  Matrices b{.count = 1,
             .inner = dims[row],
             .columns = dims[column],
             .row_step = strides[row],
             .column_step = strides[column],
             .width = panel_loops(isa).width};
  for (int i = 0; i < rank - 2; ++i) b.count *= dims[i];
  return b;
}

bool has_rows(const Operand& operand) {
  return is_plain_f32(operand) && operand.dims.rank() >= 2 &&
         is_contiguous(operand.dims, operand.strides, operand.dims.rank() - 1);
}

bool supports(const KernelRequest& request) {
  const auto& op = std::get<MatMul>(*request.op);
  const Operand& a = request.inputs[0];
  const Operand& b = request.inputs[1];
  const Operand& y = request.outputs[0];
  if (op.trans_a || !has_rows(a) || !has_rows(y) || !b.present || b.dtype != DType::kF32 ||
      b.dims.rank() < 2 || y.dims.count() < 1 || a.dims.count() < 1) {
    return false;
  }
  // The verifier has seen to it that only constants are packed.
  if (b.constant ? b.layout != Layout::kPacked && !is_dense(b.dims, b.strides, Layout::kRowMajor)
                 : !is_plain_f32(b) || y.dims[y.dims.rank() - 2] < kLeastRowsToPack) {
    return false;
  }
  if (request.inputs.size() > 2 && request.inputs[2].present) {
    const Operand& c = request.inputs[2];
    const int64_t columns = y.dims[y.dims.rank() - 1];
    if (!is_plain_f32(c) || c.dims.rank() < 1 || c.dims[c.dims.rank() - 1] != columns ||
        c.dims.count() != columns || !is_contiguous(c.dims, c.strides, c.dims.rank() - 1)) {
      return false;
    }
  }
  if (request.inputs.size() > 3 && request.inputs[3].present &&
      (!has_rows(request.inputs[3]) || request.inputs[3].dims != y.dims)) {
    return false;
  }
  const Matrices matrices = matrices_of(op, b.dims, b.strides, request.target.isa);
  return matrices.bytes(matrices.count) && after_product(op.activation, request.target.isa);
}

Matrices matrices_of(const KernelRequest& request) {
  const Operand& b = request.inputs[1];
  return matrices_of(std::get<MatMul>(*request.op), b.dims, b.strides, request.target.isa);
}

Result<KernelNeeds> needs(const KernelRequest& request) {
  const Matrices b = matrices_of(request);
  KernelNeeds needs;
  if (request.inputs[1].constant) {
    const bool transposed = std::get<MatMul>(*request.op).trans_b;
    needs.packed = {
        {1, *b.bytes(b.count), static_cast<uint64_t>(2 * b.width + (transposed ? 1 : 0))}};
  } else {
    needs.scratch_bytes = *b.bytes(1);
  }
  return needs;
}

Status pack(const KernelRequest& request, int, std::span<std::byte> destination) {
  const Matrices b = matrices_of(request);
  const auto* from = static_cast<const float*>(request.inputs[1].data);
  auto* to = reinterpret_cast<float*>(destination.data());
  for (int64_t i = 0; i < b.count; ++i) {
    const auto row_at = [&](int64_t row) { return from + row * b.row_step; };
    pack_panels(row_at, b.inner, b.columns, b.column_step, b.width, to);
    from += b.inner * b.columns;
    to += b.floats();
  }
  return {};
}

class Product {
 public:
  Product(const MatMul& op, Isa isa, const RunContext& context)
      : y_(context.outputs[0]),
        b_(context.inputs[1]),
        matrices_(matrices_of(op, b_.dims, b_.strides, isa)),
        loops_(panel_loops(isa)),
        after_(*after_product(op.activation, isa)),
        alpha_(static_cast<float>(op.alpha)),
        beta_(static_cast<float>(op.beta)),
        bias_(context.inputs.size() > 2 ? context.inputs[2].as<float>() : nullptr),
        residual_(context.inputs.size() > 3 && context.inputs[3].data != nullptr
                      ? &context.inputs[3]
                      : nullptr),
        a_(context.inputs[0]) {
    const int leading = y_.rank() - 1;
    lead_ = slice(y_.dims, leading);
    Dims to = y_.dims;  // a as rows of y: broadcast over the batch
    to[leading] = a_.dims[a_.rank() - 1];
    a_steps_ = slice(broadcast_strides(a_.dims, a_.strides, to), leading);
    rows_ = matrices_.count == 1 ? lead_.count() : y_.dims[leading - 1];
    tiles_ = (rows_ + loops_.most_rows - 1) / loops_.most_rows;
    if (matrices_.count == 1) return;
    batch_ = slice(y_.dims, leading - 1);
    const Dims b_batch = slice(b_.dims, b_.rank() - 2);
    b_steps_ = broadcast_strides(
        b_batch, is_packed() ? row_major_strides(b_batch) : slice(b_.strides, b_.rank() - 2),
        batch_);
  }

  void run(float* scratch, Parallel* parallel) const {
    const int64_t products = lead_.count() / rows_;
    if (is_packed()) {
      return run_products(0, products, parallel, [&](int64_t product) {
        return b_.as<float>() + offset_of_b(product) * matrices_.floats();
      });
    }
    for (int64_t i = 0; i < products; ++i) {
      pack_one(b_.as<float>() + offset_of_b(i), scratch, parallel);
      run_products(i, i + 1, parallel, [&](int64_t) { return scratch; });
    }
  }

 private:
  static Dims slice(const Dims& dims, int count) {
    return Dims(dims.span().first(static_cast<size_t>(count)));
  }
  static int64_t offset_at(int64_t index, const Dims& dims, const Dims& steps) {
    int64_t offset = 0;
    for (int i = dims.rank() - 1; i >= 0; --i) {
      offset += index % dims[i] * steps[i];
      index /= dims[i];
    }
    return offset;
  }
  bool is_packed() const { return b_.layout == Layout::kPacked; }
  Panels panels() const { return {matrices_.inner, matrices_.columns, matrices_.width}; }
  // Where the matrix of a product lies: in matrices where they are packed, else in floats.
  int64_t offset_of_b(int64_t product) const { return offset_at(product, batch_, b_steps_); }

  void pack_one(const float* from, float* to, Parallel* parallel) const {
    for_each_tile_range(parallel, 1, panels(),
                        [&](int64_t, int64_t, int64_t column, int64_t columns) {
                          const auto row_at = [&](int64_t row) {
                            return from + row * matrices_.row_step + column * matrices_.column_step;
                          };
                          pack_panels(row_at, matrices_.inner, columns, matrices_.column_step,
                                      matrices_.width, to + matrices_.inner * column);
                        });
  }

  // Products [first, end) of the batch, with the packed matrix of each.
  template <typename MatrixOf>
  void run_products(int64_t first, int64_t end, Parallel* parallel, MatrixOf&& matrix_of) const {
    for_each_tile_range(parallel, (end - first) * tiles_, panels(),
                        [&](int64_t tile, int64_t end_tile, int64_t column, int64_t columns) {
                          for (; tile < end_tile; ++tile) {
                            const int64_t product = first + tile / tiles_;
                            run_tile(product, tile % tiles_, matrix_of(product), column, columns);
                          }
                        });
  }

  void run_tile(int64_t product, int64_t tile, const float* matrix, int64_t column,
                int64_t columns) const {
    const int64_t begin = rows_ * tile / tiles_;
    const int64_t rows = rows_ * (tile + 1) / tiles_ - begin;
    std::array<const float*, kMostPanelRows> from, residual;
    std::array<float*, kMostPanelRows> to;
    for (int64_t row = 0; row < rows; ++row) {
      const auto r = static_cast<size_t>(row);
      const int64_t index = product * rows_ + begin + row;
      from[r] = a_.as<float>() + offset_at(index, lead_, a_steps_);
      to[r] = y_.as<float>() + offset_at(index, lead_, y_.strides) + column;
      if (residual_ != nullptr) {
        residual[r] = residual_->as<float>() + offset_at(index, lead_, residual_->strides) + column;
      }
    }
    constexpr int64_t kFirstRow = 0;
    const PanelTile work{.rows = rows,
                         .spans = 1,
                         .depth = matrices_.inner,
                         .x = from.data(),
                         .w_rows = &kFirstRow,
                         .panel_rows = matrices_.inner,
                         .w = matrix + matrices_.inner * column,
                         .columns = columns,
                         .y = to.data(),
                         .bias = bias_ == nullptr ? nullptr : bias_ + column,
                         .residual = residual_ == nullptr ? nullptr : residual.data(),
                         .scale = alpha_,
                         .bias_scale = beta_,
                         .low = after_.low,
                         .high = after_.high};
    loops_.multiply(work);
    after_.apply(work);
  }

  const Tensor& y_;
  const Tensor& b_;
  const Matrices matrices_;
  const PanelLoops& loops_;
  const AfterProduct after_;
  const float alpha_, beta_;
  const float* const bias_;
  const Tensor* const residual_;
  const Tensor& a_;
  Dims lead_;          // of y, without the columns: one index per row
  Dims a_steps_;       // of a, over lead_
  Dims batch_;         // of y, where b is a batch too
  Dims b_steps_;       // of b, over batch_
  int64_t rows_ = 0;   // of one product: all rows where they share b
  int64_t tiles_ = 0;  // of one product
};

Status run(const MatMul& op, Isa isa, const RunContext& context) {
  Product(op, isa, context).run(static_cast<float*>(context.scratch), context.parallel);
  return {};
}

bool supports_constant(const KernelRequest& request) {
  return supports(request) && request.inputs[1].constant;
}
bool supports_other(const KernelRequest& request) {
  return supports(request) && !request.inputs[1].constant;
}

}  // namespace

const KernelDef* packed_matmul() {
  static constexpr KernelDef kDef =
      simd_def<MatMul, run>("matmul.packed", supports_constant, over_residual, needs, pack);
  return &kDef;
}

const KernelDef* packed_matmul_in_run() {
  static constexpr KernelDef kDef =
      simd_def<MatMul, run>("matmul.packed_in_run", supports_other, over_residual, needs, pack);
  return &kDef;
}

}  // namespace memopt::cpu
