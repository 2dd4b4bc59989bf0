#include "runtime/ops/band_rules.h"
#include "runtime/ops/infer_checks.h"

namespace memopt {
namespace {

bool is_small_float(DType type) {
  return is_float(type) && dtype_bits(type) <= 8 && type != DType::kF8E8M0;
}
bool is_quantized(DType type) {
  return is_small_float(type) || (is_integer(type) && dtype_bits(type) <= 16);
}

// Scale and zero point: a scalar, a vector along `axis`, or one entry per block along it.
Status check_grain(std::string_view what, const TensorType& type, const TensorType& x, int64_t axis,
                   int64_t block_size) {
  if (type.count() == 1) return {};
  MEMOPT_RETURN_IF_ERROR(check_axis(axis, x.dims.rank()));
  Dims want{x.dims[static_cast<int>(axis)]};
  if (block_size > 0) {
    want = x.dims;
    int64_t& extent = want[static_cast<int>(axis)];
    extent = extent / block_size + (extent % block_size != 0 ? 1 : 0);
  }
  if (type.dims == want) return {};
  return needed(what, "shape " + to_string(want) + " or a scalar", type);
}

Status check_parameters(InputTypes inputs, DType quantized, int64_t axis, int64_t block_size) {
  const TensorType& x = *inputs[0];
  const TensorType& scale = *inputs[1];
  MEMOPT_RETURN_IF_ERROR(check_range("block_size", block_size, 0));
  if (!is_number_float(scale.dtype) && scale.dtype != DType::kF8E8M0) {
    return needed("scale", "floats", scale);
  }
  MEMOPT_RETURN_IF_ERROR(check_grain("scale", scale, x, axis, block_size));
  const TensorType* zero = optional_input(inputs, 2);
  if (zero == nullptr) return {};
  MEMOPT_RETURN_IF_ERROR(check_dtype("zero point", *zero, quantized));
  if (zero->count() == 1 && scale.count() == 1) return {};
  if (zero->dims != scale.dims) {
    return needed("zero point", "the shape " + to_string(scale.dims) + " of the scale", *zero);
  }
  return {};
}

Result<std::vector<TensorType>> infer_quantize(const Op& op, InputTypes inputs) {
  const auto& quantize = std::get<QuantizeLinear>(op);
  const TensorType& x = *inputs[0];
  if (!is_quantized(quantize.to)) {
    return needed("to", "an integer of at most 16 bits or a float of at most 8",
                  dtype_name(quantize.to));
  }
  if (!is_number_float(x.dtype) && x.dtype != DType::kI32) {
    return needed("x", "floats or i32", x);
  }
  MEMOPT_RETURN_IF_ERROR(check_parameters(inputs, quantize.to, quantize.axis, quantize.block_size));
  return row_major_result(quantize.to, x.dims);
}

Result<std::vector<TensorType>> infer_dequantize(const Op& op, InputTypes inputs) {
  const auto& dequantize = std::get<DequantizeLinear>(op);
  const TensorType& x = *inputs[0];
  if (!is_number_float(dequantize.to)) {
    return needed("to", "a float of at least 16 bits", dtype_name(dequantize.to));
  }
  if (!is_quantized(x.dtype) && x.dtype != DType::kI32) {
    return needed("x", "a quantized type or i32", x);
  }
  MEMOPT_RETURN_IF_ERROR(check_parameters(inputs, x.dtype, dequantize.axis, dequantize.block_size));
  return row_major_result(dequantize.to, x.dims);
}

Result<std::vector<TensorType>> infer_dynamic_quantize(const Op&, InputTypes inputs) {
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_dtype("x", x, DType::kF32));
  return std::vector<TensorType>{{.dtype = DType::kU8, .dims = x.dims},
                                 {.dtype = DType::kF32, .dims = {}},
                                 {.dtype = DType::kU8, .dims = {}}};
}

// One scale for all, one per row of `of.axis`, or one per block of rows of it.
template <typename QuantizeOp>
std::optional<OpBand> quantize_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                    int axis, Interval rows) {
  const auto& of = std::get<QuantizeOp>(op);
  OpBand band = band_of_first(op, inputs, axis, rows);
  if (inputs[1]->count() == 1) return band;
  if (of.block_size == 0 && of.axis != axis) return band;
  if (of.block_size > 0 && of.axis == axis) return std::nullopt;
  const AxisRange part{of.block_size > 0 ? axis : 0, rows};
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i]) band.inputs[i] = part;
  }
  return band;
}

constexpr OpDef quantization(int min_inputs, int max_inputs, decltype(OpDef::infer) infer,
                             decltype(OpDef::band) band) {
  OpDef def;
  def.min_inputs = min_inputs;
  def.max_inputs = max_inputs;
  def.infer = infer;
  def.layout = LayoutRule::kFollows;
  def.band = band;
  def.operations = count_outputs;
  return def;
}

}  // namespace

const OpDef& QuantizeLinear_def() {
  static constexpr OpDef kDef = quantization(2, 3, infer_quantize, quantize_band<QuantizeLinear>);
  return kDef;
}

const OpDef& DequantizeLinear_def() {
  static constexpr OpDef kDef =
      quantization(2, 3, infer_dequantize, quantize_band<DequantizeLinear>);
  return kDef;
}

const OpDef& DynamicQuantizeLinear_def() {
  static constexpr OpDef kDef = quantization(1, 1, infer_dynamic_quantize, nullptr);
  return kDef;
}

}  // namespace memopt
