#include "runtime/kernels/resize_axis.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "runtime/base/checked.h"

namespace memopt {
namespace {

struct AxisSpec {
  int64_t in, out;
  double scale;
  double roi_begin = 0, roi_end = 1;
};

// Where an output coordinate lies in the input: `ratio` in (0, 1] behind element `grid`. What lies
// on an element is 1 behind the one before it.
struct Position {
  int64_t grid = 0;
  double ratio = 1;
};

// The position in the input of output coordinate `at`.
double real_position(ResizeCoords coords, const AxisSpec& axis, double at) {
  const double in = static_cast<double>(axis.in);
  const double out = axis.scale * in;  // as a real number: not always the extent of the output
  switch (coords) {
    case ResizeCoords::kHalfPixel:
      return (at + 0.5) / axis.scale - 0.5;
    case ResizeCoords::kHalfPixelSymmetric: {
      const double adjustment = static_cast<double>(axis.out) / out;
      return in / 2 * (1 - adjustment) + (at + 0.5) / axis.scale - 0.5;
    }
    case ResizeCoords::kPytorchHalfPixel:
      return axis.out == 1 ? 0 : (at + 0.5) / axis.scale - 0.5;
    case ResizeCoords::kAlignCorners:
      return out == 1 ? 0 : at * (in - 1) / (out - 1);
    case ResizeCoords::kAsymmetric:
      return at / axis.scale;
    case ResizeCoords::kTfHalfPixelForNearest:
      return (at + 0.5) / axis.scale;
    case ResizeCoords::kTfCropAndResize: {
      const double extent = (axis.roi_end - axis.roi_begin) * (in - 1);
      const double offset =
          axis.out == 1 ? extent / 2 : at * extent / static_cast<double>(axis.out - 1);
      return offset + axis.roi_begin * (in - 1);
    }
  }
  return 0;
}

// (a b + c) / d, exactly; nullopt where the product does not fit. b >= 0, d > 0.
std::optional<Position> fraction(int64_t a, int64_t b, int64_t c, int64_t d) {
  const std::optional<int64_t> product = checked_mul(a, b);
  const std::optional<int64_t> numerator = product ? checked_add(*product, c) : std::nullopt;
  if (!numerator) return std::nullopt;
  const int64_t rest = (*numerator % d + d) % d;
  const int64_t floor = (*numerator - rest) / d;
  if (rest == 0) return Position{floor - 1, 1};
  return Position{floor, static_cast<double>(rest) / static_cast<double>(d)};
}

// The same without rounding, where the scale is the ratio of the extents: rounded, a position in
// the middle of two elements or on one could fall to either side. nullopt: use real_position().
std::optional<Position> exact_position(ResizeCoords coords, const AxisSpec& axis, int64_t at) {
  const int64_t in = axis.in, out = axis.out;
  if (axis.scale != static_cast<double>(out) / static_cast<double>(in)) return std::nullopt;
  switch (coords) {
    case ResizeCoords::kPytorchHalfPixel:
      if (out == 1) return Position{-1, 1};
      [[fallthrough]];
    case ResizeCoords::kHalfPixel:
    case ResizeCoords::kHalfPixelSymmetric:
      return fraction(2 * at + 1, in, -out, 2 * out);
    case ResizeCoords::kAlignCorners:
      return out == 1 ? Position{-1, 1} : fraction(at, in - 1, 0, out - 1);
    case ResizeCoords::kAsymmetric:
      return fraction(at, in, 0, out);
    case ResizeCoords::kTfHalfPixelForNearest:
      return fraction(2 * at + 1, in, 0, 2 * out);
    case ResizeCoords::kTfCropAndResize:
      return std::nullopt;
  }
  return std::nullopt;
}

Position rounded(double real) {
  // Far outside of the input, where the result no longer depends on it, positions are cut off.
  const double limit = 4.0 * static_cast<double>(kMaxDim);
  const double position = std::clamp(real, -limit, limit);
  const double floor = std::floor(position);
  if (position == floor) return {static_cast<int64_t>(floor) - 1, 1};
  return {static_cast<int64_t>(floor), position - floor};
}

double cubic_weight(double distance, double a) {
  const double x = std::fabs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

// The weights of a window for a position `ratio` in (0, 1] behind a grid point. The grid point is
// element `size / 2 - 1` of the window.
void window_weights(const Resize& op, double scale, double ratio, std::vector<double>& weights) {
  if (op.mode == ResizeMode::kNearest) {
    const bool right = ratio == 1 || op.nearest == ResizeNearest::kCeil ||
                       (op.nearest == ResizeNearest::kRoundPreferFloor && ratio > 0.5) ||
                       (op.nearest == ResizeNearest::kRoundPreferCeil && ratio >= 0.5);
    weights = {right ? 0.0 : 1.0, right ? 1.0 : 0.0};
    return;
  }
  const bool linear = op.mode == ResizeMode::kLinear;
  const double stretch = op.antialias ? std::min(scale, 1.0) : 1.0;
  const auto begin = static_cast<int64_t>(std::floor((linear ? -1 : -2) / stretch)) + 1;
  const int64_t end = 2 - begin;
  weights.clear();
  double sum = 0;
  for (int64_t i = begin; i < end; ++i) {
    const double distance = (static_cast<double>(i) - ratio) * stretch;
    const double weight =
        linear ? std::max(1 - std::fabs(distance), 0.0) : cubic_weight(distance, op.cubic_a);
    weights.push_back(weight);
    sum += weight;
  }
  if (!op.antialias) return;
  for (double& weight : weights) weight /= sum;
}

// Weights outside of the input count for nothing; the others make up for them.
void exclude_outside(std::vector<double>& weights, int64_t first, int64_t extent) {
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const int64_t at = first + static_cast<int64_t>(i);
    if (at < 0 || at >= extent) weights[i] = 0;
    sum += weights[i];
  }
  if (sum == 0) return;
  for (double& weight : weights) weight /= sum;
}

// Adds the window of weights of the input coordinates [first, first + weights.size()) to the axis.
// Beyond the edges the edge elements repeat: their weights gather at the edge.
void add_window(const std::vector<double>& weights, int64_t first, int64_t extent, bool outside,
                ResizeAxis& axis) {
  const auto size = static_cast<int64_t>(weights.size());
  ResizeWindow window;
  window.first = std::clamp<int64_t>(first, 0, extent - 1);
  window.count = std::clamp<int64_t>(first + size - 1, 0, extent - 1) - window.first + 1;
  window.weights = axis.weights.size();
  window.outside = outside;
  axis.weights.resize(axis.weights.size() + static_cast<size_t>(window.count));
  for (int64_t i = 0; i < size; ++i) {
    const int64_t source = std::clamp<int64_t>(first + i, 0, extent - 1);
    axis.weights[window.weights + static_cast<size_t>(source - window.first)] +=
        weights[static_cast<size_t>(i)];
  }
  axis.windows.push_back(window);
}

ResizeAxis make_axis(const Resize& op, const AxisSpec& spec) {
  ResizeAxis axis;
  const bool crops = op.coords == ResizeCoords::kTfCropAndResize;
  const bool is_whole = !crops || (spec.roi_begin == 0 && spec.roi_end == 1);
  const bool stays = spec.in == spec.out && spec.scale == 1 && is_whole;
  std::vector<double> weights = {1};
  axis.windows.reserve(static_cast<size_t>(spec.out));
  for (int64_t at = 0; at < spec.out; ++at) {
    if (stays) {
      add_window(weights, at, spec.in, false, axis);
      continue;
    }
    const double real = real_position(op.coords, spec, static_cast<double>(at));
    const auto exact = exact_position(op.coords, spec, at);
    const Position position = exact ? *exact : rounded(real);
    window_weights(op, spec.scale, position.ratio, weights);
    const int64_t first = position.grid - (static_cast<int64_t>(weights.size()) / 2 - 1);
    if (op.exclude_outside) exclude_outside(weights, first, spec.in);
    const bool outside = crops && (real < 0 || real > static_cast<double>(spec.in - 1));
    add_window(weights, first, spec.in, outside, axis);
  }
  return axis;
}

}  // namespace

std::vector<ResizeAxis> make_resize_axes(const Resize& op, const Dims& in) {
  // Without elements there is nothing to weigh, whatever the other extents are.
  if (std::count(op.dims.begin(), op.dims.end(), 0) > 0) {
    return std::vector<ResizeAxis>(static_cast<size_t>(in.rank()));
  }
  std::vector<ResizeAxis> axes;
  for (int i = 0; i < in.rank(); ++i) {
    const auto at = static_cast<size_t>(i);
    AxisSpec spec{.in = in[i], .out = op.dims[at], .scale = op.scales[at]};
    if (!op.roi.empty()) {
      spec.roi_begin = op.roi[at];
      spec.roi_end = op.roi[at + op.dims.size()];
    }
    axes.push_back(make_axis(op, spec));
  }
  return axes;
}

}  // namespace memopt
