// Meaning of softmax, reductions, arg-reductions and top-k.
#include "runtime/ops/reduction.h"

#include <algorithm>

#include "runtime/ops/band_rules.h"
#include "runtime/ops/infer_checks.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

Result<std::vector<TensorType>> infer_softmax(const Op& op, InputTypes inputs) {
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_dtype("x", x.dtype, kFloatTypes));
  MEMOPT_RETURN_IF_ERROR(check_axis(std::get<Softmax>(op).axis, x.dims.rank()));
  return std::vector<TensorType>{{x.dtype, x.dims}};
}

Result<std::vector<TensorType>> infer_reduce(const Op& op, InputTypes inputs) {
  const auto& reduce = std::get<Reduce>(op);
  const TensorType& x = *inputs[0];
  const bool orders_only = reduce.fn == ReduceFn::kMax || reduce.fn == ReduceFn::kMin;
  if (!(orders_only && x.dtype == DType::kBool)) {
    MEMOPT_RETURN_IF_ERROR(check_dtype("x", x.dtype, kNumberTypes));
  }
  TensorType y = {x.dtype, {}};
  size_t next = 0;  // entry of reduce.axes
  for (int i = 0; i < x.dims.rank(); ++i) {
    const bool reduced = next < reduce.axes.size() && reduce.axes[next] == i;
    if (reduced) ++next;
    if (!reduced) y.dims.push_back(x.dims[i]);
    if (reduced && reduce.keep_dims) y.dims.push_back(1);
  }
  if (next != reduce.axes.size()) {
    return needed("axes", "ascending axes of a tensor of rank " + std::to_string(x.dims.rank()),
                  std::to_string(reduce.axes[next]) + " as entry " + std::to_string(next));
  }
  return std::vector<TensorType>{y};
}

Result<std::vector<TensorType>> infer_arg_reduce(const Op& op, InputTypes inputs) {
  const auto& reduce = std::get<ArgReduce>(op);
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_dtype("x", x.dtype, kNumberTypes));
  MEMOPT_RETURN_IF_ERROR(check_axis(reduce.axis, x.dims.rank()));
  if (x.dims[static_cast<int>(reduce.axis)] == 0) {
    return needed("x", "at least one element along the axis", to_string(x.dims));
  }
  TensorType y = {DType::kI64, {}};
  for (int i = 0; i < x.dims.rank(); ++i) {
    if (i != reduce.axis) y.dims.push_back(x.dims[i]);
    if (i == reduce.axis && reduce.keep_dims) y.dims.push_back(1);
  }
  return std::vector<TensorType>{y};
}

Result<std::vector<TensorType>> infer_top_k(const Op& op, InputTypes inputs) {
  const auto& top = std::get<TopK>(op);
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_dtype("x", x.dtype, kNumberTypes));
  MEMOPT_RETURN_IF_ERROR(check_axis(top.axis, x.dims.rank()));
  const int axis = static_cast<int>(top.axis);
  MEMOPT_RETURN_IF_ERROR(check_range("k", top.k, 0, x.dims[axis]));
  TensorType y = {x.dtype, x.dims};
  y.dims[axis] = top.k;
  return std::vector<TensorType>{y, {DType::kI64, y.dims}};
}

Result<std::vector<TensorType>> infer_cumulate(const Op& op, InputTypes inputs) {
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_number("x", x));
  MEMOPT_RETURN_IF_ERROR(check_axis(std::get<Cumulate>(op).axis, x.dims.rank()));
  return row_major_result(x.dtype, x.dims);
}

std::optional<OpBand> cumulate_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                    int axis, Interval rows) {
  if (axis == std::get<Cumulate>(op).axis) return std::nullopt;
  return band_of_first(op, inputs, axis, rows);
}

std::optional<OpBand> softmax_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                   int axis, Interval rows) {
  if (axis == std::get<Softmax>(op).axis) return std::nullopt;
  return band_of_first(op, inputs, axis, rows);
}

// The axis of x that became `axis` of the result, where `is_reduced` axes vanish or become 1.
template <typename F>
std::optional<OpBand> band_beside(const Op& op, InputTypes inputs, bool keep_dims, F&& is_reduced,
                                  int axis, Interval rows) {
  int own = axis;
  for (int i = 0; !keep_dims && i <= own; ++i) own += is_reduced(i) ? 1 : 0;
  if (is_reduced(own)) return std::nullopt;
  return band_of_first(op, inputs, own, rows);
}

std::optional<OpBand> reduce_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                  int axis, Interval rows) {
  const auto& reduce = std::get<Reduce>(op);
  const auto is_reduced = [&](int i) {
    return std::find(reduce.axes.begin(), reduce.axes.end(), i) != reduce.axes.end();
  };
  return band_beside(op, inputs, reduce.keep_dims, is_reduced, axis, rows);
}

std::optional<OpBand> arg_reduce_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                      int axis, Interval rows) {
  const auto& reduce = std::get<ArgReduce>(op);
  const auto is_reduced = [&](int i) { return i == reduce.axis; };
  return band_beside(op, inputs, reduce.keep_dims, is_reduced, axis, rows);
}

std::optional<OpBand> top_k_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                 int axis, Interval rows) {
  if (axis == std::get<TopK>(op).axis) return std::nullopt;
  OpBand band = band_of_first(op, inputs, axis, rows);
  band.outputs = 2;
  return band;
}

int64_t elements(const Op&, InputTypes inputs, std::span<const TensorType>) {
  return inputs[0]->count();
}

}  // namespace

const OpDef& Softmax_def() {
  static const OpDef kDef = {.infer = infer_softmax,
                             .layout = LayoutRule::kFollows,
                             .band = softmax_band,
                             .operations = elements};
  return kDef;
}

const OpDef& Reduce_def() {
  static const OpDef kDef = {.infer = infer_reduce,
                             .layout = LayoutRule::kAny,
                             .band = reduce_band,
                             .operations = elements};
  return kDef;
}

const OpDef& ArgReduce_def() {
  static const OpDef kDef = {.infer = infer_arg_reduce,
                             .layout = LayoutRule::kAny,
                             .band = arg_reduce_band,
                             .operations = elements};
  return kDef;
}

const OpDef& TopK_def() {
  static const OpDef kDef = {
      .required_results = 0, .infer = infer_top_k, .band = top_k_band, .operations = elements};
  return kDef;
}

const OpDef& Cumulate_def() {
  static const OpDef kDef = {.infer = infer_cumulate,
                             .layout = LayoutRule::kFollows,
                             .band = cumulate_band,
                             .operations = elements};
  return kDef;
}

}  // namespace memopt
