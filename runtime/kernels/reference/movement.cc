// Operators that are one or a few strided copies.
#include "runtime/kernels/reference/copy.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt {
namespace {

Status run_concat(const Concat& op, const RunContext& context) {
  const Tensor& y = context.outputs[0];
  const int axis = static_cast<int>(op.axis);
  Place to = place_of(y);
  for (const Tensor& x : context.inputs) {
    copy_box(y.dtype, x.dims, place_of(x), to, context.parallel);
    to.offset += x.dims[axis] * y.strides[axis];
  }
  return {};
}

Status run_split(const Split& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const int axis = static_cast<int>(op.axis);
  Place from = place_of(x);
  for (size_t i = 0; i < context.outputs.size(); ++i) {
    const Tensor& y = context.outputs[i];
    if (y.data != nullptr) {
      copy_box(x.dtype, y.dims, from, place_of(y), context.parallel);
    }
    from.offset += op.sizes[i] * x.strides[axis];
  }
  return {};
}

Status run_slice(const Slice& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  Place from = place_of(x);
  for (int i = 0; i < x.rank(); ++i) {
    from.offset += op.starts[static_cast<size_t>(i)] * x.strides[i];
    from.strides[i] = op.steps[static_cast<size_t>(i)] * x.strides[i];
  }
  copy_box(x.dtype, y.dims, from, place_of(y), context.parallel);
  return {};
}

Status run_transpose(const Transpose& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  Place from = place_of(x);
  for (int i = 0; i < y.rank(); ++i) {
    from.strides[i] = x.strides[static_cast<int>(op.perm[static_cast<size_t>(i)])];
  }
  copy_box(x.dtype, y.dims, from, place_of(y), context.parallel);
  return {};
}

// Identity, reorder and expand: the same coordinates elsewhere, dimensions of 1 repeated.
template <typename S>
Status run_copy(const S&, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const Place from{x.data, 0, broadcast_strides(x.dims, x.strides, y.dims)};
  copy_box(x.dtype, y.dims, from, place_of(y), context.parallel);
  return {};
}

Status run_reshape(const Reshape&, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  if (is_dense(y.dims, y.strides, Layout::kRowMajor)) {
    copy_box(x.dtype, x.dims, place_of(x), {y.data, 0, row_major_strides(x.dims)},
             context.parallel);
    return {};
  }
  if (is_dense(x.dims, x.strides, Layout::kRowMajor)) {
    copy_box(x.dtype, y.dims, {x.data, 0, row_major_strides(y.dims)}, place_of(y),
             context.parallel);
    return {};
  }
  // Both strided: element by element in row-major order.
  const Dims x_order = row_major_strides(x.dims);
  int64_t index = 0;
  for_each_coordinate(y.dims, [&](const Dims& at) {
    int64_t rest = index++;
    int64_t from = 0;
    for (int i = 0; i < x.rank(); ++i) {
      from += rest / x_order[i] * x.strides[i];
      rest %= x_order[i];
    }
    copy_box(x.dtype, {}, {x.data, from, {}}, {y.data, offset_of(at, y.strides), {}}, nullptr);
  });
  return {};
}

Status run_tile(const Tile& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  if (y.count() == 0) return {};
  // Dimensions of 1 are repeated by one broadcasting copy, the others by a copy per repetition.
  Dims repeats = Dims::filled(x.rank(), 1);
  Dims box = x.dims;
  for (int i = 0; i < x.rank(); ++i) {
    (x.dims[i] == 1 ? box : repeats)[i] = op.repeats[static_cast<size_t>(i)];
  }
  const Place from{x.data, 0, broadcast_strides(x.dims, x.strides, box)};
  for_each_coordinate(repeats, [&](const Dims& at) {
    Place to = place_of(y);
    for (int i = 0; i < x.rank(); ++i) to.offset += at[i] * x.dims[i] * y.strides[i];
    copy_box(x.dtype, box, from, to, context.parallel);
  });
  return {};
}

// Pixel (i, j) of every block of the large image is a range of channels of the small one, whose
// first channel and distance between channels this gives.
struct ChannelRange {
  int64_t first, step;
};
ChannelRange channels_of(DepthToSpaceMode mode, int64_t block, int64_t channels, int64_t i,
                         int64_t j) {
  if (mode == DepthToSpaceMode::kDepthColumnRow) return {(i * block + j) * channels, 1};
  return {i * block + j, block * block};
}

// Copies between `deep` (N, C b b, H, W) and `wide` (N, C, H b, W b).
void copy_blocks(const Tensor& deep, const Tensor& wide, DepthToSpaceMode mode, int64_t block,
                 bool to_wide, Parallel* parallel) {
  const Dims box{deep.dims[0], wide.dims[1], deep.dims[2], deep.dims[3]};
  for (int64_t i = 0; i < block; ++i) {
    for (int64_t j = 0; j < block; ++j) {
      const ChannelRange range = channels_of(mode, block, wide.dims[1], i, j);
      Place small = place_of(deep);
      small.offset = range.first * deep.strides[1];
      small.strides[1] *= range.step;
      Place large = place_of(wide);
      large.offset = i * wide.strides[2] + j * wide.strides[3];
      large.strides[2] *= block;
      large.strides[3] *= block;
      copy_box(deep.dtype, box, to_wide ? small : large, to_wide ? large : small, parallel);
    }
  }
}

Status run_depth_to_space(const DepthToSpace& op, const RunContext& context) {
  copy_blocks(context.inputs[0], context.outputs[0], op.mode, op.block, true, context.parallel);
  return {};
}

Status run_space_to_depth(const SpaceToDepth& op, const RunContext& context) {
  copy_blocks(context.outputs[0], context.inputs[0], DepthToSpaceMode::kDepthColumnRow, op.block,
              false, context.parallel);
  return {};
}

Status run_full(const Full&, const RunContext& context) {
  const Tensor& y = context.outputs[0];
  const Place from{context.inputs[0].data, 0, Dims::filled(y.rank(), 0)};
  copy_box(y.dtype, y.dims, from, place_of(y), context.parallel);
  return {};
}

}  // namespace

const KernelDef* Concat_reference() {
  static constexpr KernelDef kDef = reference_def<Concat, run_concat>();
  return &kDef;
}

const KernelDef* Split_reference() {
  static constexpr KernelDef kDef = reference_def<Split, run_split>();
  return &kDef;
}

const KernelDef* Slice_reference() {
  static constexpr KernelDef kDef = reference_def<Slice, run_slice>();
  return &kDef;
}

const KernelDef* Transpose_reference() {
  static constexpr KernelDef kDef = reference_def<Transpose, run_transpose>();
  return &kDef;
}

const KernelDef* Reshape_reference() {
  static constexpr KernelDef kDef = reference_def<Reshape, run_reshape>();
  return &kDef;
}

const KernelDef* Expand_reference() {
  static constexpr KernelDef kDef = reference_def<Expand, run_copy<Expand>>(same_elements);
  return &kDef;
}

const KernelDef* Tile_reference() {
  static constexpr KernelDef kDef = reference_def<Tile, run_tile>();
  return &kDef;
}

const KernelDef* DepthToSpace_reference() {
  static constexpr KernelDef kDef = reference_def<DepthToSpace, run_depth_to_space>();
  return &kDef;
}

const KernelDef* SpaceToDepth_reference() {
  static constexpr KernelDef kDef = reference_def<SpaceToDepth, run_space_to_depth>();
  return &kDef;
}

const KernelDef* Identity_reference() {
  static constexpr KernelDef kDef = reference_def<Identity, run_copy<Identity>>(same_elements);
  return &kDef;
}

const KernelDef* Reorder_reference() {
  static constexpr KernelDef kDef = reference_def<Reorder, run_copy<Reorder>>(same_elements);
  return &kDef;
}

const KernelDef* Full_reference() {
  static constexpr KernelDef kDef = reference_def<Full, run_full>();
  return &kDef;
}

}  // namespace memopt
