// Resize of images (N, C, H, W) over H and W. Where channels are innermost in memory, every output
// pixel is a weighted sum of input pixels, over all channels at once; where rows are, an output row
// is first put together from whole input rows and then from elements of that.
#include <algorithm>
#include <array>
#include <cstring>

#include "runtime/kernels/cpu/elementwise_loops.h"
#include "runtime/kernels/cpu/kernels.h"
#include "runtime/kernels/reference/reference.h"
#include "runtime/kernels/resize_axis.h"

namespace memopt::cpu {
namespace {

constexpr int64_t kMaxTaps = 16;   // per pixel: cubic in two dimensions
constexpr int64_t kMaxRow = 4096;  // elements of an input row that fit on the stack
// Of all extents of the result together. supports() works out a window for each before anybody has
// the memory that such a result needs.
constexpr int64_t kMaxWindows = int64_t{1} << 18;

// The windows of an axis with single-precision weights.
struct Axis {
  struct Window {
    int64_t first;
    int64_t count;
    const float* weights;
  };
  explicit Axis(const ResizeAxis& axis) : weights(axis.weights.begin(), axis.weights.end()) {
    for (const ResizeWindow& w : axis.windows) {
      windows.push_back({w.first, w.count, weights.data() + w.weights});
    }
  }
  Axis(const Axis&) = delete;  // windows point into weights
  std::vector<float> weights;
  std::vector<Window> windows;
};

// Every output is one input as it is: nearest.
bool copies(const ResizeAxis& axis) {
  for (const ResizeWindow& window : axis.windows) {
    int64_t taken = 0;
    for (int64_t i = 0; i < window.count; ++i) {
      const double weight = axis.weights[window.weights + static_cast<size_t>(i)];
      if (weight != 0 && weight != 1) return false;
      taken += weight == 1 ? 1 : 0;
    }
    if (taken != 1) return false;
  }
  return true;
}

// Drops taps of weight 0 at both ends, so that a copying window has one tap.
ResizeAxis trimmed(ResizeAxis axis) {
  for (ResizeWindow& window : axis.windows) {
    while (window.count > 1 && axis.weights[window.weights] == 0) {
      ++window.first;
      ++window.weights;
      --window.count;
    }
    while (window.count > 1 &&
           axis.weights[window.weights + static_cast<size_t>(window.count - 1)] == 0) {
      --window.count;
    }
  }
  return axis;
}

int64_t most_taps(const ResizeAxis& axis) {
  int64_t most = 0;
  for (const ResizeWindow& window : axis.windows) most = std::max(most, window.count);
  return most;
}

bool has_outside(const ResizeAxis& axis) {
  for (const ResizeWindow& window : axis.windows) {
    if (window.outside) return true;
  }
  return false;
}

bool is_identity(const ResizeAxis& axis, int64_t extent) {
  if (static_cast<int64_t>(axis.windows.size()) != extent || !copies(axis)) return false;
  for (int64_t i = 0; i < extent; ++i) {
    if (axis.windows[static_cast<size_t>(i)].first != i) return false;
  }
  return true;
}

enum class Inner : uint8_t { kChannels, kRows, kNeither };

Inner inner_dimension(const Operand& x, const Operand& y) {
  if (x.strides[1] == 1 && y.strides[1] == 1) return Inner::kChannels;
  if (x.strides[3] == 1 && y.strides[3] == 1) return Inner::kRows;
  return Inner::kNeither;
}

std::vector<ResizeAxis> axes_of(const KernelRequest& request) {
  std::vector<ResizeAxis> axes =
      make_resize_axes(std::get<Resize>(*request.op), request.inputs[0].dims);
  for (ResizeAxis& axis : axes) axis = trimmed(std::move(axis));
  return axes;
}

bool supports(const KernelRequest& request) {
  const Operand& x = request.inputs[0];
  const Operand& y = request.outputs[0];
  if (x.layout == Layout::kPacked || y.layout == Layout::kPacked || x.dims.rank() != 4)
    return false;
  int64_t windows = 0;
  for (const int64_t extent : y.dims) windows += extent;
  if (windows > kMaxWindows) return false;
  const Inner inner = inner_dimension(x, y);
  if (inner == Inner::kNeither || (inner == Inner::kRows && x.dims[3] > kMaxRow)) return false;
  const std::vector<ResizeAxis> axes = axes_of(request);
  if (!is_identity(axes[0], x.dims[0]) || !is_identity(axes[1], x.dims[1])) return false;
  if (std::any_of(axes.begin(), axes.end(), has_outside)) return false;
  if (x.dtype != DType::kF32) {
    return inner == Inner::kChannels && dtype_bits(x.dtype) >= 8 && copies(axes[2]) &&
           copies(axes[3]);
  }
  return most_taps(axes[2]) * most_taps(axes[3]) <= kMaxTaps;
}

class ResizeKernel final : public Kernel {
 public:
  explicit ResizeKernel(const KernelRequest& request) : ResizeKernel(request, axes_of(request)) {}

  Status run(const RunContext& context) override {
    const Tensor& y = context.outputs[0];
    if (inner_ == Inner::kChannels) {
      const int64_t rows = y.dims[0] * y.dims[2];
      const int64_t grain =
          std::max<int64_t>(kChunkElements / std::max<int64_t>(y.dims[1] * y.dims[3], 1), 1);
      for_each_range(context.parallel, rows, grain, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          pixel_row(context, row / y.dims[2], row % y.dims[2]);
        }
      });
    } else {
      const int64_t rows = y.dims[0] * y.dims[1] * y.dims[2];
      const int64_t grain = std::max<int64_t>(kChunkElements / std::max<int64_t>(y.dims[3], 1), 1);
      for_each_range(context.parallel, rows, grain, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) plane_row(context, row);
      });
    }
    return {};
  }

 private:
  ResizeKernel(const KernelRequest& request, const std::vector<ResizeAxis>& axes)
      : inner_(inner_dimension(request.inputs[0], request.outputs[0])),
        width_(dtype_bits(request.inputs[0].dtype) / 8),
        weigh_(elementwise_loops(request.target.isa).weigh),
        vertical_(axes[2]),
        horizontal_(axes[3]) {}

  // Output row `oy` of image `n`, channels innermost.
  void pixel_row(const RunContext& context, int64_t n, int64_t oy) const {
    const Tensor& x = context.inputs[0];
    const Tensor& y = context.outputs[0];
    const int64_t channels = y.dims[1];
    const Axis::Window& v = vertical_.windows[static_cast<size_t>(oy)];
    const int64_t from = n * x.strides[0] + v.first * x.strides[2];
    for (int64_t ox = 0; ox < y.dims[3]; ++ox) {
      const Axis::Window& h = horizontal_.windows[static_cast<size_t>(ox)];
      const int64_t first = from + h.first * x.strides[3];
      const int64_t to = n * y.strides[0] + oy * y.strides[2] + ox * y.strides[3];
      if (v.count == 1 && h.count == 1 && v.weights[0] == 1 && h.weights[0] == 1) {
        std::memcpy(y.as<std::byte>() + to * width_, x.as<std::byte>() + first * width_,
                    static_cast<size_t>(channels * width_));
        continue;
      }
      std::array<const float*, kMaxTaps> taps;
      std::array<float, kMaxTaps> weights;
      size_t count = 0;
      for (int64_t i = 0; i < v.count; ++i) {
        for (int64_t j = 0; j < h.count; ++j, ++count) {
          taps[count] = x.as<float>() + first + i * x.strides[2] + j * x.strides[3];
          weights[count] = v.weights[i] * h.weights[j];
        }
      }
      weigh_(y.as<float>() + to, taps.data(), weights.data(), static_cast<int64_t>(count),
             channels);
    }
  }

  // Row `row` of all images, channels and rows of the output, elements of a row innermost.
  void plane_row(const RunContext& context, int64_t row) const {
    const Tensor& x = context.inputs[0];
    const Tensor& y = context.outputs[0];
    const int64_t oy = row % y.dims[2];
    const int64_t c = row / y.dims[2] % y.dims[1];
    const int64_t n = row / y.dims[2] / y.dims[1];
    const Axis::Window& v = vertical_.windows[static_cast<size_t>(oy)];
    const float* source =
        x.as<float>() + n * x.strides[0] + c * x.strides[1] + v.first * x.strides[2];
    std::array<float, kMaxRow> sum;
    if (v.count > 1 || v.weights[0] != 1) {
      std::array<const float*, kMaxTaps> taps;
      for (int64_t i = 0; i < v.count; ++i) {
        taps[static_cast<size_t>(i)] = source + i * x.strides[2];
      }
      weigh_(sum.data(), taps.data(), v.weights, v.count, x.dims[3]);
      source = sum.data();
    }
    float* const to = y.as<float>() + n * y.strides[0] + c * y.strides[1] + oy * y.strides[2];
    for (int64_t ox = 0; ox < y.dims[3]; ++ox) {
      const Axis::Window& h = horizontal_.windows[static_cast<size_t>(ox)];
      float total = h.weights[0] * source[h.first];
      for (int64_t j = 1; j < h.count; ++j) total += h.weights[j] * source[h.first + j];
      to[ox] = total;
    }
  }

  Inner inner_;
  int64_t width_;  // bytes of an element
  WeighLoop weigh_;
  Axis vertical_;
  Axis horizontal_;
};

}  // namespace

const KernelDef* resize() {
  static constexpr KernelDef kDef{
      .name = "resize.rows",
      .op = kOpKind<Resize>,
      .supports = supports,
      .create = [](const KernelRequest& request) -> Result<std::unique_ptr<Kernel>> {
        return std::unique_ptr<Kernel>(new ResizeKernel(request));
      }};
  return &kDef;
}

}  // namespace memopt::cpu
