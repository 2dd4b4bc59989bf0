// Meaning of the operators that write or add elements at places which indices or windows name.
#include "runtime/ops/scatter.h"

#include "runtime/ops/infer_checks.h"
#include "runtime/ops/op_def.h"
#include "runtime/ops/window.h"

namespace memopt {
namespace {

constexpr DTypeList kIndexTypes = {DType::kI64, DType::kI32};

// Replacing moves any element of whole bytes; the other functions compute.
Status check_scattered(const TensorType& x, ScatterFn fn, const TensorType& updates) {
  if (fn != ScatterFn::kReplace) MEMOPT_RETURN_IF_ERROR(check_number("x", x));
  if (dtype_bits(x.dtype) < 8) return needed("x", "elements of whole bytes", x);
  return check_dtype("updates", updates, x.dtype);
}

Result<std::vector<TensorType>> infer_scatter_elements(const Op& op, InputTypes inputs) {
  const auto& scatter = std::get<ScatterElements>(op);
  const TensorType& x = *inputs[0];
  const TensorType& indices = *inputs[1];
  MEMOPT_RETURN_IF_ERROR(check_scattered(x, scatter.fn, *inputs[2]));
  MEMOPT_RETURN_IF_ERROR(check_axis(scatter.axis, x.dims.rank()));
  MEMOPT_RETURN_IF_ERROR(check_dtype("indices", indices.dtype, kIndexTypes));
  MEMOPT_RETURN_IF_ERROR(check_rank("indices", indices.dims, x.dims.rank(), x.dims.rank()));
  MEMOPT_RETURN_IF_ERROR(check_dims("updates", inputs[2]->dims, indices.dims));
  for (int i = 0; i < x.dims.rank(); ++i) {
    if (i != scatter.axis && indices.dims[i] > x.dims[i]) {
      return needed("indices", "a shape within " + to_string(x.dims), indices);
    }
  }
  return row_major_result(x.dtype, x.dims);
}

Result<std::vector<TensorType>> infer_scatter_nd(const Op& op, InputTypes inputs) {
  const TensorType& x = *inputs[0];
  const TensorType& indices = *inputs[1];
  MEMOPT_RETURN_IF_ERROR(check_scattered(x, std::get<ScatterND>(op).fn, *inputs[2]));
  MEMOPT_RETURN_IF_ERROR(check_dtype("indices", indices.dtype, kIndexTypes));
  MEMOPT_RETURN_IF_ERROR(check_rank("x", x.dims, 1));
  MEMOPT_RETURN_IF_ERROR(check_rank("indices", indices.dims, 1));
  const int last = indices.dims.rank() - 1;
  const int64_t depth = indices.dims[last];
  MEMOPT_RETURN_IF_ERROR(check_range("last dimension of indices", depth, 1, x.dims.rank()));
  if (last + x.dims.rank() - depth > kMaxRank) {
    return needed("updates", "rank " + std::to_string(kMaxRank) + " or less",
                  std::to_string(last + x.dims.rank() - depth));
  }
  Dims updates;
  for (int i = 0; i < last; ++i) updates.push_back(indices.dims[i]);
  for (int i = static_cast<int>(depth); i < x.dims.rank(); ++i) updates.push_back(x.dims[i]);
  MEMOPT_RETURN_IF_ERROR(check_dims("updates", inputs[2]->dims, updates));
  return row_major_result(x.dtype, x.dims);
}

int64_t scatter_operations(const Op&, InputTypes inputs, std::span<const TensorType> outputs) {
  return outputs[0].count() + inputs[2]->count();
}

Result<std::vector<TensorType>> infer_col_to_im(const Op& op, InputTypes inputs) {
  const auto& columns = std::get<ColToIm>(op);
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_number("x", x));
  MEMOPT_RETURN_IF_ERROR(check_rank("x", x.dims, 3, 3));
  if (columns.image.empty() || columns.image.size() > kMaxRank - 2) {
    return needed("image", "1 to " + std::to_string(kMaxRank - 2) + " entries",
                  std::to_string(columns.image.size()));
  }
  for (const int64_t pad : columns.pads) MEMOPT_RETURN_IF_ERROR(check_range("pads", pad, 0));
  for (const int64_t extent : columns.image) {
    MEMOPT_RETURN_IF_ERROR(check_range("image", extent, 0));
  }
  MEMOPT_ASSIGN_OR_RETURN(
      const Dims windows,
      window_output(columns.image,
                    {columns.block, columns.strides, columns.dilations, columns.pads}, false));
  MEMOPT_ASSIGN_OR_RETURN(const Dims block, checked_dims("block", columns.block));
  if (checked_count(windows) != x.dims[2]) {
    return needed("x", "a column for each of " + to_string(windows) + " windows", x);
  }
  if (x.dims[1] % block.count() != 0) {
    return needed("x", "rows that divide by " + std::to_string(block.count()), x);
  }
  Dims dims = {x.dims[0], x.dims[1] / block.count()};
  for (const int64_t extent : columns.image) dims.push_back(extent);
  return row_major_result(x.dtype, dims);
}

int64_t col_to_im_operations(const Op&, InputTypes inputs, std::span<const TensorType> outputs) {
  return inputs[0]->count() + outputs[0].count();
}

}  // namespace

const OpDef& ScatterElements_def() {
  static constexpr OpDef kDef = {.min_inputs = 3,
                                 .max_inputs = 3,
                                 .infer = infer_scatter_elements,
                                 .operations = scatter_operations};
  return kDef;
}

const OpDef& ScatterND_def() {
  static constexpr OpDef kDef = {.min_inputs = 3,
                                 .max_inputs = 3,
                                 .infer = infer_scatter_nd,
                                 .operations = scatter_operations};
  return kDef;
}

const OpDef& ColToIm_def() {
  static constexpr OpDef kDef = {.infer = infer_col_to_im, .operations = col_to_im_operations};
  return kDef;
}

}  // namespace memopt
