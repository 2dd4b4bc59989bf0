// Gathers. Indices are values of the run, so they are checked there, all of them before the first
// element moves.
#include "runtime/kernels/reference/copy.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt {
namespace {

// `index` in [-extent, extent) counted from the start; checked before.
int64_t from_start(int64_t index, int64_t extent) { return index < 0 ? index + extent : index; }

Status check_index(int64_t index, int64_t extent) {
  if (index >= -extent && index < extent) return {};
  return bad_input("index " + std::to_string(index) + " is out of range for an extent of " +
                   std::to_string(extent));
}

// All indices, into an extent that `extent_of` gives for their coordinates.
template <typename F>
Status check_indices(const Tensor& indices, F&& extent_of) {
  Status status;
  for_each_coordinate(indices.dims, [&](const Dims& at) {
    if (!status.ok()) return;
    const int64_t index = load_int(indices.dtype, indices.data, offset_of(at, indices.strides));
    status = check_index(index, extent_of(at));
  });
  return status;
}

Dims slice_dims(const Dims& dims, int begin, int end) {
  Dims part;
  for (int i = begin; i < end; ++i) part.push_back(dims[i]);
  return part;
}

Dims without(const Dims& dims, int begin, int end) {
  Dims rest = slice_dims(dims, 0, begin);
  for (int i = end; i < dims.rank(); ++i) rest.push_back(dims[i]);
  return rest;
}

// Whole bytes may be written by several threads; packed elements may share one.
Parallel* parallel_for(DType dtype, Parallel* parallel) {
  return dtype_bits(dtype) >= 8 ? parallel : nullptr;
}

// Calls body(index, offset of the destination) for every index, where `strides` are those of the
// index dimensions in the output; about kChunkElements of `slab` elements a piece.
template <typename F>
void for_each_index(const Tensor& indices, const Dims& strides, int64_t slab, Parallel* parallel,
                    F&& body) {
  const Walk<2> walk(indices.dims, {strides, indices.strides});
  const auto [dy, di] = walk.steps();
  const int64_t grain = std::max<int64_t>(kChunkElements / std::max<int64_t>(slab, 1), 1);
  for_each_range(parallel, walk.count(), grain, [&, dy = dy, di = di](int64_t begin, int64_t end) {
    walk.visit(begin, end, [&](const auto& at, int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        body(load_int(indices.dtype, indices.data, at[1] + i * di), at[0] + i * dy);
      }
    });
  });
}

Status run_gather(const Gather& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& indices = context.inputs[1];
  const Tensor& y = context.outputs[0];
  const int axis = static_cast<int>(op.axis);
  const int end = axis + indices.rank();
  const int64_t extent = x.dims[axis];
  MEMOPT_RETURN_IF_ERROR(check_indices(indices, [&](const Dims&) { return extent; }));
  const Dims slab = without(x.dims, axis, axis + 1);
  const Dims from = without(x.strides, axis, axis + 1);
  const Dims to = without(y.strides, axis, end);
  if (slab.count() == 0) return {};
  for_each_index(indices, slice_dims(y.strides, axis, end), slab.count(),
                 parallel_for(x.dtype, context.parallel), [&](int64_t index, int64_t offset) {
                   copy_box(x.dtype, slab,
                            {x.data, from_start(index, extent) * x.strides[axis], from},
                            {y.data, offset, to}, nullptr);
                 });
  return {};
}

Status run_gather_elements(const GatherElements& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& indices = context.inputs[1];
  const Tensor& y = context.outputs[0];
  const int axis = static_cast<int>(op.axis);
  const int64_t extent = x.dims[axis];
  MEMOPT_RETURN_IF_ERROR(check_indices(indices, [&](const Dims&) { return extent; }));
  Dims others = x.strides;
  others[axis] = 0;
  if (dtype_bits(x.dtype) < 8) {
    for_each_coordinate(indices.dims, [&](const Dims& at) {
      const int64_t index =
          from_start(load_int(indices.dtype, indices.data, offset_of(at, indices.strides)), extent);
      store_bits(y.dtype, y.data, offset_of(at, y.strides),
                 load_bits(x.dtype, x.data, offset_of(at, others) + index * x.strides[axis]));
    });
    return {};
  }
  const Walk<3> walk(indices.dims, {y.strides, indices.strides, others});
  const auto& steps = walk.steps();
  return dispatch_width(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    walk.visit_all(context.parallel, [&](const auto& at, int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        const int64_t index = load_int(indices.dtype, indices.data, at[1] + i * steps[1]);
        y.as<T>()[at[0] + i * steps[0]] =
            x.as<T>()[at[2] + i * steps[2] + from_start(index, extent) * x.strides[axis]];
      }
    });
    return Status();
  });
}

Status run_gather_nd(const GatherND& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& indices = context.inputs[1];
  const Tensor& y = context.outputs[0];
  const int batch = static_cast<int>(op.batch_dims);
  const int last = indices.rank() - 1;
  const int depth = static_cast<int>(indices.dims[last]);
  MEMOPT_RETURN_IF_ERROR(check_indices(
      indices, [&](const Dims& at) { return x.dims[batch + static_cast<int>(at[last])]; }));
  const Dims slab = slice_dims(x.dims, batch + depth, x.rank());
  const Dims from = slice_dims(x.strides, batch + depth, x.rank());
  const Dims to = slice_dims(y.strides, last, y.rank());
  if (slab.count() == 0) return {};
  for_each_coordinate(slice_dims(indices.dims, 0, last), [&](const Dims& at) {
    int64_t source = 0;
    for (int i = 0; i < batch; ++i) source += at[i] * x.strides[i];
    const int64_t tuple = offset_of(at, indices.strides);
    for (int i = 0; i < depth; ++i) {
      const int64_t index =
          load_int(indices.dtype, indices.data, tuple + i * indices.strides[last]);
      source += from_start(index, x.dims[batch + i]) * x.strides[batch + i];
    }
    copy_box(x.dtype, slab, {x.data, source, from}, {y.data, offset_of(at, y.strides), to},
             context.parallel);
  });
  return {};
}

}  // namespace

const KernelDef* Gather_reference() {
  static constexpr KernelDef kDef = reference_def<Gather, run_gather>();
  return &kDef;
}

const KernelDef* GatherElements_reference() {
  static constexpr KernelDef kDef = reference_def<GatherElements, run_gather_elements>();
  return &kDef;
}

const KernelDef* GatherND_reference() {
  static constexpr KernelDef kDef = reference_def<GatherND, run_gather_nd>();
  return &kDef;
}

}  // namespace memopt
