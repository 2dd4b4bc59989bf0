// Operators that move elements.
#include <algorithm>
#include <numeric>

#include "compiler/onnx/mapping.h"

namespace memopt {
namespace {

constexpr int kMany = 1 << 20;

Status map_concat(NodeContext& node) {
  const int64_t default_axis = node.opset() < 4 ? 1 : 0;
  MEMOPT_ASSIGN_OR_RETURN(const int64_t axis,
                          node.axis_of(node.attr_int("axis", default_axis), node.rank(0)));
  const std::vector<ValueId> inputs = node.all_inputs();
  if (std::find(inputs.begin(), inputs.end(), ValueId::none()) != inputs.end()) {
    return node.error("an operand is missing");
  }
  if (inputs.size() == 1) {
    node.bind(0, inputs[0]);
    return {};
  }
  return node.result(Concat{.axis = axis}, inputs);
}

Status map_split(NodeContext& node) {
  Split op;
  MEMOPT_ASSIGN_OR_RETURN(op.axis, node.axis_of(node.attr_int("axis", 0), node.rank(0)));
  op.sizes = node.attr_ints("split");
  if (node.opset() >= 13 && node.has(1)) {
    MEMOPT_ASSIGN_OR_RETURN(op.sizes, node.constant_ints(1, "split"));
  }
  if (op.sizes.empty()) {
    const int64_t parts = node.attr_int("num_outputs", node.output_count());
    const int64_t extent = node.dims(0)[static_cast<int>(op.axis)];
    if (parts != node.output_count()) {
      return node.error("num_outputs is " + std::to_string(parts) + ", the node has " +
                        std::to_string(node.output_count()) + " outputs");
    }
    // Parts of one size, the last one may be smaller.
    const int64_t size = (extent + parts - 1) / parts;
    for (int64_t i = 0; i < parts; ++i) {
      op.sizes.push_back(std::clamp<int64_t>(extent - i * size, 0, size));
    }
  }
  if (static_cast<int>(op.sizes.size()) != node.output_count()) {
    return node.error("split has " + std::to_string(op.sizes.size()) + " entries, the node has " +
                      std::to_string(node.output_count()) + " outputs");
  }
  const ValueId x = node.in(0);
  return node.emit_outputs(std::move(op), {&x, 1});
}

struct SliceRanges {
  std::vector<int64_t> starts, ends, axes, steps;
};

Result<SliceRanges> slice_ranges(NodeContext& node) {
  SliceRanges ranges;
  if (node.opset() < 10) {
    ranges.starts = node.attr_ints("starts");
    ranges.ends = node.attr_ints("ends");
    ranges.axes = node.attr_ints("axes");
  } else {
    MEMOPT_ASSIGN_OR_RETURN(ranges.starts, node.constant_ints(1, "starts"));
    MEMOPT_ASSIGN_OR_RETURN(ranges.ends, node.constant_ints(2, "ends"));
    if (node.has(3)) {
      MEMOPT_ASSIGN_OR_RETURN(ranges.axes, node.constant_ints(3, "axes"));
    }
    if (node.has(4)) {
      MEMOPT_ASSIGN_OR_RETURN(ranges.steps, node.constant_ints(4, "steps"));
    }
  }
  const size_t count = ranges.starts.size();
  if (ranges.axes.empty()) {
    for (size_t i = 0; i < count; ++i) ranges.axes.push_back(static_cast<int64_t>(i));
  }
  if (ranges.steps.empty()) ranges.steps.assign(count, 1);
  if (ranges.ends.size() != count || ranges.axes.size() != count || ranges.steps.size() != count) {
    return node.error("starts, ends, axes and steps differ in length");
  }
  MEMOPT_ASSIGN_OR_RETURN(ranges.axes, node.axes_of(ranges.axes, node.rank(0)));
  return ranges;
}

Status map_slice(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const SliceRanges ranges, slice_ranges(node));
  const Dims dims = node.dims(0);
  Slice op;
  op.starts.assign(static_cast<size_t>(dims.rank()), 0);
  op.sizes.assign(dims.begin(), dims.end());
  op.steps.assign(static_cast<size_t>(dims.rank()), 1);
  for (size_t i = 0; i < ranges.axes.size(); ++i) {
    const auto axis = static_cast<size_t>(ranges.axes[i]);
    const int64_t extent = dims[static_cast<int>(axis)];
    const int64_t step = std::clamp(ranges.steps[i], -kMaxDim - 1, kMaxDim + 1);
    if (step == 0) return node.error("a step of 0");
    // Clamped as ONNX says, which is not as NumPy does where a backward range begins before the
    // first element; a range that runs the wrong way is empty.
    const int64_t high = step > 0 ? extent : extent - 1;
    const auto clamp = [&](int64_t index, int64_t low) {
      return std::max(std::min(index < 0 ? index + extent : index, high), low);
    };
    const int64_t start = clamp(ranges.starts[i], 0);
    const int64_t end = clamp(ranges.ends[i], step > 0 || extent == 0 ? 0 : -1);
    const int64_t span = step > 0 ? end - start : start - end;
    const int64_t stride = step > 0 ? step : -step;
    const int64_t size = span <= 0 ? 0 : (span + stride - 1) / stride;
    op.starts[axis] = size == 0 ? 0 : start;
    op.sizes[axis] = size;
    op.steps[axis] = size <= 1 ? 1 : step;
  }
  return node.result(std::move(op), {node.in(0)});
}

// The experimental Crop: border = left, top, right, bottom; scale = height, width of the result.
Status map_crop(NodeContext& node) {
  const Dims dims = node.dims(0);
  const std::vector<int64_t> border = node.attr_ints("border");
  const std::vector<int64_t> scale = node.attr_ints("scale");
  if (dims.rank() != 4 || border.size() != 4 || (!scale.empty() && scale.size() != 2)) {
    return node.error("needed an image batch, four borders and no or two scales, found " +
                      to_string(dims) + ", " + std::to_string(border.size()) + " and " +
                      std::to_string(scale.size()));
  }
  for (const int64_t b : border) {
    if (b < 0 || b > kMaxDim) return node.error("a border is out of range");
  }
  const int64_t height = scale.empty() ? dims[2] - border[1] - border[3] : scale[0];
  const int64_t width = scale.empty() ? dims[3] - border[0] - border[2] : scale[1];
  return node.result(Slice{.starts = {0, 0, border[1], border[0]},
                           .sizes = {dims[0], dims[1], height, width},
                           .steps = {1, 1, 1, 1}},
                     {node.in(0)});
}

Status map_gather(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const int64_t axis, node.axis_of(node.attr_int("axis", 0), node.rank(0)));
  return node.result(Gather{.axis = axis}, {node.in(0), node.in(1)});
}

Status map_gather_elements(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const int64_t axis, node.axis_of(node.attr_int("axis", 0), node.rank(0)));
  return node.result(GatherElements{.axis = axis}, {node.in(0), node.in(1)});
}

Status map_gather_nd(NodeContext& node) {
  return node.result(GatherND{.batch_dims = node.attr_int("batch_dims", 0)},
                     {node.in(0), node.in(1)});
}

Status map_pad(NodeContext& node) {
  const int rank = node.rank(0);
  const std::string mode = node.attr_string("mode", "constant");
  Pad op;
  const auto* begin = std::begin(EnumNames<PadMode>::kNames);
  const auto* end = std::end(EnumNames<PadMode>::kNames);
  const auto* found = std::find(begin, end, mode);
  if (found == end) return node.error("unknown mode '" + mode + "'");
  op.mode = static_cast<PadMode>(found - begin);

  std::vector<int64_t> pads = node.attr_ints("pads"), axes;
  ValueId value = node.in(2);
  if (node.opset() < 11) {
    const double fill = node.attr_float("value", 0);
    if (fill != 0) {
      MEMOPT_ASSIGN_OR_RETURN(value, node.constant_scalar(node.type(0).dtype, fill));
    }
  } else {
    MEMOPT_ASSIGN_OR_RETURN(pads, node.constant_ints(1, "pads"));
  }
  if (node.has(3)) {
    MEMOPT_ASSIGN_OR_RETURN(axes, node.constant_ints(3, "axes"));
  } else {
    for (int axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  MEMOPT_ASSIGN_OR_RETURN(axes, node.axes_of(axes, rank));
  if (pads.size() != 2 * axes.size()) {
    return node.error("pads has " + std::to_string(pads.size()) + " entries, needed " +
                      std::to_string(2 * axes.size()));
  }
  op.pads.assign(2 * static_cast<size_t>(rank), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i]);
    op.pads[axis] = pads[i];
    op.pads[axis + static_cast<size_t>(rank)] = pads[i + axes.size()];
  }
  return node.result(std::move(op), {node.in(0), value});
}

// Every listed axis is cropped or padded with 0 to its extent, as much in front as behind; where
// that is odd, the end has one more.
Status map_center_crop_pad(NodeContext& node) {
  const Dims dims = node.dims(0);
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<int64_t> shape, node.constant_ints(1, "shape"));
  std::vector<int64_t> axes(static_cast<size_t>(dims.rank()));
  std::iota(axes.begin(), axes.end(), int64_t{0});
  MEMOPT_ASSIGN_OR_RETURN(axes, node.axes_of(node.attr_ints("axes", axes), dims.rank()));
  if (shape.size() != axes.size()) {
    return node.error("shape has " + std::to_string(shape.size()) + " entries, needed " +
                      std::to_string(axes.size()));
  }
  Pad op;
  op.pads.assign(2 * static_cast<size_t>(dims.rank()), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    if (shape[i] < 0 || shape[i] > kMaxDim) return node.error("the shape is out of range");
    const auto axis = static_cast<size_t>(axes[i]);
    const int64_t added = shape[i] - dims[static_cast<int>(axis)];
    op.pads[axis] = added / 2;
    op.pads[axis + static_cast<size_t>(dims.rank())] = added - added / 2;
  }
  return node.result(std::move(op), {node.in(0)});
}

Status map_one_hot(NodeContext& node) {
  const int rank = node.rank(0) + 1;
  MEMOPT_ASSIGN_OR_RETURN(const int64_t axis, node.axis_of(node.attr_int("axis", -1), rank));
  MEMOPT_ASSIGN_OR_RETURN(const double depth, node.constant_float(1, "depth"));
  if (!(depth >= 0 && depth <= static_cast<double>(kMaxDim))) {
    return node.error("a depth of " + std::to_string(depth));
  }
  return node.result(OneHot{.axis = axis, .depth = static_cast<int64_t>(depth)},
                     {node.in(0), node.in(2)});
}

Status map_trilu(NodeContext& node) {
  Trilu op{.upper = node.attr_bool("upper", true)};
  if (node.has(1)) {
    MEMOPT_ASSIGN_OR_RETURN(op.k, node.constant_int(1, "k"));
  }
  op.k = std::clamp(op.k, -kMaxDim, kMaxDim);  // beyond every matrix, all diagonals are one
  return node.result(op, {node.in(0)});
}

Status map_reverse_sequence(NodeContext& node) {
  return node.result(ReverseSequence{.batch_axis = node.attr_int("batch_axis", 1),
                                     .time_axis = node.attr_int("time_axis", 0)},
                     {node.in(0), node.in(1)});
}

Status map_transpose(NodeContext& node) {
  const int rank = node.rank(0);
  std::vector<int64_t> reversed;
  for (int axis = rank - 1; axis >= 0; --axis) reversed.push_back(axis);
  return node.result(Transpose{.perm = node.attr_ints("perm", reversed)}, {node.in(0)});
}

Status map_expand(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<int64_t> shape, node.constant_ints(1, "shape"));
  if (shape.size() > kMaxRank) return node.error("more than 8 dimensions");
  const std::optional<Dims> dims = broadcast(node.dims(0), Dims(std::span<const int64_t>(shape)));
  if (!dims) {
    return node.error(to_string(node.type(0)) + " does not broadcast to " +
                      to_string(Dims(std::span<const int64_t>(shape))));
  }
  return node.result(Expand{.dims = {dims->begin(), dims->end()}}, {node.in(0)});
}

Status map_tile(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(std::vector<int64_t> repeats, node.constant_ints(1, "repeats"));
  return node.result(Tile{.repeats = std::move(repeats)}, {node.in(0)});
}

Status map_depth_to_space(NodeContext& node) {
  const std::string mode = node.attr_string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") return node.error("unknown mode '" + mode + "'");
  return node.result(DepthToSpace{.block = node.attr_int("blocksize", 0),
                                  .mode = mode == "DCR" ? DepthToSpaceMode::kDepthColumnRow
                                                        : DepthToSpaceMode::kColumnRowDepth},
                     {node.in(0)});
}

Status map_space_to_depth(NodeContext& node) {
  return node.result(SpaceToDepth{.block = node.attr_int("blocksize", 0)}, {node.in(0)});
}

constexpr NodeMapping kMappings[] = {
    {"CenterCropPad", 2, 2, map_center_crop_pad},
    {"Concat", 1, kMany, map_concat},
    {"Crop", 1, 1, map_crop},
    {"DepthToSpace", 1, 1, map_depth_to_space},
    {"Expand", 2, 2, map_expand},
    {"Gather", 2, 2, map_gather},
    {"GatherElements", 2, 2, map_gather_elements},
    {"GatherND", 2, 2, map_gather_nd},
    {"OneHot", 3, 3, map_one_hot},
    {"Pad", 1, 4, map_pad},
    {"ReverseSequence", 2, 2, map_reverse_sequence},
    {"Slice", 1, 5, map_slice},
    {"SpaceToDepth", 1, 1, map_space_to_depth},
    {"Split", 1, 2, map_split},
    {"Tile", 2, 2, map_tile},
    {"Transpose", 1, 1, map_transpose},
    {"Trilu", 1, 2, map_trilu},
};

}  // namespace

std::span<const NodeMapping> movement_mappings() { return kMappings; }

}  // namespace memopt
