// Meaning of the normalizations.
#include "runtime/ops/band_rules.h"
#include "runtime/ops/infer_checks.h"
#include "runtime/ops/op_def.h"
#include "runtime/ops/reduction.h"

namespace memopt {
namespace {

Status check_epsilon(double epsilon) {
  if (epsilon >= 0) return {};  // false for NaN
  return needed("epsilon", "0 or more", std::to_string(epsilon));
}

// One value of a float type per channel.
Status check_per_channel(std::string_view what, const TensorType& type, int64_t channels) {
  MEMOPT_RETURN_IF_ERROR(check_dtype(what, type.dtype, kFloatTypes));
  return check_dims(what, type.dims, {channels});
}

Result<std::vector<TensorType>> infer_batch_norm(const Op& op, InputTypes inputs) {
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_dtype("x", x.dtype, kFloatTypes));
  MEMOPT_RETURN_IF_ERROR(check_rank("x", x.dims, 1));
  const int64_t channels = x.dims.rank() == 1 ? 1 : x.dims[1];
  constexpr std::string_view kNames[] = {"x", "scale", "bias", "mean", "var"};
  for (size_t i = 1; i < 5; ++i) {
    MEMOPT_RETURN_IF_ERROR(check_per_channel(kNames[i], *inputs[i], channels));
  }
  MEMOPT_RETURN_IF_ERROR(check_epsilon(std::get<BatchNorm>(op).epsilon));
  return std::vector<TensorType>{{x.dtype, x.dims}};
}

Result<std::vector<TensorType>> infer_instance_norm(const Op& op, InputTypes inputs) {
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_dtype("x", x.dtype, kFloatTypes));
  MEMOPT_RETURN_IF_ERROR(check_rank("x", x.dims, 3));
  MEMOPT_RETURN_IF_ERROR(check_per_channel("scale", *inputs[1], x.dims[1]));
  MEMOPT_RETURN_IF_ERROR(check_per_channel("bias", *inputs[2], x.dims[1]));
  MEMOPT_RETURN_IF_ERROR(check_epsilon(std::get<InstanceNorm>(op).epsilon));
  return std::vector<TensorType>{{x.dtype, x.dims}};
}

Result<std::vector<TensorType>> infer_lrn(const Op& op, InputTypes inputs) {
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_dtype("x", x.dtype, kFloatTypes));
  MEMOPT_RETURN_IF_ERROR(check_rank("x", x.dims, 2));
  MEMOPT_RETURN_IF_ERROR(check_range("window", std::get<Lrn>(op).window, 1));
  return std::vector<TensorType>{{x.dtype, x.dims}};
}

Result<std::vector<TensorType>> infer_layer_norm(const Op& op, InputTypes inputs) {
  const auto& norm = std::get<LayerNorm>(op);
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_dtype("x", x.dtype, kFloatTypes));
  MEMOPT_RETURN_IF_ERROR(check_axis(norm.axis, x.dims.rank()));
  MEMOPT_RETURN_IF_ERROR(check_epsilon(norm.epsilon));
  const Dims normalized(x.dims.span().subspan(static_cast<size_t>(norm.axis)));
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (!inputs[i]) continue;
    const std::string_view what = i == 1 ? "scale" : "bias";
    MEMOPT_RETURN_IF_ERROR(check_dtype(what, inputs[i]->dtype, {x.dtype}));
    if (broadcast(inputs[i]->dims, normalized) != normalized) {
      return needed(what, "a shape that broadcasts to " + to_string(normalized),
                    to_string(inputs[i]->dims));
    }
  }
  Dims statistics = x.dims;
  for (int i = static_cast<int>(norm.axis); i < statistics.rank(); ++i) statistics[i] = 1;
  return std::vector<TensorType>{
      {x.dtype, x.dims}, {DType::kF32, statistics}, {DType::kF32, statistics}};
}

// Any rows but those of channels.
std::optional<OpBand> per_channel_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                       int axis, Interval rows) {
  if (axis == 1) return std::nullopt;
  return band_of_first(op, inputs, axis, rows);
}

std::optional<OpBand> instance_norm_band(const Op& op, InputTypes inputs,
                                         std::span<const TensorType>, int axis, Interval rows) {
  if (axis != 0) return std::nullopt;
  return band_of_first(op, inputs, axis, rows);
}

std::optional<OpBand> layer_norm_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                      int axis, Interval rows) {
  if (axis >= std::get<LayerNorm>(op).axis) return std::nullopt;
  OpBand band = band_of_first(op, inputs, axis, rows);
  band.outputs = 3;
  return band;
}

int64_t elements(const Op&, InputTypes inputs, std::span<const TensorType>) {
  return inputs[0]->count();
}

int64_t lrn_operations(const Op& op, InputTypes inputs, std::span<const TensorType>) {
  return saturating_product({inputs[0]->count(), std::get<Lrn>(op).window});
}

}  // namespace

const OpDef& BatchNorm_def() {
  static const OpDef kDef = {.min_inputs = 5,
                             .max_inputs = 5,
                             .infer = infer_batch_norm,
                             .layout = LayoutRule::kFollows,
                             .band = per_channel_band,
                             .operations = elements};
  return kDef;
}

const OpDef& InstanceNorm_def() {
  static const OpDef kDef = {.min_inputs = 3,
                             .max_inputs = 3,
                             .infer = infer_instance_norm,
                             .layout = LayoutRule::kFollows,
                             .band = instance_norm_band,
                             .operations = elements};
  return kDef;
}

const OpDef& Lrn_def() {
  static const OpDef kDef = {.infer = infer_lrn,
                             .layout = LayoutRule::kFollows,
                             .band = per_channel_band,
                             .operations = lrn_operations};
  return kDef;
}

const OpDef& LayerNorm_def() {
  static const OpDef kDef = {.min_inputs = 2,
                             .max_inputs = 3,
                             .infer = infer_layer_norm,
                             .band = layer_norm_band,
                             .operations = elements};
  return kDef;
}

}  // namespace memopt
