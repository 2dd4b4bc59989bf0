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

// Row by row of every matrix: what is kept, and zeros before or behind it.
Status run_trilu(const Trilu& op, const RunContext& context) {
  static constexpr uint64_t kZero[2] = {};
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const int rows = x.rank() - 2, columns = x.rank() - 1;
  const int64_t width = x.dims[columns];
  Dims line = x.dims;  // this row of every matrix
  line[rows] = 1;
  for (int64_t row = 0; row < x.dims[rows]; ++row) {
    const auto for_columns = [&](int64_t begin, int64_t end, Place from) {
      line[columns] = end - begin;
      from.offset += row * from.strides[rows] + begin * from.strides[columns];
      Place to = place_of(y);
      to.offset = row * y.strides[rows] + begin * y.strides[columns];
      copy_box(x.dtype, line, from, to, context.parallel);
    };
    const Place zeros{const_cast<uint64_t*>(kZero), 0, Dims::filled(x.rank(), 0)};
    const int64_t edge = std::clamp<int64_t>(row + op.k + (op.upper ? 0 : 1), 0, width);
    for_columns(0, edge, op.upper ? zeros : place_of(x));
    for_columns(edge, width, op.upper ? place_of(x) : zeros);
  }
  return {};
}

}  // namespace

const KernelDef* Trilu_reference() {
  static constexpr KernelDef kDef = reference_def<Trilu, run_trilu>(same_elements);
  return &kDef;
}

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
