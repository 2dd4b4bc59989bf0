// Operators that move elements and compute nothing. Axes are in [0, rank); shapes are static.
#pragma once

#include <string_view>
#include <tuple>
#include <vector>

#include "runtime/base/dtype.h"
#include "runtime/base/tensor.h"
#include "runtime/ops/fields.h"

namespace memopt {

// Inputs: one or more tensors, equal but for `axis`.
struct Concat {
  static constexpr std::string_view kName = "concat";
  int64_t axis = 0;
  static constexpr auto fields() { return std::tuple{Field{"axis", &Concat::axis}}; }
  bool operator==(const Concat&) const = default;
};

// Inputs: x. One output per entry of `sizes`, which sum to the extent of `axis`.
struct Split {
  static constexpr std::string_view kName = "split";
  int64_t axis = 0;
  std::vector<int64_t> sizes;
  static constexpr auto fields() {
    return std::tuple{Field{"axis", &Split::axis}, Field{"sizes", &Split::sizes}};
  }
  bool operator==(const Split&) const = default;
};

// y[i] = x[starts + i * steps] in every dimension, for 0 <= i < sizes. All three have one entry per
// dimension; steps are not 0 and may be negative. Inputs: x.
struct Slice {
  static constexpr std::string_view kName = "slice";
  std::vector<int64_t> starts;
  std::vector<int64_t> sizes;
  std::vector<int64_t> steps;
  static constexpr auto fields() {
    return std::tuple{Field{"starts", &Slice::starts}, Field{"sizes", &Slice::sizes},
                      Field{"steps", &Slice::steps}};
  }
  bool operator==(const Slice&) const = default;
};

// ONNX Gather. Inputs: x, indices (i32 or i64; negative ones count from the end). Indices are
// checked in run().
struct Gather {
  static constexpr std::string_view kName = "gather";
  int64_t axis = 0;
  static constexpr auto fields() { return std::tuple{Field{"axis", &Gather::axis}}; }
  bool operator==(const Gather&) const = default;
};

// ONNX GatherElements. Inputs: x, indices (rank of x).
struct GatherElements {
  static constexpr std::string_view kName = "gather_elements";
  int64_t axis = 0;
  static constexpr auto fields() { return std::tuple{Field{"axis", &GatherElements::axis}}; }
  bool operator==(const GatherElements&) const = default;
};

// ONNX GatherND. Inputs: x, indices (i64).
struct GatherND {
  static constexpr std::string_view kName = "gather_nd";
  int64_t batch_dims = 0;
  static constexpr auto fields() { return std::tuple{Field{"batch_dims", &GatherND::batch_dims}}; }
  bool operator==(const GatherND&) const = default;
};

// ONNX OneHot: a new dimension of extent `depth` at `axis` of the result, in which the element that
// an index names is `on` and all others are `off`. Inputs: indices (numbers; negative ones count
// from the end, those out of range name nothing), values (off, on).
struct OneHot {
  static constexpr std::string_view kName = "one_hot";
  int64_t axis = 0;
  int64_t depth = 1;
  static constexpr auto fields() {
    return std::tuple{Field{"axis", &OneHot::axis}, Field{"depth", &OneHot::depth}};
  }
  bool operator==(const OneHot&) const = default;
};

enum class PadMode : uint8_t { kConstant, kReflect, kEdge, kWrap };
template <>
struct EnumNames<PadMode> {
  static constexpr std::string_view kNames[] = {"constant", "reflect", "edge", "wrap"};
};

// `pads` has 2 rank entries: all begins, then all ends; negative ones crop. Inputs: x, value?
// (scalar, default 0).
struct Pad {
  static constexpr std::string_view kName = "pad";
  PadMode mode = PadMode::kConstant;
  std::vector<int64_t> pads;
  static constexpr auto fields() {
    return std::tuple{Field{"mode", &Pad::mode}, Field{"pads", &Pad::pads}};
  }
  bool operator==(const Pad&) const = default;
};

enum class ResizeMode : uint8_t { kNearest, kLinear, kCubic };
template <>
struct EnumNames<ResizeMode> {
  static constexpr std::string_view kNames[] = {"nearest", "linear", "cubic"};
};
enum class ResizeCoords : uint8_t {
  kHalfPixel,
  kHalfPixelSymmetric,
  kPytorchHalfPixel,
  kAlignCorners,
  kAsymmetric,
  kTfHalfPixelForNearest,
  kTfCropAndResize,
};
template <>
struct EnumNames<ResizeCoords> {
  static constexpr std::string_view kNames[] = {
      "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
      "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
};
enum class ResizeNearest : uint8_t { kRoundPreferFloor, kRoundPreferCeil, kFloor, kCeil };
template <>
struct EnumNames<ResizeNearest> {
  static constexpr std::string_view kNames[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                                "ceil"};
};

// ONNX Resize with everything static; Upsample is nearest or linear with asymmetric coordinates and
// floor. `dims`, `scales`: one entry per dimension. `roi`: empty, or 2 rank entries (starts, ends).
// Inputs: x.
struct Resize {
  static constexpr std::string_view kName = "resize";
  ResizeMode mode = ResizeMode::kNearest;
  ResizeCoords coords = ResizeCoords::kHalfPixel;
  ResizeNearest nearest = ResizeNearest::kRoundPreferFloor;
  std::vector<int64_t> dims;
  std::vector<double> scales;
  std::vector<double> roi;
  double cubic_a = -0.75;
  bool exclude_outside = false;
  bool antialias = false;
  double extrapolation_value = 0;
  static constexpr auto fields() {
    return std::tuple{Field{"mode", &Resize::mode},
                      Field{"coords", &Resize::coords},
                      Field{"nearest", &Resize::nearest},
                      Field{"dims", &Resize::dims},
                      Field{"scales", &Resize::scales},
                      Field{"roi", &Resize::roi},
                      Field{"cubic_a", &Resize::cubic_a},
                      Field{"exclude_outside", &Resize::exclude_outside},
                      Field{"antialias", &Resize::antialias},
                      Field{"extrapolation_value", &Resize::extrapolation_value}};
  }
  bool operator==(const Resize&) const = default;
};

// y.dims[i] = x.dims[perm[i]]. Inputs: x.
struct Transpose {
  static constexpr std::string_view kName = "transpose";
  std::vector<int64_t> perm;
  static constexpr auto fields() { return std::tuple{Field{"perm", &Transpose::perm}}; }
  bool operator==(const Transpose&) const = default;
};

// The same elements in row-major order under new dimensions (also Flatten, Squeeze, Unsqueeze).
// Inputs: x.
struct Reshape {
  static constexpr std::string_view kName = "reshape";
  std::vector<int64_t> dims;  // all >= 0
  static constexpr auto fields() { return std::tuple{Field{"dims", &Reshape::dims}}; }
  bool operator==(const Reshape&) const = default;
};

// Broadcasts x to `dims`, the final shape. Inputs: x.
struct Expand {
  static constexpr std::string_view kName = "expand";
  std::vector<int64_t> dims;
  static constexpr auto fields() { return std::tuple{Field{"dims", &Expand::dims}}; }
  bool operator==(const Expand&) const = default;
};

// Repeats x along each dimension. Inputs: x.
struct Tile {
  static constexpr std::string_view kName = "tile";
  std::vector<int64_t> repeats;
  static constexpr auto fields() { return std::tuple{Field{"repeats", &Tile::repeats}}; }
  bool operator==(const Tile&) const = default;
};

// The upper triangle of every matrix of x: columns >= row + k; or the lower one: columns <= row +
// k. The rest is 0. Inputs: x.
struct Trilu {
  static constexpr std::string_view kName = "trilu";
  bool upper = true;
  int64_t k = 0;
  static constexpr auto fields() {
    return std::tuple{Field{"upper", &Trilu::upper}, Field{"k", &Trilu::k}};
  }
  bool operator==(const Trilu&) const = default;
};

// The first lengths[b] elements along `time_axis` in reverse, for every b of `batch_axis`; the axes
// are 0 and 1 in some order. Inputs: x, lengths (i64, one per b, in [0, extent]; checked in run()).
struct ReverseSequence {
  static constexpr std::string_view kName = "reverse_sequence";
  int64_t batch_axis = 1;
  int64_t time_axis = 0;
  static constexpr auto fields() {
    return std::tuple{Field{"batch_axis", &ReverseSequence::batch_axis},
                      Field{"time_axis", &ReverseSequence::time_axis}};
  }
  bool operator==(const ReverseSequence&) const = default;
};

enum class DepthToSpaceMode : uint8_t { kDepthColumnRow, kColumnRowDepth };
template <>
struct EnumNames<DepthToSpaceMode> {
  static constexpr std::string_view kNames[] = {"dcr", "crd"};
};

struct DepthToSpace {
  static constexpr std::string_view kName = "depth_to_space";
  int64_t block = 1;
  DepthToSpaceMode mode = DepthToSpaceMode::kDepthColumnRow;
  static constexpr auto fields() {
    return std::tuple{Field{"block", &DepthToSpace::block}, Field{"mode", &DepthToSpace::mode}};
  }
  bool operator==(const DepthToSpace&) const = default;
};

struct SpaceToDepth {
  static constexpr std::string_view kName = "space_to_depth";
  int64_t block = 1;
  static constexpr auto fields() { return std::tuple{Field{"block", &SpaceToDepth::block}}; }
  bool operator==(const SpaceToDepth&) const = default;
};

// y = x. It exists where a graph output is a graph input or a constant. Inputs: x.
struct Identity {
  static constexpr std::string_view kName = "identity";
  static constexpr auto fields() { return std::tuple{}; }
  bool operator==(const Identity&) const = default;
};

// y = x in bytes of its own, never a view: keeps a part of a value without the rest. Inputs: x.
struct Copy {
  static constexpr std::string_view kName = "copy";
  static constexpr auto fields() { return std::tuple{}; }
  bool operator==(const Copy&) const = default;
};

// The same logical tensor in another layout. Inputs: x.
struct Reorder {
  static constexpr std::string_view kName = "reorder";
  Layout to = Layout::kRowMajor;
  static constexpr auto fields() { return std::tuple{Field{"to", &Reorder::to}}; }
  bool operator==(const Reorder&) const = default;
};

// A tensor of `dims` in which every element is the one element of the input (ConstantOfShape).
// Inputs: value.
struct Full {
  static constexpr std::string_view kName = "full";
  std::vector<int64_t> dims;
  static constexpr auto fields() { return std::tuple{Field{"dims", &Full::dims}}; }
  bool operator==(const Full&) const = default;
};

}  // namespace memopt
