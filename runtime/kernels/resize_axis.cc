#include "runtime/kernels/resize_axis.h"

#include <algorithm>
#include <cmath>

namespace memopt {
namespace {

struct AxisSpec {
  int64_t in, out;
  double scale;
  double roi_begin = 0, roi_end = 1;
};

// The position in the input of output coordinate `at`.
double source_position(ResizeCoords coords, const AxisSpec& axis, double at) {
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
      return out == 1 ? -0.5 : (at + 0.5) / axis.scale - 0.5;
    case ResizeCoords::kAlignCorners:
      return out == 1 ? 0 : at * (in - 1) / (out - 1);
    case ResizeCoords::kAsymmetric:
      return at / axis.scale;
    case ResizeCoords::kTfHalfPixelForNearest:
      return (at + 0.5) / axis.scale;
    case ResizeCoords::kTfCropAndResize: {
      const double extent = (axis.roi_end - axis.roi_begin) * (in - 1);
      const double offset = out == 1 ? extent / 2 : at * extent / (out - 1);
      return offset + axis.roi_begin * (in - 1);
    }
  }
  return 0;
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

ResizeAxis make_axis(const Resize& op, const AxisSpec& spec) {
  ResizeAxis axis;
  std::vector<double> weights;
  for (int64_t at = 0; at < spec.out; ++at) {
    // Far outside of the input, where the result no longer depends on it, positions are cut off.
    const double limit = 4.0 * static_cast<double>(kMaxDim);
    const double position =
        std::clamp(source_position(op.coords, spec, static_cast<double>(at)), -limit, limit);
    const double floor = std::floor(position);
    const double ratio = position == floor ? 1 : position - floor;
    window_weights(op, spec.scale, ratio, weights);
    const auto size = static_cast<int64_t>(weights.size());
    // A position on the grid counts as ratio 1 behind the grid point before it.
    const int64_t grid = static_cast<int64_t>(floor) - (position == floor ? 1 : 0);
    const int64_t first = grid - (size / 2 - 1);
    if (op.exclude_outside) {
      double sum = 0;
      for (int64_t i = 0; i < size; ++i) {
        double& weight = weights[static_cast<size_t>(i)];
        if (first + i < 0 || first + i >= spec.in) weight = 0;
        sum += weight;
      }
      if (sum != 0) {
        for (double& weight : weights) weight /= sum;
      }
    }
    // Beyond the edges the edge elements repeat: their weights gather at the edge.
    ResizeWindow window;
    window.first = std::clamp<int64_t>(first, 0, spec.in - 1);
    window.count = std::clamp<int64_t>(first + size - 1, 0, spec.in - 1) - window.first + 1;
    window.weights = axis.weights.size();
    window.outside = op.coords == ResizeCoords::kTfCropAndResize &&
                     (position < 0 || position > static_cast<double>(spec.in - 1));
    axis.weights.resize(axis.weights.size() + static_cast<size_t>(window.count));
    for (int64_t i = 0; i < size; ++i) {
      const int64_t source = std::clamp<int64_t>(first + i, 0, spec.in - 1);
      axis.weights[window.weights + static_cast<size_t>(source - window.first)] +=
          weights[static_cast<size_t>(i)];
    }
    axis.windows.push_back(window);
  }
  return axis;
}

}  // namespace

std::vector<ResizeAxis> make_resize_axes(const Resize& op, const Dims& in) {
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
