// Operators that move elements: moves.h with the plain copy.
#include "runtime/kernels/moves.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt {
namespace {

using Plain = Moves<copy_box>;

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

}  // namespace

const KernelDef* Concat_reference() {
  static constexpr KernelDef kDef = reference_def<Concat, Plain::concat>();
  return &kDef;
}

const KernelDef* Split_reference() {
  static constexpr KernelDef kDef = reference_def<Split, Plain::split>();
  return &kDef;
}

const KernelDef* Pad_reference() {
  static constexpr KernelDef kDef = reference_def<Pad, Plain::pad>();
  return &kDef;
}

const KernelDef* Slice_reference() {
  static constexpr KernelDef kDef = reference_def<Slice, Plain::slice>();
  return &kDef;
}

const KernelDef* Transpose_reference() {
  static constexpr KernelDef kDef = reference_def<Transpose, Plain::transpose>();
  return &kDef;
}

const KernelDef* Reshape_reference() {
  static constexpr KernelDef kDef = reference_def<Reshape, run_reshape>();
  return &kDef;
}

const KernelDef* Expand_reference() {
  static constexpr KernelDef kDef = reference_def<Expand, Plain::broadcast<Expand>>(same_elements);
  return &kDef;
}

const KernelDef* Tile_reference() {
  static constexpr KernelDef kDef = reference_def<Tile, Plain::tile>();
  return &kDef;
}

const KernelDef* DepthToSpace_reference() {
  static constexpr KernelDef kDef = reference_def<DepthToSpace, Plain::depth_to_space>();
  return &kDef;
}

const KernelDef* SpaceToDepth_reference() {
  static constexpr KernelDef kDef = reference_def<SpaceToDepth, Plain::space_to_depth>();
  return &kDef;
}

const KernelDef* Identity_reference() {
  static constexpr KernelDef kDef =
      reference_def<Identity, Plain::broadcast<Identity>>(same_elements);
  return &kDef;
}

const KernelDef* Copy_reference() {
  static constexpr KernelDef kDef = reference_def<Copy, Plain::broadcast<Copy>>(same_elements);
  return &kDef;
}

const KernelDef* Reorder_reference() {
  static constexpr KernelDef kDef =
      reference_def<Reorder, Plain::broadcast<Reorder>>(same_elements);
  return &kDef;
}

const KernelDef* Full_reference() {
  static constexpr KernelDef kDef = reference_def<Full, Plain::full>();
  return &kDef;
}

}  // namespace memopt
