// matmul.onednn: f32 matrix products with bias, residual and activation in the same pass. A product
// with constant weights is a pointwise convolution, as fast as the library's own product (measured:
// within 2 %) and available on every instruction set; the others are the library's batched product.
#include <algorithm>

#include "runtime/base/checked.h"
#include "runtime/kernels/onednn/convolution.h"
#include "runtime/kernels/onednn/kernels.h"

namespace memopt::onednn {
namespace {

constexpr int64_t kMaxExtent = int64_t{1} << 30;
constexpr int64_t kColumnBlock = 64;  // columns are cut at multiples of it

// y[i, r, c] = sum over k of a[i, r, k] b[i, k, c] + bias[c], all dense and row-major.
struct Product {
  int64_t batch = 1;
  int64_t rows = 1, inner = 1, columns = 1;
  bool trans_a = false, trans_b = false;
  bool shared_a = false, shared_b = false;  // one matrix for the whole batch
  bool bias = false, residual = false;
  SplitActivation activation;

  int64_t flops() const { return 2 * batch * rows * inner * columns; }
  Dims a_strides() const { return {rows * inner, trans_a ? 1 : inner, trans_a ? rows : 1}; }
  Dims b_strides() const { return {inner * columns, trans_b ? 1 : columns, trans_b ? inner : 1}; }
};

Error unsupported(const char* why) { return internal_error(std::string("matmul: ") + why); }

bool is_dense_f32(const Operand& operand) {
  return operand.present && operand.dtype == DType::kF32 && operand.layout != Layout::kPacked &&
         is_dense(operand.dims, operand.strides, Layout::kRowMajor);
}

// A row of `columns` values, broadcast over the rest of y.
bool is_row(const Dims& dims, int64_t columns) {
  return dims.rank() >= 1 && dims[dims.rank() - 1] == columns && dims.count() == columns;
}

Result<Product> make_product(const MatMul& op, const KernelRequest& request) {
  if (request.inputs.size() < 2 || request.inputs.size() > 4 || request.outputs.size() != 1) {
    return unsupported("operands");
  }
  const Operand& a = request.inputs[0];
  const Operand& b = request.inputs[1];
  const Operand& y = request.outputs[0];
  const bool packed = b.present && b.constant && b.layout == Layout::kPacked;
  if (!is_dense_f32(a) || !(is_dense_f32(b) || (packed && b.dtype == DType::kF32)) ||
      !is_dense_f32(y) || b.dims.rank() < 2 || a.dims.rank() < 1 ||
      (a.dims.rank() == 1 && op.trans_a)) {
    return unsupported("types or layouts");
  }
  for (const Operand* operand : {&a, &b, &y}) {
    const auto count = checked_count(operand->dims);
    if (!count || *count < 1 || *count > kMaxExtent) return unsupported("extents");
  }
  Product p;
  p.trans_a = op.trans_a;
  p.trans_b = op.trans_b;
  const int ra = a.dims.rank();
  const int rb = b.dims.rank();
  const int64_t last = a.dims[ra - 1];
  const int64_t before = ra > 1 ? a.dims[ra - 2] : 1;
  p.rows = op.trans_a ? last : before;
  p.inner = op.trans_a ? before : last;
  p.columns = b.dims[op.trans_b ? rb - 2 : rb - 1];
  if (b.dims[op.trans_b ? rb - 1 : rb - 2] != p.inner) return unsupported("inner dimensions");
  const Dims a_batch(a.dims.span().first(static_cast<size_t>(std::max(ra - 2, 0))));
  const Dims b_batch(b.dims.span().first(static_cast<size_t>(rb - 2)));
  p.shared_a = a_batch.count() == 1;
  p.shared_b = b_batch.count() == 1;
  if (!p.shared_a && !p.shared_b && a_batch != b_batch) return unsupported("broadcast batch");
  p.batch = std::max(a_batch.count(), b_batch.count());
  if (p.shared_b && !p.trans_a) {  // the batch is only more rows
    p.rows *= p.batch;
    p.batch = 1;
  }
  if (y.dims.count() != p.batch * p.rows * p.columns) return unsupported("output");

  if (request.inputs.size() > 2 && request.inputs[2].present) {
    const Operand& c = request.inputs[2];
    // The library scales its bias too.
    if (!is_dense_f32(c) || !is_row(c.dims, p.columns) || op.alpha != 1 || op.beta != 1) {
      return unsupported("addend");
    }
    p.bias = true;
  }
  if (request.inputs.size() > 3 && request.inputs[3].present) {
    if (!is_dense_f32(request.inputs[3]) || request.inputs[3].dims != y.dims) {
      return unsupported("residual");
    }
    p.residual = true;
  }
  return p;
}

// Adds the chunk that computes `count` elements of y from element `y_offset`; the arguments but
// DST, BIAS and scratch are given.
void add_chunk(Program& program, const Product& p, Call call, int64_t y_offset, int64_t count,
               int64_t bias_offset) {
  const auto query = [&](dnnl_query_t what, int index) {
    return *dnnl_primitive_desc_query_md(call.desc.get(), what, index);
  };
  const Place destination{Place::In::kOutput, 0, y_offset * 4};
  call.arguments.push_back({DNNL_ARG_DST, destination, query(dnnl_query_dst_md, 0)});
  if (p.bias) {
    call.arguments.push_back(
        {DNNL_ARG_BIAS, {Place::In::kInput, 2, bias_offset * 4}, query(dnnl_query_weights_md, 1)});
  }
  if (p.residual) {
    call.before = Copy{{Place::In::kInput, 3, y_offset * 4}, destination, count * 4};
  }
  finish_activation(call, p.activation, y_offset, count);
  Chunk& chunk = program.chunks.emplace_back();
  chunk.scratch_bytes = bind_scratch(call);
  chunk.calls.push_back(std::move(call));
}

// Rows [row, row + rows) and columns [column, column + columns) as one or more pointwise
// convolutions, whose weights become the next part of the packing.
Status add_pointwise(Program& program, const Product& p, const Attributes& attributes,
                     std::span<const Slice> slices, int64_t column, int64_t columns) {
  const ConvShape shape{2,
                        1,
                        {1, p.inner, p.rows, 1},
                        {columns, p.inner, 1, 1},
                        {1, columns, p.rows, 1},
                        {1, 1},
                        {1, 1},
                        {0, 0},
                        {0, 0}};
  MEMOPT_ASSIGN_OR_RETURN(const ConvPieces pieces,
                          conv_pieces(shape, slices, {}, p.bias, attributes));
  const Dims strides = p.b_strides();
  MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc from,
                          strided_desc(shape.w, {strides[2], strides[1], 1, 1}, DType::kF32));
  const int64_t offset = program.packing.add(from, column * strides[2] * 4, pieces.weights);
  MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc weights, opaque_desc(desc_bytes(pieces.weights)));
  for (size_t i = 0; i < pieces.slices.size(); ++i) {
    const ConvSlice& slice = pieces.slices[i];
    Call call{pieces.descs[i], {}, std::nullopt, nullptr, nullptr};
    call.arguments = {{DNNL_ARG_SRC,
                       {Place::In::kInput, 0, slice.x_offset * 4},
                       *dnnl_primitive_desc_query_md(call.desc.get(), dnnl_query_src_md, 0)},
                      {DNNL_ARG_WEIGHTS, {Place::In::kInput, 1, offset}, weights}};
    add_chunk(program, p, std::move(call), column + slice.y_offset, slice.y.count(), column);
  }
  return {};
}

Result<Program> build_constant(const Product& p, const Attributes& attributes, int pieces) {
  Program program;
  program.packing.input = 1;
  const bool worth = p.flops() >= kWorthCuttingFlops;
  if (p.rows == 1 && worth) {
    // A single row reads every weight once: each chunk takes its share of the columns.
    const int64_t share = align_up((p.columns + pieces - 1) / pieces, kColumnBlock);
    for (int64_t column = 0; column < p.columns; column += share) {
      MEMOPT_RETURN_IF_ERROR(add_pointwise(program, p, attributes, std::vector<Slice>{{0, 1, 0, 1}},
                                           column, std::min(share, p.columns - column)));
    }
    return program;
  }
  const std::vector<Slice> slices = cut(1, p.rows, pieces, p.flops(), kWorthCuttingFlops);
  MEMOPT_RETURN_IF_ERROR(add_pointwise(program, p, attributes, slices, 0, p.columns));
  return program;
}

Result<Program> build_batched(const Product& p, const Attributes& attributes, int pieces) {
  Program program;
  std::vector<std::pair<Slice, PrimitiveDesc>> made;
  for (const Slice& slice : cut(p.batch, p.rows, pieces, p.flops(), kWorthCuttingFlops)) {
    const Dims a_strides = p.a_strides();
    const Dims b_strides = p.b_strides();
    const auto same = std::find_if(made.begin(), made.end(), [&](const auto& entry) {
      return entry.first.images == slice.images && entry.first.rows == slice.rows;
    });
    PrimitiveDesc desc;
    if (same != made.end()) {
      desc = same->second;
    } else {
      // Without a batch the library wants plain matrices.
      const int rank = slice.images == 1 ? 2 : 3;
      const auto desc_of = [&](const Dims& dims, const Dims& strides) {
        const auto drop = static_cast<size_t>(3 - rank);
        return strided_desc(Dims(dims.span().subspan(drop)), Dims(strides.span().subspan(drop)),
                            DType::kF32);
      };
      MEMOPT_ASSIGN_OR_RETURN(
          const MemoryDesc a,
          desc_of({p.shared_a ? 1 : slice.images, slice.rows, p.inner}, a_strides));
      MEMOPT_ASSIGN_OR_RETURN(
          const MemoryDesc b,
          desc_of({p.shared_b ? 1 : slice.images, p.inner, p.columns}, b_strides));
      const Dims bias_dims{1, 1, p.columns};
      MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc bias,
                              desc_of(bias_dims, row_major_strides(bias_dims)));
      const Dims y_dims{slice.images, slice.rows, p.columns};
      MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc y, desc_of(y_dims, row_major_strides(y_dims)));
      dnnl_matmul_desc_t op;
      MEMOPT_RETURN_IF_ERROR(
          check(dnnl_matmul_desc_init(&op, &a, &b, p.bias ? &bias : nullptr, &y), "product"));
      MEMOPT_ASSIGN_OR_RETURN(
          desc,
          choose_implementation(&op, attributes, desc_bytes(a) + desc_bytes(b) + desc_bytes(y)));
      made.emplace_back(slice, desc);
    }
    const int64_t a_offset =
        (p.shared_a ? 0 : slice.image * a_strides[0]) + slice.row * a_strides[1];
    const int64_t b_offset = p.shared_b ? 0 : slice.image * b_strides[0];
    Call call{desc, {}, std::nullopt, nullptr, nullptr};
    call.arguments = {{DNNL_ARG_SRC,
                       {Place::In::kInput, 0, a_offset * 4},
                       *dnnl_primitive_desc_query_md(desc.get(), dnnl_query_src_md, 0)},
                      {DNNL_ARG_WEIGHTS,
                       {Place::In::kInput, 1, b_offset * 4},
                       *dnnl_primitive_desc_query_md(desc.get(), dnnl_query_weights_md, 0)}};
    add_chunk(program, p, std::move(call), (slice.image * p.rows + slice.row) * p.columns,
              slice.images * slice.rows * p.columns, 0);
  }
  return program;
}

Result<Program> build_matmul(const KernelRequest& request) {
  const auto& op = std::get<MatMul>(*request.op);
  MEMOPT_ASSIGN_OR_RETURN(Product product, make_product(op, request));
  product.activation = split_activation(op.activation, request.target.isa);
  MEMOPT_ASSIGN_OR_RETURN(const Attributes attributes,
                          make_attributes(product.activation.in_library, product.residual,
                                          static_cast<float>(op.alpha)));
  const Operand& b = request.inputs[1];
  if (b.constant && product.batch == 1 && !product.trans_a) {
    return build_constant(product, attributes, request.target.pieces);
  }
  if (b.layout == Layout::kPacked) return unsupported("packed batch");
  return build_batched(product, attributes, request.target.pieces);
}

bool matmul_in_place(const KernelRequest&, int input, int output) {
  return input == 3 && output == 0;
}

}  // namespace

const KernelDef* matmul() {
  static constexpr KernelDef kDef =
      program_def<build_matmul>("matmul.onednn", kOpKind<MatMul>, matmul_in_place);
  return &kDef;
}

}  // namespace memopt::onednn
