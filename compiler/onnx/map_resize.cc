// Resize in all its versions, and Upsample.
#include <algorithm>
#include <cmath>

#include "compiler/onnx/mapping.h"
#include "runtime/base/checked.h"

namespace memopt {
namespace {

template <typename E>
Status parse_enum(const NodeContext& node, const char* what, const std::string& text, E& value) {
  const auto* begin = std::begin(EnumNames<E>::kNames);
  const auto* end = std::end(EnumNames<E>::kNames);
  const auto* found = std::find(begin, end, text);
  if (found == end) return node.error(std::string("unknown ") + what + " '" + text + "'");
  value = static_cast<E>(found - begin);
  return {};
}

// An operand that counts as missing where it has no elements.
bool has_elements(const NodeContext& node, int i) {
  return node.has(i) && node.type(i).count() > 0;
}

// Scales and dimensions from scales of the listed axes. The product is taken in f32, as ONNX's own
// shape inference does.
Status apply_scales(const NodeContext& node, const std::vector<int64_t>& axes,
                    const std::vector<double>& scales, Resize& op) {
  if (scales.size() != axes.size()) {
    return node.error("scales has " + std::to_string(scales.size()) + " entries, needed " +
                      std::to_string(axes.size()));
  }
  const Dims& dims = node.dims(0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i]);
    if (!(scales[i] > 0) || std::isinf(scales[i])) {
      return node.error("scale " + std::to_string(scales[i]) + " is not a positive number");
    }
    auto extent = static_cast<float>(dims[static_cast<int>(axis)]);
    if (op.coords == ResizeCoords::kTfCropAndResize) {
      const size_t rank = op.dims.size();
      extent *= static_cast<float>(op.roi[axis + rank] - op.roi[axis]);
    }
    const float size = std::floor(extent * static_cast<float>(scales[i]));
    if (!(size >= 0 && size <= static_cast<float>(kMaxDim))) {
      return node.error("the result is too large");
    }
    op.scales[axis] = scales[i];
    op.dims[axis] = static_cast<int64_t>(size);
  }
  return {};
}

// A size of an axis as a ratio to its extent.
struct Ratio {
  int64_t size = 1, extent = 1;
  double value() const { return static_cast<double>(size) / static_cast<double>(extent); }
};

// The ratio that all axes share where the aspect ratio is kept; nullopt for "stretch".
Result<std::optional<Ratio>> common_ratio(NodeContext& node, const std::vector<Ratio>& ratios) {
  const auto less = [](const Ratio& a, const Ratio& b) { return a.value() < b.value(); };
  const std::string policy = node.attr_string("keep_aspect_ratio_policy", "stretch");
  std::optional<Ratio> common;
  if (policy == "not_larger") {
    common = *std::min_element(ratios.begin(), ratios.end(), less);
  } else if (policy == "not_smaller") {
    common = *std::max_element(ratios.begin(), ratios.end(), less);
  } else if (policy != "stretch") {
    return node.error("unknown keep_aspect_ratio_policy '" + policy + "'");
  }
  return common;
}

// extent * ratio, halves rounded up.
std::optional<int64_t> scaled(int64_t extent, const Ratio& ratio) {
  const auto product = checked_mul(extent, ratio.size);
  const auto twice = product ? checked_mul(*product, int64_t{2}) : std::nullopt;
  const auto sum = twice ? checked_add(*twice, ratio.extent) : std::nullopt;
  return sum ? std::optional(*sum / (2 * ratio.extent)) : std::nullopt;
}

Status apply_sizes(NodeContext& node, const std::vector<int64_t>& axes,
                   const std::vector<int64_t>& sizes, Resize& op) {
  if (sizes.size() != axes.size() || sizes.empty()) {
    return node.error("sizes has " + std::to_string(sizes.size()) + " entries, needed " +
                      std::to_string(axes.size()));
  }
  std::vector<Ratio> ratios;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t extent = node.dims(0)[static_cast<int>(axes[i])];
    if (sizes[i] < 0 || sizes[i] > kMaxDim || (extent == 0 && sizes[i] > 0)) {
      return node.error("cannot resize " + std::to_string(extent) + " to " +
                        std::to_string(sizes[i]));
    }
    ratios.push_back(extent == 0 ? Ratio{} : Ratio{sizes[i], extent});
  }
  MEMOPT_ASSIGN_OR_RETURN(const std::optional<Ratio> common, common_ratio(node, ratios));
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i]);
    const Ratio ratio = common.value_or(ratios[i]);
    const auto size = common ? scaled(node.dims(0)[static_cast<int>(axis)], ratio) : sizes[i];
    if (!size || *size > kMaxDim) return node.error("the result is too large");
    op.dims[axis] = *size;
    op.scales[axis] = ratio.size == 0 ? 1 : ratio.value();  // of nothing, any scale will do
  }
  return {};
}

// A Resize of node's operand 0 that changes nothing yet, with the attributes that all versions
// share.
Result<Resize> base_resize(NodeContext& node) {
  Resize op;
  std::string mode = node.attr_string("mode", "nearest");
  if (mode == "bilinear") mode = "linear";  // the first versions of Upsample
  MEMOPT_RETURN_IF_ERROR(parse_enum(node, "mode", mode, op.mode));
  // What Upsample and Resize below opset 11 mean.
  op.coords = ResizeCoords::kAsymmetric;
  op.nearest = ResizeNearest::kFloor;
  const Dims& dims = node.dims(0);
  op.dims.assign(dims.begin(), dims.end());
  op.scales.assign(op.dims.size(), 1.0);
  return op;
}

std::vector<int64_t> all_axes(const NodeContext& node) {
  std::vector<int64_t> axes;
  axes.reserve(static_cast<size_t>(node.rank(0)));
  for (int axis = 0; axis < node.rank(0); ++axis) axes.push_back(axis);
  return axes;
}

// Emits the part of `op` that makes axes smaller, or larger: a Resize that leaves the others alone.
Result<ValueId> emit_part(NodeContext& node, const Resize& op, ValueId x, bool smaller) {
  Resize part = op;
  part.nearest = smaller ? ResizeNearest::kCeil : ResizeNearest::kFloor;
  const Dims dims = node.type(x).dims;
  bool changes = false;
  for (size_t i = 0; i < op.scales.size(); ++i) {
    const bool belongs = op.scales[i] != 1 && (op.scales[i] < 1) == smaller;
    changes = changes || belongs;
    if (belongs) continue;
    part.scales[i] = 1;
    part.dims[i] = dims[static_cast<int>(i)];
  }
  return changes ? node.emit(std::move(part), {x}) : x;
}

// Upsample, and Resize below opset 11, where "nearest" rounds down along the axes that grow and up
// along those that shrink. Axes are independent of each other.
Status map_upsample(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(Resize op, base_resize(node));
  std::vector<double> scales = node.attr_floats("scales");
  if (node.opset() >= 9 && node.has(1)) {
    MEMOPT_ASSIGN_OR_RETURN(scales, node.constant_floats(1, "scales"));
  }
  MEMOPT_RETURN_IF_ERROR(apply_scales(node, all_axes(node), scales, op));
  const bool shrinks =
      std::any_of(op.scales.begin(), op.scales.end(), [](double s) { return s < 1; });
  if (op.mode != ResizeMode::kNearest || !shrinks) return node.result(std::move(op), {node.in(0)});
  MEMOPT_ASSIGN_OR_RETURN(const ValueId small, emit_part(node, op, node.in(0), true));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId y, emit_part(node, op, small, false));
  node.bind(0, y);
  return {};
}

// The region of interest of all axes from that of the listed ones; the whole extent elsewhere.
Status read_roi(NodeContext& node, const std::vector<int64_t>& axes, Resize& op) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<double> roi, node.constant_floats(1, "roi"));
  const size_t rank = op.dims.size(), count = axes.size();
  if (roi.size() != 2 * count) {
    return node.error("roi has " + std::to_string(roi.size()) + " entries, needed " +
                      std::to_string(2 * count));
  }
  op.roi.assign(rank, 0.0);
  op.roi.resize(2 * rank, 1.0);
  for (size_t i = 0; i < count; ++i) {
    op.roi[static_cast<size_t>(axes[i])] = roi[i];
    op.roi[static_cast<size_t>(axes[i]) + rank] = roi[i + count];
  }
  return {};
}

Status map_resize(NodeContext& node) {
  if (node.opset() < 11) return map_upsample(node);
  MEMOPT_ASSIGN_OR_RETURN(Resize op, base_resize(node));
  MEMOPT_RETURN_IF_ERROR(
      parse_enum(node, "coordinate_transformation_mode",
                 node.attr_string("coordinate_transformation_mode", "half_pixel"), op.coords));
  MEMOPT_RETURN_IF_ERROR(parse_enum(
      node, "nearest_mode", node.attr_string("nearest_mode", "round_prefer_floor"), op.nearest));
  op.cubic_a = node.attr_float("cubic_coeff_a", -0.75);
  op.exclude_outside = node.attr_bool("exclude_outside", false);
  op.antialias = node.attr_bool("antialias", false);
  op.extrapolation_value = node.attr_float("extrapolation_value", 0);
  std::vector<int64_t> axes = all_axes(node);
  if (node.has_attribute("axes")) {
    MEMOPT_ASSIGN_OR_RETURN(axes, node.axes_of(node.attr_ints("axes"), node.rank(0)));
  }
  if (op.coords == ResizeCoords::kTfCropAndResize) {
    MEMOPT_RETURN_IF_ERROR(read_roi(node, axes, op));
  }
  if (has_elements(node, 3)) {
    MEMOPT_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, node.constant_ints(3, "sizes"));
    MEMOPT_RETURN_IF_ERROR(apply_sizes(node, axes, sizes, op));
  } else {
    MEMOPT_ASSIGN_OR_RETURN(const std::vector<double> scales, node.constant_floats(2, "scales"));
    MEMOPT_RETURN_IF_ERROR(apply_scales(node, axes, scales, op));
  }
  return node.result(std::move(op), {node.in(0)});
}

constexpr NodeMapping kMappings[] = {
    {"Resize", 1, 4, map_resize},
    {"Upsample", 1, 2, map_upsample},
};

}  // namespace

std::span<const NodeMapping> resize_mappings() { return kMappings; }

}  // namespace memopt
