// Operators that cut, join and rearrange without looking at index operands: concat to
// space_to_depth. movement_index.cc has those that gather, pad and resize.
#include <array>

#include "runtime/ops/infer_checks.h"
#include "runtime/ops/movement_band.h"

namespace memopt {
namespace {

Result<std::vector<TensorType>> infer_concat(const Op& op, InputTypes inputs) {
  const int64_t axis = std::get<Concat>(op).axis;
  const TensorType& first = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_axis(axis, first.dims.rank()));
  Dims dims = first.dims;
  int64_t& extent = dims[static_cast<int>(axis)];
  extent = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string name = "input " + std::to_string(i);
    if (inputs[i] == nullptr) return needed(name, "a tensor", "nothing");
    MEMOPT_RETURN_IF_ERROR(check_dtype(name, *inputs[i], first.dtype));
    Dims want = first.dims;
    if (inputs[i]->dims.rank() == want.rank()) {
      want[static_cast<int>(axis)] = inputs[i]->dims[static_cast<int>(axis)];
    }
    MEMOPT_RETURN_IF_ERROR(check_dims(name, inputs[i]->dims, want));
    const std::optional<int64_t> sum = checked_add(extent, want[static_cast<int>(axis)]);
    if (!sum) return needed(name, "a smaller extent", *inputs[i]);
    extent = *sum;
  }
  return row_major_result(first.dtype, dims);
}

std::optional<Box> concat_destination(const Op& op, InputTypes inputs, int input) {
  const int axis = static_cast<int>(std::get<Concat>(op).axis);
  Box box{.starts = Dims::filled(inputs[0]->dims.rank(), 0)};
  for (int i = 0; i < input; ++i) box.starts[axis] += inputs[static_cast<size_t>(i)]->dims[axis];
  return box;
}

Result<std::vector<TensorType>> infer_split(const Op& op, InputTypes inputs) {
  const auto& split = std::get<Split>(op);
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_axis(split.axis, x.dims.rank()));
  const int axis = static_cast<int>(split.axis);
  std::vector<TensorType> types;
  int64_t left = x.dims[axis];
  for (const int64_t size : split.sizes) {
    MEMOPT_RETURN_IF_ERROR(check_range("sizes", size, 0, left));
    left -= size;
    types.push_back({.dtype = x.dtype, .dims = x.dims});
    types.back().dims[axis] = size;
  }
  if (left != 0 || types.empty()) {
    return needed("sizes", "entries that sum to " + std::to_string(x.dims[axis]),
                  std::to_string(x.dims[axis] - left));
  }
  return types;
}

std::optional<Box> split_view(const Op& op, InputTypes inputs, int output) {
  const auto& split = std::get<Split>(op);
  Box box{.starts = Dims::filled(inputs[0]->dims.rank(), 0)};
  for (int i = 0; i < output; ++i) {
    box.starts[static_cast<int>(split.axis)] += split.sizes[static_cast<size_t>(i)];
  }
  return box;
}

Result<std::vector<TensorType>> infer_slice(const Op& op, InputTypes inputs) {
  const auto& slice = std::get<Slice>(op);
  const TensorType& x = *inputs[0];
  const int rank = x.dims.rank();
  MEMOPT_RETURN_IF_ERROR(check_entries("starts", slice.starts.size(), rank));
  MEMOPT_RETURN_IF_ERROR(check_entries("sizes", slice.sizes.size(), rank));
  MEMOPT_RETURN_IF_ERROR(check_entries("steps", slice.steps.size(), rank));
  for (int i = 0; i < rank; ++i) {
    const auto at = static_cast<size_t>(i);
    MEMOPT_RETURN_IF_ERROR(check_range("sizes", slice.sizes[at], 0, x.dims[i]));
    if (slice.steps[at] == 0) return needed("steps", "a number other than 0", "0");
    if (slice.sizes[at] == 0) continue;
    MEMOPT_RETURN_IF_ERROR(check_range("starts", slice.starts[at], 0, x.dims[i] - 1));
    const std::optional<int64_t> length = checked_mul(slice.sizes[at] - 1, slice.steps[at]);
    const std::optional<int64_t> last =
        length ? checked_add(slice.starts[at], *length) : std::nullopt;
    if (!last || *last < 0 || *last >= x.dims[i]) {
      return needed("steps", "a slice inside of the extent " + std::to_string(x.dims[i]),
                    std::to_string(slice.steps[at]));
    }
  }
  return row_major_result(x.dtype, Dims{std::span(slice.sizes)});
}

std::optional<Box> slice_view(const Op& op, InputTypes inputs, int) {
  const auto& slice = std::get<Slice>(op);
  Box box{.starts = Dims::filled(inputs[0]->dims.rank(), 0)};
  for (int i = 0; i < box.starts.rank(); ++i) {
    const auto at = static_cast<size_t>(i);
    if (slice.sizes[at] == 0) return std::nullopt;
    if (slice.steps[at] != 1 && slice.sizes[at] != 1) return std::nullopt;
    box.starts[i] = slice.starts[at];
  }
  return box;
}

Result<std::vector<TensorType>> infer_transpose(const Op& op, InputTypes inputs) {
  const auto& perm = std::get<Transpose>(op).perm;
  const TensorType& x = *inputs[0];
  const int rank = x.dims.rank();
  MEMOPT_RETURN_IF_ERROR(check_entries("perm", perm.size(), rank));
  std::array<bool, kMaxRank> used{};
  Dims dims;
  for (const int64_t axis : perm) {
    MEMOPT_RETURN_IF_ERROR(check_axis(axis, rank));
    if (used[static_cast<size_t>(axis)]) {
      return needed("perm", "every axis once", std::to_string(axis) + " twice");
    }
    used[static_cast<size_t>(axis)] = true;
    dims.push_back(x.dims[static_cast<int>(axis)]);
  }
  return row_major_result(x.dtype, dims);
}

Result<std::vector<TensorType>> infer_reshape(const Op& op, InputTypes inputs) {
  const TensorType& x = *inputs[0];
  MEMOPT_ASSIGN_OR_RETURN(const Dims dims, checked_dims("dims", std::get<Reshape>(op).dims));
  if (dims.count() != x.count()) {
    return needed("dims", std::to_string(x.count()) + " elements", to_string(dims));
  }
  return row_major_result(x.dtype, dims);
}

Result<std::vector<TensorType>> infer_expand(const Op& op, InputTypes inputs) {
  const TensorType& x = *inputs[0];
  MEMOPT_ASSIGN_OR_RETURN(const Dims dims, checked_dims("dims", std::get<Expand>(op).dims));
  if (broadcast(x.dims, dims) != dims) {
    return needed("dims", "a shape that " + to_string(x.dims) + " broadcasts to", to_string(dims));
  }
  return row_major_result(x.dtype, dims);
}

Result<std::vector<TensorType>> infer_tile(const Op& op, InputTypes inputs) {
  const auto& repeats = std::get<Tile>(op).repeats;
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_entries("repeats", repeats.size(), x.dims.rank()));
  Dims dims = x.dims;
  for (int i = 0; i < dims.rank(); ++i) {
    MEMOPT_RETURN_IF_ERROR(check_range("repeats", repeats[static_cast<size_t>(i)], 0));
    const std::optional<int64_t> extent = checked_mul(dims[i], repeats[static_cast<size_t>(i)]);
    if (!extent) return needed("repeats", "a smaller result", to_string(x));
    dims[i] = *extent;
  }
  return row_major_result(x.dtype, dims);
}

Status check_whole_bytes(const TensorType& x) {
  return dtype_bits(x.dtype) >= 8 ? Status() : needed("x", "elements of whole bytes", x);
}

Result<std::vector<TensorType>> infer_trilu(const Op& op, InputTypes inputs) {
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_whole_bytes(x));
  MEMOPT_RETURN_IF_ERROR(check_rank("x", x.dims, 2));
  MEMOPT_RETURN_IF_ERROR(check_range("k", std::get<Trilu>(op).k, -kMaxDim));
  return row_major_result(x.dtype, x.dims);
}

Result<std::vector<TensorType>> infer_reverse_sequence(const Op& op, InputTypes inputs) {
  const auto& reverse = std::get<ReverseSequence>(op);
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_whole_bytes(x));
  MEMOPT_RETURN_IF_ERROR(check_rank("x", x.dims, 2));
  MEMOPT_RETURN_IF_ERROR(check_range("batch_axis", reverse.batch_axis, 0, 1));
  MEMOPT_RETURN_IF_ERROR(
      check_range("time_axis", reverse.time_axis, 1 - reverse.batch_axis, 1 - reverse.batch_axis));
  MEMOPT_RETURN_IF_ERROR(check_type("lengths", *inputs[1], DType::kI64,
                                    {x.dims[static_cast<int>(reverse.batch_axis)]}));
  return row_major_result(x.dtype, x.dims);
}

constexpr int64_t kMaxBlock = 1 << 15;

Result<std::vector<TensorType>> infer_depth_to_space(const Op& op, InputTypes inputs) {
  const int64_t block = std::get<DepthToSpace>(op).block;
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_rank("x", x.dims, 4, 4));
  MEMOPT_RETURN_IF_ERROR(check_range("block", block, 1, kMaxBlock));
  if (x.dims[1] % (block * block) != 0) {
    return needed("channels", "a multiple of " + std::to_string(block * block), x);
  }
  return row_major_result(
      x.dtype, {x.dims[0], x.dims[1] / (block * block), x.dims[2] * block, x.dims[3] * block});
}

Result<std::vector<TensorType>> infer_space_to_depth(const Op& op, InputTypes inputs) {
  const int64_t block = std::get<SpaceToDepth>(op).block;
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_rank("x", x.dims, 4, 4));
  MEMOPT_RETURN_IF_ERROR(check_range("block", block, 1, kMaxBlock));
  if (x.dims[2] % block != 0 || x.dims[3] % block != 0) {
    return needed("height and width", "multiples of " + std::to_string(block), x);
  }
  return row_major_result(
      x.dtype, {x.dims[0], x.dims[1] * block * block, x.dims[2] / block, x.dims[3] / block});
}

Result<std::vector<TensorType>> infer_same(const Op&, InputTypes inputs) {
  return row_major_result(inputs[0]->dtype, inputs[0]->dims);
}

Result<std::vector<TensorType>> infer_reorder(const Op& op, InputTypes inputs) {
  const Layout to = std::get<Reorder>(op).to;
  if (to == Layout::kPacked) return needed("to", "a layout that every kernel knows", "packed");
  if (to == Layout::kChannelsLast) MEMOPT_RETURN_IF_ERROR(check_rank("x", inputs[0]->dims, 3));
  return infer_same(op, inputs);
}

Result<std::vector<TensorType>> infer_full(const Op& op, InputTypes inputs) {
  MEMOPT_RETURN_IF_ERROR(check_scalar("value", *inputs[0]));
  MEMOPT_ASSIGN_OR_RETURN(const Dims dims, checked_dims("dims", std::get<Full>(op).dims));
  return row_major_result(inputs[0]->dtype, dims);
}

constexpr OpDef movement(decltype(OpDef::infer) infer, LayoutRule layout,
                         decltype(OpDef::band) band) {
  OpDef def;
  def.infer = infer;
  def.layout = layout;
  def.band = band;
  def.operations = count_outputs;
  return def;
}

}  // namespace

const OpDef& Concat_def() {
  static constexpr OpDef kDef = [] {
    OpDef def = movement(infer_concat, LayoutRule::kFollows, concat_band);
    def.max_inputs = kUnlimited;
    def.destination = concat_destination;
    return def;
  }();
  return kDef;
}

const OpDef& Split_def() {
  static constexpr OpDef kDef = [] {
    OpDef def = movement(infer_split, LayoutRule::kFollows, split_band);
    def.required_results = 0;
    def.view = split_view;
    return def;
  }();
  return kDef;
}

const OpDef& Slice_def() {
  static constexpr OpDef kDef = [] {
    OpDef def = movement(infer_slice, LayoutRule::kFollows, slice_band);
    def.view = slice_view;
    return def;
  }();
  return kDef;
}

const OpDef& Transpose_def() {
  static constexpr OpDef kDef = [] {
    OpDef def = movement(infer_transpose, LayoutRule::kAny, transpose_band);
    def.permutation = [](const Op& op) {
      return std::span<const int64_t>(std::get<Transpose>(op).perm);
    };
    return def;
  }();
  return kDef;
}

const OpDef& Reshape_def() {
  static constexpr OpDef kDef = [] {
    OpDef def = movement(infer_reshape, LayoutRule::kRowMajor, reshape_band);
    def.reshapes = true;
    return def;
  }();
  return kDef;
}

const OpDef& Expand_def() {
  static constexpr OpDef kDef = movement(infer_expand, LayoutRule::kFollows, expand_band);
  return kDef;
}

const OpDef& Tile_def() {
  static constexpr OpDef kDef = movement(infer_tile, LayoutRule::kFollows, tile_band);
  return kDef;
}

const OpDef& Trilu_def() {
  static constexpr OpDef kDef = movement(infer_trilu, LayoutRule::kFollows, trilu_band);
  return kDef;
}

const OpDef& ReverseSequence_def() {
  static constexpr OpDef kDef = [] {
    OpDef def = movement(infer_reverse_sequence, LayoutRule::kFollows, reverse_sequence_band);
    def.min_inputs = def.max_inputs = 2;
    return def;
  }();
  return kDef;
}

const OpDef& DepthToSpace_def() {
  static constexpr OpDef kDef =
      movement(infer_depth_to_space, LayoutRule::kFollows, depth_to_space_band);
  return kDef;
}

const OpDef& SpaceToDepth_def() {
  static constexpr OpDef kDef =
      movement(infer_space_to_depth, LayoutRule::kFollows, space_to_depth_band);
  return kDef;
}

const OpDef& Identity_def() {
  static constexpr OpDef kDef = [] {
    OpDef def = movement(infer_same, LayoutRule::kFollows, same_band);
    def.reshapes = true;
    return def;
  }();
  return kDef;
}

const OpDef& Copy_def() {
  static constexpr OpDef kDef = movement(infer_same, LayoutRule::kFollows, same_band);
  return kDef;
}

const OpDef& Reorder_def() {
  static constexpr OpDef kDef = movement(infer_reorder, LayoutRule::kAny, same_band);
  return kDef;
}

const OpDef& Full_def() {
  static constexpr OpDef kDef = movement(infer_full, LayoutRule::kRowMajor, full_band);
  return kDef;
}

}  // namespace memopt
