// Gathers, and the operators that an index operand steers element by element.
#include "runtime/kernels/lanes.h"
#include "runtime/kernels/reference/copy.h"
#include "runtime/kernels/reference/indices.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt {
namespace {

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

// The index of every lane of the result, counted from the start; -1 where it names nothing.
template <typename I>
int64_t hot_index(I index, int64_t depth) {
  const auto value = static_cast<double>(load(index));
  const double from = value < 0 ? value + static_cast<double>(depth) : value;
  const bool names = from >= 0 && from < static_cast<double>(depth) && from == std::floor(from);
  return names ? static_cast<int64_t>(from) : -1;
}

// Everything is off; then one element per index is on.
Status run_one_hot(const OneHot& op, const RunContext& context) {
  const Tensor& indices = context.inputs[0];
  const Tensor& values = context.inputs[1];
  const Tensor& y = context.outputs[0];
  const int axis = static_cast<int>(op.axis);
  copy_box(y.dtype, y.dims, {values.data, 0, Dims::filled(y.rank(), 0)}, place_of(y),
           context.parallel);
  const Walk<2> walk(indices.dims, {without(y.strides, axis, axis + 1), indices.strides});
  const auto [dy, di] = walk.steps();
  return dispatch_width(y.dtype, [&, dy = dy, di = di](auto value_tag) {
    using T = typename decltype(value_tag)::type;
    const T on = values.as<T>()[values.strides[0]];
    return dispatch_number(indices.dtype, [&](auto index_tag) {
      using I = typename decltype(index_tag)::type;
      walk.visit_all(context.parallel, [&](const auto& at, int64_t n) {
        for (int64_t i = 0; i < n; ++i) {
          const int64_t hot = hot_index(indices.as<I>()[at[1] + i * di], op.depth);
          if (hot >= 0) y.as<T>()[at[0] + i * dy + hot * y.strides[axis]] = on;
        }
      });
      return Status();
    });
  });
}

Status check_lengths(const Tensor& lengths, int64_t extent) {
  for (int64_t b = 0; b < lengths.count(); ++b) {
    const int64_t length = lengths.as<int64_t>()[b * lengths.strides[0]];
    if (length < 0 || length > extent) {
      return bad_input("length " + std::to_string(length) + " is out of range for an extent of " +
                       std::to_string(extent));
    }
  }
  return {};
}

Status run_reverse_sequence(const ReverseSequence& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& lengths = context.inputs[1];
  const Tensor& y = context.outputs[0];
  const int batch = static_cast<int>(op.batch_axis);
  const int time = static_cast<int>(op.time_axis);
  const int64_t extent = x.dims[time];
  MEMOPT_RETURN_IF_ERROR(check_lengths(lengths, extent));
  Dims box = x.dims;
  box[batch] = 1;
  for (int64_t b = 0; b < x.dims[batch]; ++b) {
    const int64_t length = lengths.as<int64_t>()[b * lengths.strides[0]];
    Place from{x.data, b * x.strides[batch], x.strides};
    Place to{y.data, b * y.strides[batch], y.strides};
    box[time] = extent - length;
    from.offset += length * x.strides[time];
    to.offset += length * y.strides[time];
    copy_box(x.dtype, box, from, to, context.parallel);
    if (length == 0) continue;
    box[time] = length;
    from.offset -= x.strides[time];  // the last of those in reverse
    from.strides[time] = -x.strides[time];
    to.offset -= length * y.strides[time];
    copy_box(x.dtype, box, from, to, context.parallel);
  }
  return {};
}

}  // namespace

const KernelDef* OneHot_reference() {
  static constexpr KernelDef kDef = reference_def<OneHot, run_one_hot>();
  return &kDef;
}

const KernelDef* ReverseSequence_reference() {
  static constexpr KernelDef kDef = reference_def<ReverseSequence, run_reverse_sequence>();
  return &kDef;
}

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
