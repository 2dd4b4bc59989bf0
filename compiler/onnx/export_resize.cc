// Resize as an ONNX node: by sizes, by scales or by a kept aspect ratio, whichever gives the same
// extents and positions.
#include <cmath>

#include "compiler/onnx/exporter.h"
#include "runtime/base/checked.h"
#include "runtime/ops/movement.h"

namespace memopt {
namespace {

// Whether ONNX's f32 arithmetic gives `dims` back from the scales alone.
bool scales_give_dims(const Resize& op, const Dims& x) {
  for (size_t i = 0; i < op.dims.size(); ++i) {
    const float extent = static_cast<float>(x[static_cast<int>(i)]);
    const float size = std::floor(extent * static_cast<float>(op.scales[i]));
    if (size != static_cast<float>(op.dims[i])) return false;
  }
  return true;
}

// Whether the scales are the ratios of the dimensions, which sizes alone say.
bool scales_are_ratios(const Resize& op, const Dims& x) {
  for (size_t i = 0; i < op.dims.size(); ++i) {
    if (op.dims[i] == 0) continue;  // nothing has a position
    const auto extent = static_cast<double>(x[static_cast<int>(i)]);
    if (op.scales[i] != static_cast<double>(op.dims[i]) / extent) return false;
  }
  return true;
}

// One ratio of all axes that change, the extents rounded: what ONNX calls keeping the aspect ratio.
struct KeptAspect {
  std::vector<int64_t> axes, sizes;  // none of the results is larger than its size
};

std::optional<KeptAspect> kept_aspect(const Resize& op, const Dims& x) {
  std::optional<size_t> exact;  // an axis whose extents are the ratio
  for (size_t i = 0; i < op.dims.size() && !exact; ++i) {
    const auto extent = static_cast<double>(x[static_cast<int>(i)]);
    if (op.scales[i] != 1 && op.scales[i] == static_cast<double>(op.dims[i]) / extent) exact = i;
  }
  if (!exact) return std::nullopt;
  const int64_t up = op.dims[*exact], down = x[static_cast<int>(*exact)];
  KeptAspect kept;
  for (size_t i = 0; i < op.dims.size(); ++i) {
    const int64_t extent = x[static_cast<int>(i)];
    if (op.scales[i] == 1 && op.dims[i] == extent) continue;
    const std::optional<int64_t> twice = checked_mul(2 * up, extent);
    if (op.scales[i] != op.scales[*exact] || !twice || op.dims[i] != (*twice + down) / (2 * down)) {
      return std::nullopt;
    }
    kept.axes.push_back(static_cast<int64_t>(i));
    kept.sizes.push_back((*twice / 2 + down - 1) / down);
  }
  return kept;
}

}  // namespace

Status export_resize(Exporter& e, const Resize& op) {
  constexpr std::string_view kModes[] = {"nearest", "linear", "cubic"};
  const Dims& x = e.type(0).dims;
  // Where a region is cropped, positions follow from the extents alone.
  const bool crops = op.coords == ResizeCoords::kTfCropAndResize && !op.antialias;
  const bool by_sizes = crops || scales_are_ratios(op, x);
  const std::optional<KeptAspect> kept = by_sizes ? std::nullopt : kept_aspect(op, x);
  if (!by_sizes && !kept && !scales_give_dims(op, x)) {
    return bad_input(
        "a resize whose extents do not follow from its scales cannot be written as ONNX");
  }
  const std::string roi = op.roi.empty() ? "" : e.floats(op.roi);
  const std::string scales = by_sizes || kept ? "" : e.floats(op.scales);
  const std::string sizes = by_sizes ? e.ints(op.dims) : kept ? e.ints(kept->sizes) : "";
  if (op.coords == ResizeCoords::kHalfPixelSymmetric) e.need_opset(19);
  if (op.coords == ResizeCoords::kTfHalfPixelForNearest) {
    return bad_input("coordinates of opset 11 only cannot be written as newer ONNX");
  }
  std::string y = e.emit("Resize", {e.input(0), roi, scales, sizes});
  if (kept) {
    e.attr("axes", kept->axes);
    e.attr("keep_aspect_ratio_policy", "not_larger");
  }
  e.attr("mode", kModes[static_cast<size_t>(op.mode)]);
  e.attr("coordinate_transformation_mode", enum_name(op.coords));
  e.attr("nearest_mode", enum_name(op.nearest));
  e.attr("cubic_coeff_a", op.cubic_a);
  e.attr("exclude_outside", int64_t{op.exclude_outside});
  e.attr("antialias", int64_t{op.antialias});
  e.attr("extrapolation_value", op.extrapolation_value);
  return e.finish(std::move(y));
}

}  // namespace memopt
