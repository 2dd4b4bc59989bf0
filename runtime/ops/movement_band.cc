#include "runtime/ops/movement_band.h"

#include <algorithm>
#include <bit>

#include "runtime/ops/band_rules.h"
#include "runtime/ops/window.h"

namespace memopt {

std::optional<OpBand> concat_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                  int axis, Interval rows) {
  if (axis == std::get<Concat>(op).axis) return std::nullopt;
  OpBand band = whole_band(op, inputs, rows);
  for (auto& part : band.inputs) part = AxisRange{axis, rows};
  return band;
}

std::optional<OpBand> split_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                 int axis, Interval rows) {
  const auto& split = std::get<Split>(op);
  if (axis == split.axis) return std::nullopt;
  OpBand band = band_of_first(op, inputs, axis, rows);
  band.outputs = static_cast<int>(split.sizes.size());
  return band;
}

std::optional<OpBand> slice_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                 int axis, Interval rows) {
  const auto at = static_cast<size_t>(axis);
  OpBand band = band_of_first(op, inputs, axis, rows);
  auto& slice = std::get<Slice>(band.op);
  const int64_t step = slice.steps[at];
  const int64_t first = slice.starts[at] + step * rows.begin;
  const int64_t last = slice.starts[at] + step * (rows.end - 1);
  const int64_t low = std::min(first, last);
  band.inputs[0]->rows = {low, std::max(first, last) + 1};
  slice.starts[at] = first - low;
  slice.sizes[at] = rows.count();
  return band;
}

std::optional<OpBand> transpose_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                     int axis, Interval rows) {
  const int64_t own = std::get<Transpose>(op).perm[static_cast<size_t>(axis)];
  return band_of_first(op, inputs, static_cast<int>(own), rows);
}

namespace {

int64_t elements_before(const Dims& dims, int end) {
  return Dims(dims.span().first(static_cast<size_t>(end))).count();
}

// How many elements of the dimensions behind `axis` make, together with it, `count`; nullopt if
// none do. For an extent of 2 or more.
std::optional<int64_t> inner_count(const Dims& dims, int axis, int64_t count) {
  int64_t product = dims[axis];
  for (int i = axis + 1; i < dims.rank() && product < count; ++i) product *= dims[i];
  return product == count && dims[axis] > 1 ? std::optional(count / dims[axis]) : std::nullopt;
}

}  // namespace

// The axis stays what it is, with as many elements before it and behind it; or it is what one
// dimension of the operand and those behind it became; or it is, with those behind it, what one
// dimension of the operand became.
std::optional<OpBand> reshape_band(const Op& op, InputTypes inputs,
                                   std::span<const TensorType> outputs, int axis, Interval rows) {
  const Dims& in = inputs[0]->dims;
  const Dims& out = outputs[0].dims;
  const int64_t outer = elements_before(out, axis);
  const auto band = [&](int own, Interval part, Interval made) {
    OpBand result = band_of_first(op, inputs, own, part);
    result.rows = made;
    std::get<Reshape>(result.op).dims[static_cast<size_t>(axis)] = made.count();
    return result;
  };
  for (int own = 0; own < in.rank(); ++own) {
    if (elements_before(in, own) != outer) continue;
    if (in[own] == out[axis]) return band(own, rows, rows);
    if (const auto inner = inner_count(in, own, out[axis])) {
      const Interval part{rows.begin / *inner, (rows.end - 1) / *inner + 1};
      return band(own, part, {part.begin * *inner, part.end * *inner});
    }
    if (const auto inner = inner_count(out, axis, in[own])) {
      return band(own, {rows.begin * *inner, rows.end * *inner}, rows);
    }
  }
  return std::nullopt;
}

std::optional<OpBand> expand_band(const Op& op, InputTypes inputs,
                                  std::span<const TensorType> outputs, int axis, Interval rows) {
  OpBand band = whole_band(op, inputs, rows);
  band.inputs[0] = broadcast_part(inputs[0], outputs[0].dims, axis, rows);
  auto& dims = std::get<Expand>(band.op).dims;
  dims[static_cast<size_t>(axis) + dims.size() - static_cast<size_t>(outputs[0].dims.rank())] =
      rows.count();
  return band;
}

std::optional<OpBand> tile_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                int axis, Interval rows) {
  if (std::get<Tile>(op).repeats[static_cast<size_t>(axis)] != 1) return std::nullopt;
  return band_of_first(op, inputs, axis, rows);
}

// Whole blocks: the band's first and last rows may lie within one.
std::optional<OpBand> depth_to_space_band(const Op& op, InputTypes inputs,
                                          std::span<const TensorType>, int axis, Interval rows) {
  if (axis == 0) return band_of_first(op, inputs, axis, rows);
  if (axis == 1) return std::nullopt;
  const int64_t block = std::get<DepthToSpace>(op).block;
  const Interval part{rows.begin / block, (rows.end - 1) / block + 1};
  OpBand band = band_of_first(op, inputs, axis, part);
  band.rows = {part.begin * block, part.end * block};
  return band;
}

std::optional<OpBand> space_to_depth_band(const Op& op, InputTypes inputs,
                                          std::span<const TensorType>, int axis, Interval rows) {
  OpBand band = band_of_first(op, inputs, axis, rows);
  if (axis == 0) return band;
  if (axis == 1) return std::nullopt;
  const int64_t block = std::get<SpaceToDepth>(op).block;
  band.inputs[0]->rows = {rows.begin * block, rows.end * block};
  return band;
}

std::optional<OpBand> same_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                int axis, Interval rows) {
  return band_of_first(op, inputs, axis, rows);
}

std::optional<OpBand> full_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                int axis, Interval rows) {
  OpBand band = whole_band(op, inputs, rows);
  std::get<Full>(band.op).dims[static_cast<size_t>(axis)] = rows.count();
  return band;
}

// Axes of x before and behind the gathered one, and between them those of the indices.
std::optional<OpBand> gather_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                  int axis, Interval rows) {
  const int gathered = static_cast<int>(std::get<Gather>(op).axis);
  const int rank = inputs[1]->dims.rank();
  OpBand band = whole_band(op, inputs, rows);
  if (axis < gathered) {
    band.inputs[0] = AxisRange{axis, rows};
  } else if (axis < gathered + rank) {
    band.inputs[1] = AxisRange{axis - gathered, rows};
  } else {
    band.inputs[0] = AxisRange{axis - rank + 1, rows};
  }
  return band;
}

std::optional<OpBand> gather_elements_band(const Op& op, InputTypes inputs,
                                           std::span<const TensorType>, int axis, Interval rows) {
  OpBand band = whole_band(op, inputs, rows);
  band.inputs[1] = AxisRange{axis, rows};
  if (axis != std::get<GatherElements>(op).axis) band.inputs[0] = AxisRange{axis, rows};
  return band;
}

std::optional<OpBand> gather_nd_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                     int axis, Interval rows) {
  if (axis >= inputs[1]->dims.rank() - 1) return std::nullopt;  // within what an index selects
  OpBand band = whole_band(op, inputs, rows);
  band.inputs[1] = AxisRange{axis, rows};
  if (axis < std::get<GatherND>(op).batch_dims) band.inputs[0] = AxisRange{axis, rows};
  return band;
}

std::optional<OpBand> one_hot_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                   int axis, Interval rows) {
  const int hot = static_cast<int>(std::get<OneHot>(op).axis);
  if (axis == hot) return std::nullopt;
  return band_of_first(op, inputs, axis < hot ? axis : axis - 1, rows);
}

std::optional<OpBand> trilu_band(const Op& op, InputTypes inputs,
                                 std::span<const TensorType> outputs, int axis, Interval rows) {
  // Within a matrix, where the diagonal is depends on the rows before.
  if (axis >= outputs[0].dims.rank() - 2) return std::nullopt;
  return band_of_first(op, inputs, axis, rows);
}

std::optional<OpBand> reverse_sequence_band(const Op& op, InputTypes inputs,
                                            std::span<const TensorType>, int axis, Interval rows) {
  const auto& reverse = std::get<ReverseSequence>(op);
  if (axis == reverse.time_axis) return std::nullopt;
  OpBand band = band_of_first(op, inputs, axis, rows);
  if (axis == reverse.batch_axis) band.inputs[1] = AxisRange{0, rows};
  return band;
}

std::optional<OpBand> pad_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                               int axis, Interval rows) {
  const auto& pad = std::get<Pad>(op);
  const auto begin = static_cast<size_t>(axis);
  const size_t end = begin + pad.pads.size() / 2;
  OpBand band = band_of_first(op, inputs, axis, rows);
  if (pad.pads[begin] == 0 && pad.pads[end] == 0) return band;
  const int64_t in = inputs[0]->dims[axis];
  if (pad.mode != PadMode::kConstant || in == 0) return std::nullopt;
  // A window of one row.
  const int64_t one[] = {1};
  const int64_t pads[] = {pad.pads[begin], pad.pads[end]};
  const WindowBand part = window_band(in, {one, one, one, pads}, 0, rows);
  band.inputs[0]->rows = part.rows;
  auto& of = std::get<Pad>(band.op);
  of.pads[begin] = part.pad_begin;
  of.pads[end] = part.pad_end;
  return band;
}

namespace {

// How many rows around row `at / scale` of the input a result row `at` reads.
struct ResizeReach {
  int64_t before = 0;
  int64_t behind = 0;
};

// For a whole number as scale, where the position of every result row is exact enough that it does
// not depend on which row the band begins with. Interpolation: powers of two, whose weights are
// exact.
std::optional<ResizeReach> resize_reach(const Resize& resize, int64_t scale) {
  const bool linear = resize.mode == ResizeMode::kLinear;
  if (resize.mode == ResizeMode::kCubic || resize.antialias || resize.exclude_outside) {
    return std::nullopt;
  }
  if (linear && !std::has_single_bit(static_cast<uint64_t>(scale))) return std::nullopt;
  const bool rounds = resize.nearest == ResizeNearest::kRoundPreferFloor ||
                      resize.nearest == ResizeNearest::kRoundPreferCeil;
  switch (resize.coords) {
    case ResizeCoords::kHalfPixel:
    case ResizeCoords::kHalfPixelSymmetric:
    case ResizeCoords::kPytorchHalfPixel:
      if (scale == 1) return ResizeReach{};
      if (linear) return ResizeReach{1, 1};
      return ResizeReach{resize.nearest == ResizeNearest::kFloor ? 1 : 0,
                         resize.nearest == ResizeNearest::kCeil ? 1 : 0};
    case ResizeCoords::kAsymmetric:
      if (scale == 1) return ResizeReach{};
      return ResizeReach{0, linear || rounds || resize.nearest == ResizeNearest::kCeil ? 1 : 0};
    case ResizeCoords::kAlignCorners:
      return scale == 1 ? std::optional(ResizeReach{}) : std::nullopt;
    case ResizeCoords::kTfHalfPixelForNearest:
    case ResizeCoords::kTfCropAndResize:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<OpBand> resize_band(const Op& op, InputTypes inputs, std::span<const TensorType>,
                                  int axis, Interval rows) {
  const auto& resize = std::get<Resize>(op);
  const auto at = static_cast<size_t>(axis);
  const int64_t in = inputs[0]->dims[axis];
  if (in == 0 || resize.dims[at] % in != 0) return std::nullopt;
  const int64_t scale = resize.dims[at] / in;
  if (static_cast<double>(scale) != resize.scales[at]) return std::nullopt;
  const auto reach = resize_reach(resize, scale);
  if (!reach) return std::nullopt;
  const Interval part{std::max<int64_t>(rows.begin / scale - reach->before, 0),
                      std::min((rows.end - 1) / scale + 1 + reach->behind, in)};
  OpBand band = band_of_first(op, inputs, axis, part);
  band.rows = {part.begin * scale, part.end * scale};
  std::get<Resize>(band.op).dims[at] = band.rows.count();
  return band;
}

}  // namespace memopt
