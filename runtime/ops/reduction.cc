// Meaning of softmax, reductions, arg-reductions and top-k.
#include "runtime/ops/reduction.h"

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

int64_t elements(const Op&, InputTypes inputs, std::span<const TensorType>) {
  return inputs[0]->count();
}

}  // namespace

const OpDef& Softmax_def() {
  static const OpDef def = {
      .infer = infer_softmax, .layout = LayoutRule::kFollows, .operations = elements};
  return def;
}

const OpDef& Reduce_def() {
  static const OpDef def = {
      .infer = infer_reduce, .layout = LayoutRule::kAny, .operations = elements};
  return def;
}

const OpDef& ArgReduce_def() {
  static const OpDef def = {
      .infer = infer_arg_reduce, .layout = LayoutRule::kAny, .operations = elements};
  return def;
}

const OpDef& TopK_def() {
  static const OpDef def = {.outputs = 2, .infer = infer_top_k, .operations = elements};
  return def;
}

}  // namespace memopt
