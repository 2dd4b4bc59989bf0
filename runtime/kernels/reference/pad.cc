#include <algorithm>

#include "runtime/kernels/reference/copy.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt {
namespace {

int64_t positive_mod(int64_t value, int64_t modulus) {
  const int64_t rest = value % modulus;
  return rest < 0 ? rest + modulus : rest;
}

// Where the element at coordinate `at` (any integer) of the padded line comes from in [0, extent).
int64_t source_of(PadMode mode, int64_t at, int64_t extent) {
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

// The part of y that x lands on, in y's coordinates; empty where everything is cropped.
struct Interior {
  Dims begin, size;
};
Interior interior_of(const Pad& op, const Tensor& x, const Tensor& y) {
  Interior inside{Dims::filled(y.rank(), 0), Dims::filled(y.rank(), 0)};
  for (int i = 0; i < y.rank(); ++i) {
    const int64_t shift = op.pads[static_cast<size_t>(i)];
    inside.begin[i] = std::clamp<int64_t>(shift, 0, y.dims[i]);
    inside.size[i] = std::clamp<int64_t>(shift + x.dims[i], 0, y.dims[i]) - inside.begin[i];
    inside.size[i] = std::max<int64_t>(inside.size[i], 0);
  }
  return inside;
}

void copy_interior(const Pad& op, const Interior& inside, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  Place from = place_of(x);
  for (int i = 0; i < y.rank(); ++i) {
    from.offset += (inside.begin[i] - op.pads[static_cast<size_t>(i)]) * x.strides[i];
  }
  copy_box(x.dtype, inside.size, from, {y.data, offset_of(inside.begin, y.strides), y.strides},
           context.parallel);
}

void fill(const RunContext& context) {
  static constexpr uint64_t kZero[2] = {};
  const Tensor& y = context.outputs[0];
  const bool given = context.inputs.size() > 1 && context.inputs[1].data != nullptr;
  void* const value = given ? context.inputs[1].data : const_cast<uint64_t*>(kZero);
  copy_box(y.dtype, y.dims, {value, 0, Dims::filled(y.rank(), 0)}, place_of(y), context.parallel);
}

// Every line of y along its last axis is a line of x, its middle moved in one piece.
void repeat_border(const Pad& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const auto source = [&](int axis, int64_t at) {
    return source_of(op.mode, at - op.pads[static_cast<size_t>(axis)], x.dims[axis]) *
           x.strides[axis];
  };
  const int last = y.rank() - 1;
  const Interior inside = interior_of(op, x, y);
  const int64_t middle = inside.begin[last];
  const int64_t middle_end = middle + inside.size[last];
  Dims lines = y.dims;
  lines[last] = 1;
  Parallel* const parallel = dtype_bits(x.dtype) >= 8 ? context.parallel : nullptr;
  const int64_t grain = std::max<int64_t>(kChunkElements / y.dims[last], 1);
  for_each_range(parallel, lines.count(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) {
      int64_t from = 0;
      int64_t to = 0;
      int64_t rest = line;
      for (int i = last - 1; i >= 0; --i) {
        from += source(i, rest % y.dims[i]);
        to += rest % y.dims[i] * y.strides[i];
        rest /= y.dims[i];
      }
      const auto move = [&](int64_t at, int64_t n) {
        copy_box(x.dtype, {n}, {x.data, from + source(last, at), {x.strides[last]}},
                 {y.data, to + at * y.strides[last], {y.strides[last]}}, nullptr);
      };
      for (int64_t at = 0; at < middle; ++at) move(at, 1);
      move(middle, middle_end - middle);
      for (int64_t at = middle_end; at < y.dims[last]; ++at) move(at, 1);
    }
  });
}

Status run_pad(const Pad& op, const RunContext& context) {
  if (context.outputs[0].count() == 0) return {};
  if (op.mode != PadMode::kConstant && context.outputs[0].rank() > 0) {
    repeat_border(op, context);
    return {};
  }
  fill(context);
  copy_interior(op, interior_of(op, context.inputs[0], context.outputs[0]), context);
  return {};
}

}  // namespace

const KernelDef* Pad_reference() {
  static constexpr KernelDef kDef = reference_def<Pad, run_pad>();
  return &kDef;
}

}  // namespace memopt
