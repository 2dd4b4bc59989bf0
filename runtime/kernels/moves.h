// The operators that only move elements, as copies of boxes: where each box comes from and goes to.
// How a box is copied is the template parameter, so that the reference kernels and the fast ones
// differ in nothing else.
#pragma once

#include <algorithm>

#include "runtime/kernels/element.h"
#include "runtime/kernels/kernel.h"
#include "runtime/kernels/reference/copy.h"
#include "runtime/kernels/strided.h"

namespace memopt {

// Copies the `dims` elements at `from` to `to`; the contract of copy_box (reference/copy.h).
using CopyFn = void (*)(DType dtype, const Dims& dims, const Place& from, const Place& to,
                        Parallel* parallel);

template <CopyFn kCopy>
struct Moves {
  static Status concat(const Concat& op, const RunContext& context);
  static Status split(const Split& op, const RunContext& context);
  static Status slice(const Slice& op, const RunContext& context);
  static Status transpose(const Transpose& op, const RunContext& context);
  static Status tile(const Tile& op, const RunContext& context);
  static Status depth_to_space(const DepthToSpace& op, const RunContext& context);
  static Status space_to_depth(const SpaceToDepth& op, const RunContext& context);
  static Status full(const Full& op, const RunContext& context);
  static Status pad(const Pad& op, const RunContext& context);
  // Identity, reorder and expand: the same coordinates elsewhere, dimensions of 1 repeated.
  template <typename S>
  static Status broadcast(const S& op, const RunContext& context);

 private:
  static void copy_blocks(const Tensor& deep, const Tensor& wide, DepthToSpaceMode mode,
                          int64_t block, bool to_wide, Parallel* parallel);
  static void pad_with_value(const Pad& op, const RunContext& context);
  static void pad_with_elements(const Pad& op, const RunContext& context);
};

template <CopyFn kCopy>
Status Moves<kCopy>::concat(const Concat& op, const RunContext& context) {
  const Tensor& y = context.outputs[0];
  const int axis = static_cast<int>(op.axis);
  Place to = place_of(y);
  for (const Tensor& x : context.inputs) {
    kCopy(y.dtype, x.dims, place_of(x), to, context.parallel);
    to.offset += x.dims[axis] * y.strides[axis];
  }
  return {};
}

template <CopyFn kCopy>
Status Moves<kCopy>::split(const Split& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const int axis = static_cast<int>(op.axis);
  Place from = place_of(x);
  for (size_t i = 0; i < context.outputs.size(); ++i) {
    const Tensor& y = context.outputs[i];
    if (y.data != nullptr) kCopy(x.dtype, y.dims, from, place_of(y), context.parallel);
    from.offset += op.sizes[i] * x.strides[axis];
  }
  return {};
}

template <CopyFn kCopy>
Status Moves<kCopy>::slice(const Slice& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  Place from = place_of(x);
  for (int i = 0; i < x.rank(); ++i) {
    from.offset += op.starts[static_cast<size_t>(i)] * x.strides[i];
    from.strides[i] = op.steps[static_cast<size_t>(i)] * x.strides[i];
  }
  kCopy(x.dtype, y.dims, from, place_of(y), context.parallel);
  return {};
}

template <CopyFn kCopy>
Status Moves<kCopy>::transpose(const Transpose& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  Place from = place_of(x);
  for (int i = 0; i < y.rank(); ++i) {
    from.strides[i] = x.strides[static_cast<int>(op.perm[static_cast<size_t>(i)])];
  }
  kCopy(x.dtype, y.dims, from, place_of(y), context.parallel);
  return {};
}

template <CopyFn kCopy>
template <typename S>
Status Moves<kCopy>::broadcast(const S&, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const Place from{x.data, 0, broadcast_strides(x.dims, x.strides, y.dims)};
  kCopy(x.dtype, y.dims, from, place_of(y), context.parallel);
  return {};
}

template <CopyFn kCopy>
Status Moves<kCopy>::tile(const Tile& op, const RunContext& context) {
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
    kCopy(x.dtype, box, from, to, context.parallel);
  });
  return {};
}

// Copies between `deep` (N, C b b, H, W) and `wide` (N, C, H b, W b): pixel (i, j) of every block
// of the wide one is a range of channels of the deep one.
template <CopyFn kCopy>
void Moves<kCopy>::copy_blocks(const Tensor& deep, const Tensor& wide, DepthToSpaceMode mode,
                               int64_t block, bool to_wide, Parallel* parallel) {
  const int64_t channels = wide.dims[1];
  const bool depth_first = mode == DepthToSpaceMode::kDepthColumnRow;
  const Dims box{deep.dims[0], channels, deep.dims[2], deep.dims[3]};
  for (int64_t i = 0; i < block; ++i) {
    for (int64_t j = 0; j < block; ++j) {
      Place small = place_of(deep);
      small.offset = (i * block + j) * (depth_first ? channels : 1) * deep.strides[1];
      small.strides[1] *= depth_first ? 1 : block * block;
      Place large = place_of(wide);
      large.offset = i * wide.strides[2] + j * wide.strides[3];
      large.strides[2] *= block;
      large.strides[3] *= block;
      kCopy(deep.dtype, box, to_wide ? small : large, to_wide ? large : small, parallel);
    }
  }
}

template <CopyFn kCopy>
Status Moves<kCopy>::depth_to_space(const DepthToSpace& op, const RunContext& context) {
  copy_blocks(context.inputs[0], context.outputs[0], op.mode, op.block, true, context.parallel);
  return {};
}

template <CopyFn kCopy>
Status Moves<kCopy>::space_to_depth(const SpaceToDepth& op, const RunContext& context) {
  copy_blocks(context.outputs[0], context.inputs[0], DepthToSpaceMode::kDepthColumnRow, op.block,
              false, context.parallel);
  return {};
}

template <CopyFn kCopy>
Status Moves<kCopy>::full(const Full&, const RunContext& context) {
  const Tensor& y = context.outputs[0];
  const Place from{context.inputs[0].data, 0, Dims::filled(y.rank(), 0)};
  kCopy(y.dtype, y.dims, from, place_of(y), context.parallel);
  return {};
}

// ---- pad ----

// Where the element at coordinate `at` (any integer) of the padded line comes from in [0, extent).
inline int64_t pad_source(PadMode mode, int64_t at, int64_t extent) {
  const auto positive_mod = [](int64_t value, int64_t modulus) {
    const int64_t rest = value % modulus;
    return rest < 0 ? rest + modulus : rest;
  };
  switch (mode) {
    case PadMode::kConstant:
    case PadMode::kEdge:
      return std::clamp<int64_t>(at, 0, extent - 1);
    case PadMode::kWrap:
      return positive_mod(at, extent);
    case PadMode::kReflect: {  // the edge itself is not repeated
      if (extent == 1) return 0;
      const int64_t period = 2 * (extent - 1);
      const int64_t phase = positive_mod(at, period);
      return phase < extent ? phase : period - phase;
    }
  }
  return 0;
}

// The part of y's `axis` that x lands on: [begin, end), empty where all of it is cropped.
struct PadInterior {
  int64_t begin, end;
};
inline PadInterior pad_interior(const Pad& op, const Tensor& x, const Tensor& y, int axis) {
  const int64_t shift = op.pads[static_cast<size_t>(axis)];
  const int64_t begin = std::clamp<int64_t>(shift, 0, y.dims[axis]);
  return {begin, std::clamp<int64_t>(shift + x.dims[axis], begin, y.dims[axis])};
}

template <CopyFn kCopy>
void Moves<kCopy>::pad_with_value(const Pad& op, const RunContext& context) {
  static constexpr uint64_t kZero[2] = {};
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const bool given = context.inputs.size() > 1 && context.inputs[1].data != nullptr;
  void* const value = given ? context.inputs[1].data : const_cast<uint64_t*>(kZero);
  const Place repeated{value, 0, Dims::filled(y.rank(), 0)};
  // Axis by axis: what lies before and behind x there, across what is left of the axes before.
  Dims size = y.dims;
  Place to = place_of(y);
  Place from = place_of(x);
  for (int i = 0; i < y.rank(); ++i) {
    const PadInterior inside = pad_interior(op, x, y, i);
    size[i] = inside.begin;
    kCopy(y.dtype, size, repeated, to, context.parallel);
    size[i] = y.dims[i] - inside.end;
    Place behind = to;
    behind.offset += inside.end * y.strides[i];
    kCopy(y.dtype, size, repeated, behind, context.parallel);
    size[i] = inside.end - inside.begin;
    to.offset += inside.begin * y.strides[i];
    from.offset += (inside.begin - op.pads[static_cast<size_t>(i)]) * x.strides[i];
  }
  kCopy(x.dtype, size, from, to, context.parallel);
}

// Every line of y is a line of x, its middle moved in one piece.
template <CopyFn kCopy>
void Moves<kCopy>::pad_with_elements(const Pad& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const auto source = [&](int axis, int64_t at) {
    return pad_source(op.mode, at - op.pads[static_cast<size_t>(axis)], x.dims[axis]) *
           x.strides[axis];
  };
  int inner = y.rank() - 1;  // lines run along the axis that is innermost in memory
  for (int i = 0; i < y.rank(); ++i) {
    if (y.dims[i] > 1 && (y.dims[inner] == 1 || y.strides[i] < y.strides[inner])) inner = i;
  }
  const PadInterior inside = pad_interior(op, x, y, inner);
  Dims lines = y.dims;
  lines[inner] = 1;
  // Packed elements share bytes, so their lines cannot be written by several threads.
  Parallel* const parallel = dtype_bits(x.dtype) >= 8 ? context.parallel : nullptr;
  const int64_t grain = std::max<int64_t>(kChunkElements / y.dims[inner], 1);
  for_each_range(parallel, lines.count(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) {
      int64_t from = 0;
      int64_t to = 0;
      int64_t rest = line;
      for (int i = y.rank() - 1; i >= 0; --i) {
        if (i == inner) continue;
        from += source(i, rest % y.dims[i]);
        to += rest % y.dims[i] * y.strides[i];
        rest /= y.dims[i];
      }
      const auto move = [&](int64_t at, int64_t n) {
        kCopy(x.dtype, {n}, {x.data, from + source(inner, at), {x.strides[inner]}},
              {y.data, to + at * y.strides[inner], {y.strides[inner]}}, nullptr);
      };
      for (int64_t at = 0; at < inside.begin; ++at) move(at, 1);
      move(inside.begin, inside.end - inside.begin);
      for (int64_t at = inside.end; at < y.dims[inner]; ++at) move(at, 1);
    }
  });
}

template <CopyFn kCopy>
Status Moves<kCopy>::pad(const Pad& op, const RunContext& context) {
  if (context.outputs[0].count() == 0) return {};
  if (op.mode == PadMode::kConstant || context.outputs[0].rank() == 0) {
    pad_with_value(op, context);
  } else {
    pad_with_elements(op, context);
  }
  return {};
}

}  // namespace memopt
