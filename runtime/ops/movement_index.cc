// Gathers, pad and resize.
#include <cmath>

#include "runtime/ops/infer_checks.h"
#include "runtime/ops/movement_band.h"

namespace memopt {
namespace {

Status check_result_rank(int64_t rank) {
  if (rank <= kMaxRank) return {};
  return needed("result", "rank " + std::to_string(kMaxRank) + " or less", std::to_string(rank));
}

constexpr DTypeList kIndexTypes = {DType::kI64, DType::kI32};

Result<std::vector<TensorType>> infer_gather(const Op& op, InputTypes inputs) {
  const int64_t axis = std::get<Gather>(op).axis;
  const TensorType& x = *inputs[0];
  const TensorType& indices = *inputs[1];
  MEMOPT_RETURN_IF_ERROR(check_axis(axis, x.dims.rank()));
  MEMOPT_RETURN_IF_ERROR(check_dtype("indices", indices.dtype, kIndexTypes));
  MEMOPT_RETURN_IF_ERROR(check_result_rank(x.dims.rank() - 1 + indices.dims.rank()));
  Dims dims;
  for (int i = 0; i < axis; ++i) dims.push_back(x.dims[i]);
  for (const int64_t extent : indices.dims) dims.push_back(extent);
  for (int i = static_cast<int>(axis) + 1; i < x.dims.rank(); ++i) dims.push_back(x.dims[i]);
  return row_major_result(x.dtype, dims);
}

Result<std::vector<TensorType>> infer_gather_elements(const Op& op, InputTypes inputs) {
  const int64_t axis = std::get<GatherElements>(op).axis;
  const TensorType& x = *inputs[0];
  const TensorType& indices = *inputs[1];
  MEMOPT_RETURN_IF_ERROR(check_axis(axis, x.dims.rank()));
  MEMOPT_RETURN_IF_ERROR(check_dtype("indices", indices.dtype, kIndexTypes));
  MEMOPT_RETURN_IF_ERROR(check_rank("indices", indices.dims, x.dims.rank(), x.dims.rank()));
  for (int i = 0; i < x.dims.rank(); ++i) {
    if (i != axis && indices.dims[i] > x.dims[i]) {
      return needed("indices", "a shape within " + to_string(x.dims), indices);
    }
  }
  return row_major_result(x.dtype, indices.dims);
}

Result<std::vector<TensorType>> infer_gather_nd(const Op& op, InputTypes inputs) {
  const int64_t batch = std::get<GatherND>(op).batch_dims;
  const TensorType& x = *inputs[0];
  const TensorType& indices = *inputs[1];
  MEMOPT_RETURN_IF_ERROR(check_dtype("indices", indices.dtype, kIndexTypes));
  MEMOPT_RETURN_IF_ERROR(check_rank("x", x.dims, 1));
  MEMOPT_RETURN_IF_ERROR(check_rank("indices", indices.dims, 1));
  const int last = indices.dims.rank() - 1;
  MEMOPT_RETURN_IF_ERROR(check_range("batch_dims", batch, 0, std::min(last, x.dims.rank() - 1)));
  const int64_t depth = indices.dims[last];
  MEMOPT_RETURN_IF_ERROR(check_range("last dimension of indices", depth, 1, x.dims.rank() - batch));
  MEMOPT_RETURN_IF_ERROR(check_result_rank(last + x.dims.rank() - batch - depth));
  Dims dims;
  for (int i = 0; i < last; ++i) {
    if (i < batch && indices.dims[i] != x.dims[i]) {
      return needed("indices", "the batch dimensions of " + to_string(x.dims), indices);
    }
    dims.push_back(indices.dims[i]);
  }
  for (int i = static_cast<int>(batch + depth); i < x.dims.rank(); ++i) dims.push_back(x.dims[i]);
  return row_major_result(x.dtype, dims);
}

Result<std::vector<TensorType>> infer_one_hot(const Op& op, InputTypes inputs) {
  const auto& one_hot = std::get<OneHot>(op);
  const TensorType& indices = *inputs[0];
  const TensorType& values = *inputs[1];
  MEMOPT_RETURN_IF_ERROR(check_number("indices", indices));
  MEMOPT_RETURN_IF_ERROR(check_type("values", values, values.dtype, {2}));
  if (dtype_bits(values.dtype) < 8) return needed("values", "elements of whole bytes", values);
  MEMOPT_RETURN_IF_ERROR(check_result_rank(indices.dims.rank() + 1));
  MEMOPT_RETURN_IF_ERROR(check_axis(one_hot.axis, indices.dims.rank() + 1));
  MEMOPT_RETURN_IF_ERROR(check_range("depth", one_hot.depth, 0));
  Dims dims;
  for (int i = 0; i < indices.dims.rank() + 1; ++i) {
    if (i == one_hot.axis) dims.push_back(one_hot.depth);
    if (i < indices.dims.rank()) dims.push_back(indices.dims[i]);
  }
  return row_major_result(values.dtype, dims);
}

Result<std::vector<TensorType>> infer_pad(const Op& op, InputTypes inputs) {
  const auto& pad = std::get<Pad>(op);
  const TensorType& x = *inputs[0];
  const int rank = x.dims.rank();
  MEMOPT_RETURN_IF_ERROR(check_entries("pads", pad.pads.size(), 2 * rank));
  if (const TensorType* value = optional_input(inputs, 1)) {
    MEMOPT_RETURN_IF_ERROR(check_dtype("value", *value, x.dtype));
    MEMOPT_RETURN_IF_ERROR(check_scalar("value", *value));
  }
  Dims dims = x.dims;
  for (int i = 0; i < rank; ++i) {
    const int64_t begin = pad.pads[static_cast<size_t>(i)];
    const int64_t end = pad.pads[static_cast<size_t>(i + rank)];
    MEMOPT_RETURN_IF_ERROR(check_range("pads", begin, -kMaxDim));
    MEMOPT_RETURN_IF_ERROR(check_range("pads", end, -kMaxDim));
    dims[i] += begin + end;
    if (dims[i] < 0) return needed("pads", "a crop of no more than the extent", x);
    if (pad.mode != PadMode::kConstant && x.dims[i] == 0 && dims[i] > 0) {
      return needed("x", "an element to repeat", x);
    }
  }
  return row_major_result(x.dtype, dims);
}

// Kernels keep a window for every coordinate of an axis, and antialiasing ones are as wide as the
// input: tables of at most some hundred megabytes.
constexpr int64_t kMaxResizeExtent = int64_t{1} << 22;

Status check_resize_axis(const Resize& resize, const TensorType& x, int axis) {
  MEMOPT_RETURN_IF_ERROR(check_range("extent of x", x.dims[axis], 0, kMaxResizeExtent));
  MEMOPT_RETURN_IF_ERROR(
      check_range("dims", resize.dims[static_cast<size_t>(axis)], 0, kMaxResizeExtent));
  const double scale = resize.scales[static_cast<size_t>(axis)];
  if (!std::isfinite(scale) || scale <= 0) {
    return needed("scales", "positive numbers", std::to_string(scale));
  }
  // An antialiasing window is 4 / scale wide.
  if (resize.antialias && scale < 1e-6) {
    return needed("scales", "at least 1e-6 with antialias", std::to_string(scale));
  }
  if (x.dims[axis] == 0 && resize.dims[static_cast<size_t>(axis)] > 0) {
    return needed("x", "an element to interpolate", x);
  }
  return {};
}

Result<std::vector<TensorType>> infer_resize(const Op& op, InputTypes inputs) {
  const auto& resize = std::get<Resize>(op);
  const TensorType& x = *inputs[0];
  const int rank = x.dims.rank();
  MEMOPT_RETURN_IF_ERROR(check_number("x", x));
  MEMOPT_RETURN_IF_ERROR(check_entries("dims", resize.dims.size(), rank));
  MEMOPT_RETURN_IF_ERROR(check_entries("scales", resize.scales.size(), rank));
  if (!resize.roi.empty() || resize.coords == ResizeCoords::kTfCropAndResize) {
    MEMOPT_RETURN_IF_ERROR(check_entries("roi", resize.roi.size(), 2 * rank));
  }
  for (const double edge : resize.roi) {
    if (!(std::fabs(edge) <= 1e9)) {
      return needed("roi", "numbers of at most 1e9", std::to_string(edge));
    }
  }
  if (resize.antialias && resize.mode == ResizeMode::kNearest) {
    return needed("antialias", "mode linear or cubic", "nearest");
  }
  MEMOPT_ASSIGN_OR_RETURN(const Dims dims, checked_dims("dims", resize.dims));
  for (int i = 0; i < rank; ++i) MEMOPT_RETURN_IF_ERROR(check_resize_axis(resize, x, i));
  return row_major_result(x.dtype, dims);
}

int64_t resize_operations(const Op& op, InputTypes, std::span<const TensorType> outputs) {
  const auto& resize = std::get<Resize>(op);
  const int64_t taps = resize.mode == ResizeMode::kNearest  ? 1
                       : resize.mode == ResizeMode::kLinear ? 2
                                                            : 4;
  int64_t total = outputs[0].count();
  for (const double scale : resize.scales) {
    if (scale != 1) total = saturating_product({total, taps});
  }
  return total;
}

constexpr OpDef movement(int min_inputs, int max_inputs, decltype(OpDef::infer) infer,
                         LayoutRule layout, decltype(OpDef::band) band) {
  OpDef def;
  def.min_inputs = min_inputs;
  def.max_inputs = max_inputs;
  def.infer = infer;
  def.layout = layout;
  def.band = band;
  def.operations = count_outputs;
  return def;
}

}  // namespace

const OpDef& Gather_def() {
  static constexpr OpDef kDef = movement(2, 2, infer_gather, LayoutRule::kRowMajor, gather_band);
  return kDef;
}

const OpDef& GatherElements_def() {
  static constexpr OpDef kDef =
      movement(2, 2, infer_gather_elements, LayoutRule::kRowMajor, gather_elements_band);
  return kDef;
}

const OpDef& GatherND_def() {
  static constexpr OpDef kDef =
      movement(2, 2, infer_gather_nd, LayoutRule::kRowMajor, gather_nd_band);
  return kDef;
}

const OpDef& OneHot_def() {
  static constexpr OpDef kDef = movement(2, 2, infer_one_hot, LayoutRule::kRowMajor, one_hot_band);
  return kDef;
}

const OpDef& Pad_def() {
  static constexpr OpDef kDef = movement(1, 2, infer_pad, LayoutRule::kFollows, pad_band);
  return kDef;
}

const OpDef& Resize_def() {
  static constexpr OpDef kDef = [] {
    OpDef def = movement(1, 1, infer_resize, LayoutRule::kPrefersNhwc, resize_band);
    def.operations = resize_operations;
    return def;
  }();
  return kDef;
}

}  // namespace memopt
