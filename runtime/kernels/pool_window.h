// Pooling windows: where each lies on x, and walking over all of them. Coordinates always exist for
// three spatial dimensions (runtime/kernels/window.h).
#pragma once

#include "runtime/kernels/strided.h"
#include "runtime/kernels/window.h"
#include "runtime/ops/reduction.h"

namespace memopt {

// One output position: the taps [begin, end) of each axis that fall inside of x.
struct Taps {
  std::array<int64_t, 3> begin{};
  std::array<int64_t, 3> end{};
  std::array<int64_t, 3> start{};  // the input coordinate of tap 0
  int64_t inside = 1;              // taps on x
  int64_t padded = 1;              // taps on x or its padding
};

// `pads_end` bounds the padding behind x, which a window of ceil mode may leave.
inline Taps taps_at(const WindowAxes& axes, const std::array<int64_t, 3>& pads_end,
                    const std::array<int64_t, 3>& at) {
  Taps taps;
  for (size_t i = 0; i < 3; ++i) {
    const WindowAxis& axis = axes[i];
    const auto taps_below = [&](int64_t limit) {  // taps with start + tap * dilation < limit
      const int64_t room = limit - taps.start[i];
      return std::clamp<int64_t>((room + axis.dilation - 1) / axis.dilation, 0, axis.kernel);
    };
    taps.start[i] = at[i] * axis.stride - axis.pad;
    if (taps.start[i] >= 0 && taps.start[i] + (axis.kernel - 1) * axis.dilation < axis.in) {
      taps.end[i] = axis.kernel;  // the usual case, without divisions
      taps.inside *= axis.kernel;
      taps.padded *= axis.kernel;
      continue;
    }
    taps.begin[i] = taps.start[i] < 0 ? taps_below(0) : 0;
    taps.end[i] = taps.start[i] < axis.in ? taps_below(axis.in) : 0;
    const int64_t end = axis.in + pads_end[i];
    taps.inside *= std::max<int64_t>(0, taps.end[i] - taps.begin[i]);
    taps.padded *= taps.start[i] < end ? taps_below(end) : 0;
  }
  return taps;
}

// Everything about x and y that the walk needs.
struct PoolShape {
  WindowAxes axes;
  std::array<int64_t, 3> pads_end{};
  int64_t batch, channels;
  int64_t x_batch, x_channel, y_batch, y_channel;
};

inline PoolShape pool_shape(const Pool& op, const Tensor& x, const Tensor& y) {
  PoolShape shape{.axes = window_axes(x, y, op.kernel, op.strides, op.dilations, op.pads),
                  .batch = x.dims[0],
                  .channels = x.dims[1],
                  .x_batch = x.strides[0],
                  .x_channel = x.strides[1],
                  .y_batch = y.strides[0],
                  .y_channel = y.strides[1]};
  const size_t n = op.kernel.size();
  for (size_t i = 0; i < n; ++i) shape.pads_end[3 - n + i] = op.pads[n + i];
  return shape;
}

// One window of a block of channels.
struct WindowBlock {
  const Taps& taps;
  int64_t image, channel, channels;
  std::array<int64_t, 3> at;
  int64_t x, y;  // offsets of the first channel: of input coordinate 0, of the output position
};

// Calls body(block) for every window and block of at most `block_channels` channels. Rows of
// windows are independent pieces of work.
template <typename F>
void for_each_window(const PoolShape& shape, int64_t block_channels, Parallel* parallel, F&& body) {
  const WindowAxis &depth = shape.axes[0], &height = shape.axes[1], &width = shape.axes[2];
  const int64_t blocks = (shape.channels + block_channels - 1) / block_channels;
  for_each_chunk(parallel, shape.batch * depth.out * height.out * blocks, [&](int64_t chunk) {
    const int64_t channel = chunk % blocks * block_channels;
    const int64_t row = chunk / blocks;
    const int64_t image = row / (depth.out * height.out);
    std::array<int64_t, 3> at = {row / height.out % depth.out, row % height.out, 0};
    for (; at[2] < width.out; ++at[2]) {
      const Taps taps = taps_at(shape.axes, shape.pads_end, at);
      int64_t y = image * shape.y_batch + channel * shape.y_channel;
      for (size_t i = 0; i < 3; ++i) y += at[i] * shape.axes[i].y_step;
      const int64_t x = image * shape.x_batch + channel * shape.x_channel;
      body(WindowBlock{taps, image, channel, std::min(block_channels, shape.channels - channel), at,
                       x, y});
    }
  });
}

// Calls body(x_offset, coordinates) for every tap of the window on x.
template <typename F>
void for_each_tap(const PoolShape& shape, const WindowBlock& window, F&& body) {
  const Taps& taps = window.taps;
  const auto coordinate = [&](size_t i, int64_t tap) {
    return taps.start[i] + tap * shape.axes[i].dilation;
  };
  for (int64_t kd = taps.begin[0]; kd < taps.end[0]; ++kd) {
    for (int64_t kh = taps.begin[1]; kh < taps.end[1]; ++kh) {
      for (int64_t kw = taps.begin[2]; kw < taps.end[2]; ++kw) {
        const std::array<int64_t, 3> in = {coordinate(0, kd), coordinate(1, kh), coordinate(2, kw)};
        int64_t x = window.x;
        for (size_t i = 0; i < 3; ++i) x += in[i] * shape.axes[i].x_step;
        body(x, in);
      }
    }
  }
}

}  // namespace memopt
