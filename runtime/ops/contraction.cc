// Meaning of the convolutions, float and integer.
#include "runtime/ops/contraction.h"

#include <algorithm>

#include "runtime/ops/band_rules.h"
#include "runtime/ops/infer_checks.h"
#include "runtime/ops/op_def.h"
#include "runtime/ops/window.h"

namespace memopt {
namespace {

constexpr DTypeList kI32Only = {DType::kI32};
constexpr DTypeList kF32Only = {DType::kF32};

WindowView view_of(const ConvWindow& window, const TensorType& w) {
  return {w.dims.span().subspan(2), window.strides, window.dilations, window.pads};
}

// Rank 3 to 5, and as many dimensions in the weights.
Status check_ranks(const TensorType& x, const TensorType& w) {
  MEMOPT_RETURN_IF_ERROR(check_rank("x", x.dims, 3, 5));
  return check_rank("w", w.dims, x.dims.rank(), x.dims.rank());
}

// The groups divide the channels, and every filter spans the channels of its group.
Status check_groups(const TensorType& x, const TensorType& w, int64_t group) {
  const int64_t channels = x.dims[1];
  MEMOPT_RETURN_IF_ERROR(check_range("group", group, 1));
  if (channels % group != 0 || channels / group != w.dims[1]) {
    return needed("w",
                  std::to_string(channels) + " channels of x = " + std::to_string(group) +
                      " groups of dimension 1",
                  to_string(w.dims));
  }
  if (w.dims[0] % group != 0) {
    return needed("w", "filters divisible by " + std::to_string(group) + " groups",
                  std::to_string(w.dims[0]));
  }
  return {};
}

// The dimensions of y.
Result<Dims> infer_window(const ConvWindow& op, const TensorType& x, const TensorType& w) {
  MEMOPT_RETURN_IF_ERROR(check_ranks(x, w));
  MEMOPT_RETURN_IF_ERROR(check_groups(x, w, op.group));
  MEMOPT_ASSIGN_OR_RETURN(const Dims spatial,
                          window_output(x.dims.span().subspan(2), view_of(op, w), false));
  Dims y = {x.dims[0], w.dims[0]};
  for (const int64_t extent : spatial) y.push_back(extent);
  return y;
}

// The same checks for bias and residual of float convolutions. `inputs` may end early.
Result<std::vector<TensorType>> finish_float(InputTypes inputs, const Dims& y,
                                             const Activation& activation) {
  const DType dtype = inputs[0]->dtype;
  const auto input = [&](size_t i) { return i < inputs.size() ? inputs[i] : nullptr; };
  if (input(2)) MEMOPT_RETURN_IF_ERROR(check_type("bias", *input(2), dtype, {y[1]}));
  if (input(3)) MEMOPT_RETURN_IF_ERROR(check_type("residual", *input(3), dtype, y));
  MEMOPT_RETURN_IF_ERROR(check_activation(activation, dtype));
  return std::vector<TensorType>{{dtype, y}};
}

Result<std::vector<TensorType>> infer_conv(const Op& op, InputTypes inputs) {
  const auto& conv = std::get<Conv>(op);
  MEMOPT_RETURN_IF_ERROR(check_dtype("x", inputs[0]->dtype, kFloatTypes));
  MEMOPT_RETURN_IF_ERROR(check_dtype("w", inputs[1]->dtype, {inputs[0]->dtype}));
  MEMOPT_ASSIGN_OR_RETURN(const Dims y, infer_window(conv, *inputs[0], *inputs[1]));
  return finish_float(inputs, y, conv.activation);
}

Result<std::vector<TensorType>> infer_conv_transpose(const Op& op, InputTypes inputs) {
  const auto& conv = std::get<ConvTranspose>(op);
  const TensorType& x = *inputs[0];
  const TensorType& w = *inputs[1];
  MEMOPT_RETURN_IF_ERROR(check_dtype("x", x.dtype, kFloatTypes));
  MEMOPT_RETURN_IF_ERROR(check_dtype("w", w.dtype, {x.dtype}));
  MEMOPT_RETURN_IF_ERROR(check_ranks(x, w));
  MEMOPT_RETURN_IF_ERROR(check_range("group", conv.group, 1));
  if (w.dims[0] != x.dims[1] || x.dims[1] % conv.group != 0) {
    return needed("w",
                  "dimension 0 = " + std::to_string(x.dims[1]) + " channels of x, in " +
                      std::to_string(conv.group) + " equal groups",
                  to_string(w.dims));
  }
  const auto filters = checked_mul(w.dims[1], conv.group);
  if (!filters) return bad_input("group: the result is too large");
  MEMOPT_ASSIGN_OR_RETURN(
      const Dims spatial,
      transposed_window_output(x.dims.span().subspan(2), view_of(conv, w), conv.output_padding));
  Dims y = {x.dims[0], *filters};
  for (const int64_t extent : spatial) y.push_back(extent);
  return finish_float(inputs, y, conv.activation);
}

// One value for the whole tensor: rank 0, or one element of rank 1.
Status check_scalar(std::string_view what, const TensorType& type, DTypeList allowed) {
  MEMOPT_RETURN_IF_ERROR(check_dtype(what, type.dtype, allowed));
  if (type.dims.rank() <= 1 && type.count() == 1) return {};
  return needed(what, "one value", to_string(type.dims));
}

// One value, or one per filter.
Status check_per_filter(std::string_view what, const TensorType& type, DTypeList allowed,
                        int64_t filters) {
  if (type.dims != Dims{filters}) return check_scalar(what, type, allowed);
  return check_dtype(what, type.dtype, allowed);
}

Result<std::vector<TensorType>> infer_qlinear_conv(const Op& op, InputTypes inputs) {
  const TensorType& x = *inputs[0];
  const TensorType& w = *inputs[3];
  const DType y_dtype = inputs[7]->dtype;
  MEMOPT_RETURN_IF_ERROR(check_dtype("x", x.dtype, kByteTypes));
  MEMOPT_RETURN_IF_ERROR(check_dtype("w", w.dtype, kByteTypes));
  MEMOPT_ASSIGN_OR_RETURN(const Dims y, infer_window(std::get<QLinearConv>(op), x, w));
  MEMOPT_RETURN_IF_ERROR(check_scalar("x_scale", *inputs[1], kF32Only));
  MEMOPT_RETURN_IF_ERROR(check_scalar("x_zero", *inputs[2], {x.dtype}));
  MEMOPT_RETURN_IF_ERROR(check_per_filter("w_scale", *inputs[4], kF32Only, y[1]));
  MEMOPT_RETURN_IF_ERROR(check_per_filter("w_zero", *inputs[5], {w.dtype}, y[1]));
  MEMOPT_RETURN_IF_ERROR(check_scalar("y_scale", *inputs[6], kF32Only));
  MEMOPT_RETURN_IF_ERROR(check_scalar("y_zero", *inputs[7], kByteTypes));
  if (inputs.size() > 8 && inputs[8]) {
    MEMOPT_RETURN_IF_ERROR(check_type("bias", *inputs[8], DType::kI32, {y[1]}));
  }
  return std::vector<TensorType>{{y_dtype, y}};
}

Result<std::vector<TensorType>> infer_conv_integer(const Op& op, InputTypes inputs) {
  const TensorType& x = *inputs[0];
  const TensorType& w = *inputs[1];
  MEMOPT_RETURN_IF_ERROR(check_dtype("x", x.dtype, kByteTypes));
  MEMOPT_RETURN_IF_ERROR(check_dtype("w", w.dtype, kByteTypes));
  MEMOPT_ASSIGN_OR_RETURN(const Dims y, infer_window(std::get<ConvInteger>(op), x, w));
  if (inputs.size() > 2 && inputs[2]) {
    MEMOPT_RETURN_IF_ERROR(check_scalar("x_zero", *inputs[2], {x.dtype}));
  }
  if (inputs.size() > 3 && inputs[3]) {
    MEMOPT_RETURN_IF_ERROR(check_per_filter("w_zero", *inputs[3], {w.dtype}, y[1]));
  }
  return std::vector<TensorType>{{DType::kI32, y}};
}

// Bands of images and of spatial dimensions: every band pads what lies beyond the border only.
template <typename ConvOp, int kWeights>
std::optional<OpBand> conv_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                int axis, Interval rows) {
  const auto& conv = std::get<ConvOp>(op);
  const int64_t in = inputs[0]->dims[axis];
  if (axis == 1 || in == 0) return std::nullopt;
  OpBand band = band_of_first(op, inputs, axis, rows);
  if (axis >= 2) {
    const auto i = static_cast<size_t>(axis) - 2;
    const WindowBand part = window_band(in, view_of(conv, *inputs[kWeights]), i, rows);
    band.inputs[0]->rows = part.rows;
    auto& pads = std::get<ConvOp>(band.op).pads;
    pads[i] = part.pad_begin;
    pads[conv.strides.size() + i] = part.pad_end;
  }
  constexpr size_t kResidual = 3;
  if constexpr (std::is_same_v<ConvOp, Conv>) {
    if (optional_input(inputs, kResidual)) band.inputs[kResidual] = AxisRange{axis, rows};
  }
  return band;
}

// The rows of x that reach these rows of the result; what lies around them is padding again.
std::optional<OpBand> conv_transpose_band(const Op& op, InputTypes inputs,
                                          std::span<const TensorType>, int axis, Interval rows) {
  const auto& conv = std::get<ConvTranspose>(op);
  if (axis == 1) return std::nullopt;
  OpBand band = band_of_first(op, inputs, axis, rows);
  if (optional_input(inputs, 3)) band.inputs[3] = AxisRange{axis, rows};
  if (axis == 0) return band;
  const auto i = static_cast<size_t>(axis) - 2;
  const int64_t stride = conv.strides[i];
  const int64_t reach = conv.dilations[i] * (inputs[1]->dims[axis] - 1);
  const int64_t low = rows.begin + conv.pads[i] - reach;  // row begin takes x from low / stride on
  const int64_t begin = low <= 0 ? 0 : (low + stride - 1) / stride;
  const int64_t last = rows.end - 1 + conv.pads[i];
  if (last < 0) return std::nullopt;
  const int64_t end = std::min(inputs[0]->dims[axis], last / stride + 1);
  if (begin >= end) return std::nullopt;  // nothing but bias
  band.inputs[0]->rows = {begin, end};
  auto& part = std::get<ConvTranspose>(band.op);
  const int64_t pad_begin = rows.begin + conv.pads[i] - begin * stride;
  const int64_t surplus = stride * (end - begin - 1) + reach + 1 - pad_begin - rows.count();
  part.pads[i] = pad_begin;
  part.pads[conv.strides.size() + i] = std::max<int64_t>(surplus, 0);
  part.output_padding[i] = std::max<int64_t>(-surplus, 0);
  return band;
}

// Every output element takes one filter.
template <int kWeights>
int64_t conv_operations(const Op&, InputTypes inputs, std::span<const TensorType> outputs) {
  const Dims& w = inputs[kWeights]->dims;
  int64_t taps = w[1];
  for (int i = 2; i < w.rank(); ++i) taps = saturating_product({taps, w[i]});
  return saturating_product({outputs[0].count(), taps});
}

// Every input element meets every tap of its group's filters.
int64_t conv_transpose_operations(const Op&, InputTypes inputs, std::span<const TensorType>) {
  const Dims& w = inputs[1]->dims;
  int64_t taps = w[1];
  for (int i = 2; i < w.rank(); ++i) taps = saturating_product({taps, w[i]});
  return saturating_product({inputs[0]->count(), taps});
}

}  // namespace

const OpDef& Conv_def() {
  static const OpDef kDef = {.min_inputs = 2,
                             .max_inputs = 4,
                             .infer = infer_conv,
                             .layout = LayoutRule::kPrefersNhwc,
                             .band = conv_band<Conv, 1>,
                             .operations = conv_operations<1>};
  return kDef;
}

const OpDef& ConvTranspose_def() {
  static const OpDef kDef = {.min_inputs = 2,
                             .max_inputs = 4,
                             .infer = infer_conv_transpose,
                             .layout = LayoutRule::kPrefersNhwc,
                             .band = conv_transpose_band,
                             .operations = conv_transpose_operations};
  return kDef;
}

const OpDef& QLinearConv_def() {
  static const OpDef kDef = {.min_inputs = 8,
                             .max_inputs = 9,
                             .infer = infer_qlinear_conv,
                             .layout = LayoutRule::kPrefersNhwc,
                             .band = conv_band<QLinearConv, 3>,
                             .operations = conv_operations<3>};
  return kDef;
}

const OpDef& ConvInteger_def() {
  static const OpDef kDef = {.min_inputs = 2,
                             .max_inputs = 4,
                             .infer = infer_conv_integer,
                             .layout = LayoutRule::kPrefersNhwc,
                             .band = conv_band<ConvInteger, 1>,
                             .operations = conv_operations<1>};
  return kDef;
}

}  // namespace memopt
