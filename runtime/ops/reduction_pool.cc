// Meaning of pooling and its inverse.
#include <algorithm>

#include "runtime/ops/band_rules.h"
#include "runtime/ops/infer_checks.h"
#include "runtime/ops/op_def.h"
#include "runtime/ops/reduction.h"
#include "runtime/ops/window.h"

namespace memopt {
namespace {

constexpr DTypeList kMaxPoolTypes = {DType::kF32, DType::kF16, DType::kBF16,
                                     DType::kF64, DType::kI8,  DType::kU8};

Result<std::vector<TensorType>> infer_pool(const Op& op, InputTypes inputs) {
  const auto& pool = std::get<Pool>(op);
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(
      check_dtype("x", x.dtype, pool.fn == PoolFn::kMax ? kMaxPoolTypes : kFloatTypes));
  MEMOPT_RETURN_IF_ERROR(check_rank("x", x.dims, 3, 5));
  for (const int64_t pad : pool.pads) MEMOPT_RETURN_IF_ERROR(check_range("pads", pad, 0));
  MEMOPT_RETURN_IF_ERROR(check_range("p", pool.p, 1));
  MEMOPT_ASSIGN_OR_RETURN(
      const Dims spatial,
      window_output(x.dims.span().subspan(2),
                    {pool.kernel, pool.strides, pool.dilations, pool.pads}, pool.ceil_mode));
  TensorType y = {x.dtype, {x.dims[0], x.dims[1]}};
  for (const int64_t extent : spatial) y.dims.push_back(extent);
  if (pool.fn != PoolFn::kMax) return std::vector<TensorType>{y};
  return std::vector<TensorType>{y, {DType::kI64, y.dims}};
}

Result<std::vector<TensorType>> infer_max_unpool(const Op& op, InputTypes inputs) {
  const auto& unpool = std::get<MaxUnpool>(op);
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_dtype("x", x.dtype, kFloatTypes));
  MEMOPT_RETURN_IF_ERROR(check_rank("x", x.dims, 3));
  MEMOPT_RETURN_IF_ERROR(check_type("indices", *inputs[1], DType::kI64, x.dims));
  const size_t rank = static_cast<size_t>(x.dims.rank());
  if (unpool.dims.size() != rank || unpool.unpooled_dims.size() != rank) {
    return bad_input("dims, unpooled_dims: needed " + std::to_string(rank) + " entries each");
  }
  for (size_t i = 0; i < rank; ++i) {
    MEMOPT_RETURN_IF_ERROR(check_range("dims", unpool.dims[i], 0));
    MEMOPT_RETURN_IF_ERROR(
        check_range("unpooled_dims", unpool.unpooled_dims[i], 0, unpool.dims[i]));
  }
  return std::vector<TensorType>{{x.dtype, Dims(unpool.dims)}};
}

// Windows see the same rows of x and of its padding; without indices, which count all of x.
std::optional<OpBand> pool_band(const Op& op, InputTypes inputs,
                                std::span<const TensorType> outputs, int axis, Interval rows) {
  if (rows.begin < 0) return std::nullopt;
  const auto& pool = std::get<Pool>(op);
  OpBand band = band_of_first(op, inputs, axis, rows);
  if (axis < 2) return band;
  const int64_t in = inputs[0]->dims[axis];
  if (in == 0) return std::nullopt;
  const size_t n = pool.kernel.size();
  const auto i = static_cast<size_t>(axis) - 2;
  const WindowBand part =
      window_band(in, {pool.kernel, pool.strides, pool.dilations, pool.pads}, i, rows);
  band.inputs[0]->rows = part.rows;
  auto& of = std::get<Pool>(band.op);
  of.pads[i] = part.pad_begin;
  of.pads[n + i] = part.pad_end;
  const bool counts_padding = pool.fn == PoolFn::kAverage && pool.count_include_pad;
  if (counts_padding && part.rows.end == in && part.pad_end > pool.pads[n + i]) {
    // The last window of ceil mode leaves the padding, and must do so again. Alone it would not
    // fit.
    if (rows.count() == 1) return pool_band(op, inputs, outputs, axis, {rows.begin - 1, rows.end});
    of.pads[n + i] = pool.pads[n + i];
  }
  if (of.pads[i] < 0 || of.pads[n + i] < 0) return std::nullopt;
  return band;
}

int64_t pool_operations(const Op& op, InputTypes, std::span<const TensorType> outputs) {
  int64_t operations = outputs[0].count();
  for (const int64_t extent : std::get<Pool>(op).kernel) {
    operations = saturating_product({operations, extent});
  }
  return operations;
}

int64_t max_unpool_operations(const Op&, InputTypes, std::span<const TensorType> outputs) {
  return outputs[0].count();
}

}  // namespace

const OpDef& Pool_def() {
  static const OpDef kDef = {.infer = infer_pool,
                             .layout = LayoutRule::kPrefersNhwc,
                             .band = pool_band,
                             .operations = pool_operations};
  return kDef;
}

const OpDef& MaxUnpool_def() {
  static const OpDef kDef = {.min_inputs = 2,
                             .max_inputs = 2,
                             .infer = infer_max_unpool,
                             .layout = LayoutRule::kFollows,
                             .operations = max_unpool_operations};
  return kDef;
}

}  // namespace memopt
