// Meaning of the matrix products, float and integer.
#include "runtime/ops/band_rules.h"
#include "runtime/ops/contraction.h"
#include "runtime/ops/infer_checks.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

constexpr DTypeList kMatMulTypes = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64,
                                    DType::kI32, DType::kI64, DType::kU32,  DType::kU64};
constexpr DTypeList kScaleTypes = {DType::kF32, DType::kF16, DType::kBF16};

// What NumPy's matmul sees: vectors became a row (a) or a column (b).
struct Product {
  int64_t rows = 1;
  int64_t inner = 1;
  int64_t columns = 1;
  Dims y;
};

Result<Product> infer_product(const Dims& a, const Dims& b, bool trans_a, bool trans_b) {
  MEMOPT_RETURN_IF_ERROR(check_rank("a", a, trans_a ? 2 : 1));
  MEMOPT_RETURN_IF_ERROR(check_rank("b", b, trans_b ? 2 : 1));
  const int ra = a.rank();
  const int rb = b.rank();
  Product product;
  if (ra > 1) product.rows = a[trans_a ? ra - 1 : ra - 2];
  product.inner = a[trans_a ? ra - 2 : ra - 1];
  const int64_t inner_b = rb == 1 ? b[0] : b[trans_b ? rb - 1 : rb - 2];
  if (rb > 1) product.columns = b[trans_b ? rb - 2 : rb - 1];
  if (product.inner != inner_b) {
    return needed("b", "an inner dimension of " + std::to_string(product.inner),
                  std::to_string(inner_b));
  }
  const auto batch_of = [](const Dims& dims) {
    return dims.rank() > 2 ? Dims(dims.span().first(static_cast<size_t>(dims.rank() - 2))) : Dims();
  };
  const std::optional<Dims> batch = broadcast(batch_of(a), batch_of(b));
  if (!batch) {
    return needed("b", "leading dimensions that broadcast with " + to_string(a), to_string(b));
  }
  product.y = *batch;
  if (ra > 1) product.y.push_back(product.rows);
  if (rb > 1) product.y.push_back(product.columns);
  return product;
}

Result<std::vector<TensorType>> infer_matmul(const Op& op, InputTypes inputs) {
  const auto& matmul = std::get<MatMul>(op);
  const DType dtype = inputs[0]->dtype;
  MEMOPT_RETURN_IF_ERROR(check_dtype("a", dtype, kMatMulTypes));
  MEMOPT_RETURN_IF_ERROR(check_dtype("b", inputs[1]->dtype, {dtype}));
  MEMOPT_ASSIGN_OR_RETURN(const Product product, infer_product(inputs[0]->dims, inputs[1]->dims,
                                                               matmul.trans_a, matmul.trans_b));
  if (inputs.size() > 2 && inputs[2]) {
    MEMOPT_RETURN_IF_ERROR(check_dtype("c", inputs[2]->dtype, {dtype}));
    if (broadcast(inputs[2]->dims, product.y) != product.y) {
      return needed("c", "a shape that broadcasts to " + to_string(product.y),
                    to_string(inputs[2]->dims));
    }
  }
  if (inputs.size() > 3 && inputs[3]) {
    MEMOPT_RETURN_IF_ERROR(check_type("residual", *inputs[3], dtype, product.y));
  }
  MEMOPT_RETURN_IF_ERROR(check_activation(matmul.activation, dtype));
  if (is_integer(dtype)) {
    // Integers are multiplied exactly, so the factors must be integers too.
    const auto is_small_integer = [](double v) {
      return v > -0x1p31 && v < 0x1p31 && v == static_cast<double>(static_cast<int64_t>(v));
    };
    if (!is_small_integer(matmul.alpha) || !is_small_integer(matmul.beta)) {
      return bad_input("alpha, beta: needed integers of 32 bits for integer operands");
    }
  }
  return std::vector<TensorType>{{dtype, product.y}};
}

// Quantization parameters of a matrix, as ONNX allows them: one value, one per row (column) as a
// vector, or of the matrix's rank with 1 in the inner dimension. `axis_size` is that row (column)
// count, `inner` the position of the inner dimension.
Status check_parameter(std::string_view what, const TensorType& type, DTypeList allowed,
                       const Dims& matrix, int64_t axis_size, int inner) {
  MEMOPT_RETURN_IF_ERROR(check_dtype(what, type.dtype, allowed));
  if (type.dims.rank() <= 1 && type.count() == 1) return {};
  if (type.dims == Dims{axis_size}) return {};
  Dims full = matrix;
  if (matrix.rank() >= 2) {
    full[inner] = 1;
    if (type.dims == full) return {};
  }
  return needed(what, "one value, " + std::to_string(axis_size) + " or " + to_string(full),
                to_string(type.dims));
}

Status check_parameter_a(std::string_view what, const TensorType& type, DTypeList allowed,
                         const Product& product, const Dims& a) {
  return check_parameter(what, type, allowed, a, product.rows, a.rank() - 1);
}

Status check_parameter_b(std::string_view what, const TensorType& type, DTypeList allowed,
                         const Product& product, const Dims& b) {
  return check_parameter(what, type, allowed, b, product.columns, b.rank() - 2);
}

Result<std::vector<TensorType>> infer_qlinear_matmul(const Op&, InputTypes inputs) {
  const TensorType& a = *inputs[0];
  const TensorType& b = *inputs[3];
  MEMOPT_RETURN_IF_ERROR(check_dtype("a", a.dtype, kByteTypes));
  MEMOPT_RETURN_IF_ERROR(check_dtype("b", b.dtype, kByteTypes));
  MEMOPT_ASSIGN_OR_RETURN(const Product product, infer_product(a.dims, b.dims, false, false));
  MEMOPT_RETURN_IF_ERROR(check_parameter_a("a_scale", *inputs[1], kScaleTypes, product, a.dims));
  MEMOPT_RETURN_IF_ERROR(check_parameter_a("a_zero", *inputs[2], {a.dtype}, product, a.dims));
  MEMOPT_RETURN_IF_ERROR(check_parameter_b("b_scale", *inputs[4], kScaleTypes, product, b.dims));
  MEMOPT_RETURN_IF_ERROR(check_parameter_b("b_zero", *inputs[5], {b.dtype}, product, b.dims));
  MEMOPT_RETURN_IF_ERROR(check_dtype("y_scale", inputs[6]->dtype, kScaleTypes));
  MEMOPT_RETURN_IF_ERROR(check_dtype("y_zero", inputs[7]->dtype, kByteTypes));
  for (const size_t i : {size_t{6}, size_t{7}}) {
    if (inputs[i]->dims.rank() > 1 || inputs[i]->count() != 1) {
      return needed(i == 6 ? "y_scale" : "y_zero", "one value", to_string(inputs[i]->dims));
    }
  }
  return std::vector<TensorType>{{inputs[7]->dtype, product.y}};
}

Result<std::vector<TensorType>> infer_matmul_integer(const Op&, InputTypes inputs) {
  const TensorType& a = *inputs[0];
  const TensorType& b = *inputs[1];
  MEMOPT_RETURN_IF_ERROR(check_dtype("a", a.dtype, kByteTypes));
  MEMOPT_RETURN_IF_ERROR(check_dtype("b", b.dtype, kByteTypes));
  MEMOPT_ASSIGN_OR_RETURN(const Product product, infer_product(a.dims, b.dims, false, false));
  if (inputs.size() > 2 && inputs[2]) {
    MEMOPT_RETURN_IF_ERROR(check_parameter_a("a_zero", *inputs[2], {a.dtype}, product, a.dims));
  }
  if (inputs.size() > 3 && inputs[3]) {
    MEMOPT_RETURN_IF_ERROR(check_parameter_b("b_zero", *inputs[3], {b.dtype}, product, b.dims));
  }
  return std::vector<TensorType>{{DType::kI32, product.y}};
}

int64_t inner_extent(const Op& op, const Dims& a) {
  const auto* matmul = std::get_if<MatMul>(&op);
  return a[a.rank() - (matmul && matmul->trans_a ? 2 : 1)];
}

int64_t matmul_operations(const Op& op, InputTypes inputs, std::span<const TensorType> outputs) {
  return saturating_product({outputs[0].count(), inner_extent(op, inputs[0]->dims)});
}

// Which rows of a and b a band of the product takes: rows of a, or matrices of the batch.
struct ProductParts {
  std::optional<AxisRange> a, b;
  bool is_row = false;
};

std::optional<ProductParts> product_parts(const Dims& a, const Dims& b, const Dims& y, bool trans_a,
                                          int axis, Interval rows) {
  if (b.rank() > 1 && axis == y.rank() - 1) return std::nullopt;  // columns: parts of the weights
  const int matrix = (a.rank() > 1 ? 1 : 0) + (b.rank() > 1 ? 1 : 0);
  ProductParts parts;
  if (axis >= y.rank() - matrix) {
    parts.a = AxisRange{trans_a ? a.rank() - 1 : a.rank() - 2, rows};
    parts.is_row = true;
    return parts;
  }
  const Dims batch(y.span().first(static_cast<size_t>(y.rank() - matrix)));
  const auto part_of = [&](const Dims& dims) -> std::optional<AxisRange> {
    const int own = axis - (batch.rank() - (dims.rank() - 2));
    if (own < 0 || dims.rank() <= 2 || dims[own] == 1) return std::nullopt;
    return AxisRange{own, rows};
  };
  parts.a = part_of(a);
  parts.b = part_of(b);
  return parts;
}

std::optional<OpBand> matmul_band(const Op& op, InputTypes inputs,
                                  std::span<const TensorType> outputs, int axis, Interval rows) {
  const Dims& y = outputs[0].dims;
  const auto parts =
      product_parts(inputs[0]->dims, inputs[1]->dims, y, std::get<MatMul>(op).trans_a, axis, rows);
  if (!parts) return std::nullopt;
  OpBand band = whole_band(op, inputs, rows);
  band.inputs[0] = parts->a;
  band.inputs[1] = parts->b;
  for (size_t i = 2; i < inputs.size(); ++i) {
    band.inputs[i] = broadcast_part(inputs[i], y, axis, rows);
  }
  return band;
}

// The part of a quantization parameter that belongs to this part of its matrix.
std::optional<AxisRange> parameter_part(const TensorType* parameter, const Dims& matrix,
                                        const std::optional<AxisRange>& part, bool is_row) {
  if (!parameter || !part || parameter->count() == 1) return std::nullopt;
  if (matrix.rank() >= 2 && parameter->dims.rank() == matrix.rank()) return part;
  return is_row ? std::optional(AxisRange{0, part->rows}) : std::nullopt;
}

// Integer products: b is operand kB, the kParameters parameters of a begin at operand kParametersA,
// those of b at kParametersB.
template <size_t kB, size_t kParametersA, size_t kParametersB, size_t kParameters>
std::optional<OpBand> integer_matmul_band(const Op& op, InputTypes inputs,
                                          std::span<const TensorType> outputs, int axis,
                                          Interval rows) {
  const Dims& a = inputs[0]->dims;
  const Dims& b = inputs[kB]->dims;
  const auto parts = product_parts(a, b, outputs[0].dims, false, axis, rows);
  if (!parts) return std::nullopt;
  OpBand band = whole_band(op, inputs, rows);
  band.inputs[0] = parts->a;
  band.inputs[kB] = parts->b;
  for (size_t i = 0; i < kParameters; ++i) {
    if (const size_t at = kParametersA + i; at < inputs.size()) {
      band.inputs[at] = parameter_part(inputs[at], a, parts->a, parts->is_row);
    }
    if (const size_t at = kParametersB + i; at < inputs.size()) {
      band.inputs[at] = parameter_part(inputs[at], b, parts->b, false);
    }
  }
  return band;
}

}  // namespace

const OpDef& MatMul_def() {
  static const OpDef kDef = {.min_inputs = 2,
                             .max_inputs = 4,
                             .infer = infer_matmul,
                             .band = matmul_band,
                             .operations = matmul_operations};
  return kDef;
}

const OpDef& QLinearMatMul_def() {
  static const OpDef kDef = {.min_inputs = 8,
                             .max_inputs = 8,
                             .infer = infer_qlinear_matmul,
                             .band = integer_matmul_band<3, 1, 4, 2>,
                             .operations = matmul_operations};
  return kDef;
}

const OpDef& MatMulInteger_def() {
  static const OpDef kDef = {.min_inputs = 2,
                             .max_inputs = 4,
                             .infer = infer_matmul_integer,
                             .band = integer_matmul_band<1, 2, 3, 1>,
                             .operations = matmul_operations};
  return kDef;
}

}  // namespace memopt
