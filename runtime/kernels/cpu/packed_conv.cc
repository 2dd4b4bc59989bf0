// conv.packed: convolutions with contiguous channels (nhwc) as products of what
// lies under the taps of the window with packed weights. Nothing is copied: a tile of output
// positions reads its input through pointers, one per position and tap, as in the indirect
// convolution of Dukhan ("The Indirect Convolution Algorithm", 2019), but made when the tile is
// computed, so that they take no memory. Where the window leaves the image they point to zeros.
#include <array>

#include "runtime/kernels/cpu/kernels.h"
#include "runtime/kernels/cpu/panels.h"
#include "runtime/kernels/cpu/simd_kernel.h"
#include "runtime/kernels/strided.h"
#include "runtime/kernels/window.h"

namespace memopt::cpu {
namespace {

constexpr int64_t kMostTaps = 1024;
constexpr int64_t kMostPointers = 2048;        // of a tile: they lie on the stack
constexpr int64_t kMostPaddedChannels = 8192;  // that a window beside the image reads
float zeros[kMostPaddedChannels];              // never written

// One matrix per group, whose rows are the taps, each with its channels, and whose columns are the
// filters; a depthwise convolution has one of all its channels, without panels.
struct Weights {
  const PanelLoops* loops = nullptr;
  bool depthwise = false;
  int64_t group = 1;
  int64_t taps = 1;
  int64_t channels = 0;  // of a group, under one tap
  int64_t filters = 0;   // of a group
  int64_t width = 0;     // of a panel
  int64_t rows() const { return depthwise ? taps : taps * channels; }
  std::optional<int64_t> bytes() const { return panel_bytes(group, rows(), filters, width); }
};

Weights weights_of(const Conv& op, const Dims& w, Isa isa) {
  Weights weights{.loops = nullptr,
                  .depthwise = op.group == w[0] && w[1] == 1,
                  .group = op.group,
                  .taps = 1,
                  .channels = w[1],
                  .filters = w[0] / op.group,
                  .width = 0};
  for (int i = 2; i < w.rank(); ++i) weights.taps *= w[i];
  if (weights.depthwise) {
    weights.group = 1;
    weights.channels = weights.filters = w[0];
  }
  // A vector that is less than half full is a long way for a few columns.
  constexpr int64_t kFewFilters = 8;
  if (isa > Isa::kAvx2 && weights.filters <= kFewFilters) isa = Isa::kAvx2;
  weights.loops = &panel_loops(isa);
  weights.width = weights.depthwise ? weights.filters : weights.loops->width;
  return weights;
}

bool supports(const KernelRequest& request) {
  const auto& op = std::get<Conv>(*request.op);
  const Operand& x = request.inputs[0];
  const Operand& w = request.inputs[1];
  const Operand& y = request.outputs[0];
  const auto is_nhwc = [](const Operand& operand) {
    return is_plain_f32(operand) && is_contiguous(operand.dims, operand.strides, 1);
  };
  if (!is_nhwc(x) || !is_nhwc(y) || !w.present || !w.constant || w.dtype != DType::kF32 ||
      x.dims.rank() < 3 || x.dims.rank() > 5) {
    return false;
  }
  if (w.layout != Layout::kPacked && !is_dense(w.dims, w.strides, Layout::kRowMajor)) return false;
  if (request.inputs.size() > 2 && request.inputs[2].present) {
    const Operand& bias = request.inputs[2];
    if (!is_plain_f32(bias) || !is_contiguous(bias.dims, bias.strides, 0)) return false;
  }
  if (request.inputs.size() > 3 && request.inputs[3].present && !is_nhwc(request.inputs[3])) {
    return false;
  }
  int64_t taps = 1;
  bool padded = false;
  for (int i = 2; i < w.dims.rank(); ++i) {
    if (w.dims[i] > kMostTaps) return false;
    taps *= w.dims[i];
    if (taps > kMostTaps) return false;
  }
  for (const int64_t pad : op.pads) padded |= pad > 0;
  const Weights weights = weights_of(op, w.dims, request.target.isa);
  if (padded && weights.channels > kMostPaddedChannels) return false;
  return y.dims.count() > 0 && weights.rows() > 0 && weights.bytes() &&
         after_product(op.activation, request.target.isa);
}

Weights weights_of(const KernelRequest& request) {
  return weights_of(std::get<Conv>(*request.op), request.inputs[1].dims, request.target.isa);
}

Result<KernelNeeds> needs(const KernelRequest& request) {
  const Weights weights = weights_of(request);
  // The same tensor may be the weights of convolutions with other groups.
  constexpr uint64_t kMostWidth = 64;
  const uint64_t order = weights.depthwise ? 0
                                           : static_cast<uint64_t>(weights.group) * kMostWidth +
                                                 static_cast<uint64_t>(weights.width);
  return KernelNeeds{.packed = {{1, *weights.bytes(), order}}};
}

Status pack(const KernelRequest& request, int, std::span<std::byte> destination) {
  const Operand& w = request.inputs[1];
  const Weights weights = weights_of(request);
  // Taps of a filter are neighbours, then come its channels, as the tensor has them.
  const int64_t filter = weights.taps * w.dims[1];
  auto* to = reinterpret_cast<float*>(destination.data());
  for (int64_t group = 0; group < weights.group; ++group) {
    const float* const from = static_cast<const float*>(w.data) + group * weights.filters * filter;
    const auto row_at = [&](int64_t row) {
      return from + row % w.dims[1] * weights.taps + row / w.dims[1];
    };
    pack_panels(row_at, weights.rows(), weights.filters, filter, weights.width, to);
    to += weights.rows() * panel_columns(weights.filters, weights.width);
  }
  return {};
}

// A convolution with everything that its tiles share.
class Convolution {
 public:
  Convolution(const Conv& op, Isa isa, const RunContext& context)
      : x_(context.inputs[0]),
        y_(context.outputs[0]),
        weights_(weights_of(op, context.inputs[1].dims, isa)),
        axes_(window_axes(x_, y_, context.inputs[1].dims.span().subspan(2), op.strides,
                          op.dilations, op.pads)),
        loops_(*weights_.loops),
        after_(*after_product(op.activation, isa)),
        w_(context.inputs[1].as<float>()),
        bias_(context.inputs.size() > 2 ? context.inputs[2].as<float>() : nullptr),
        residual_(context.inputs.size() > 3 && context.inputs[3].data != nullptr
                      ? &context.inputs[3]
                      : nullptr),
        residual_axes_(axes_) {
    if (residual_ != nullptr) {
      for (int i = 2; i < y_.rank(); ++i) {
        residual_axes_[static_cast<size_t>(i + 3 - y_.rank())].y_step = residual_->strides[i];
      }
    }
    join_lines(axes_, residual_axes_);
    const int64_t most = std::min(loops_.most_rows, kMostPointers / weights_.taps);
    cut_lines(most);
    if (stretches_ == 0) {
      tiles_ = (positions(axes_) + most - 1) / most;
      rows_ = positions(axes_) / tiles_;
      longer_ = positions(axes_) % tiles_;
    }
    const WindowAxis& line = axes_[2];
    lines_ = !weights_.depthwise && line.kernel > 1 && line.dilation == 1 &&
             line.x_step == weights_.channels &&
             line.kernel * weights_.channels <= kMostPaddedChannels;
  }

  void run(Parallel* parallel) const {
    // A depthwise convolution has no panels, but is cut as if it had.
    const Panels panels{weights_.rows(), weights_.filters, loops_.width};
    for_each_tile_range(parallel, x_.dims[0] * weights_.group * tiles_, panels,
                        [&](int64_t tile, int64_t end, int64_t column, int64_t columns) {
                          Cursor at = cursor(tile);
                          for (; tile < end; ++tile) run_tile(at, column, columns);
                        });
  }

 private:
  // Where the window is one position of a line that continues in the next one, all lines are one.
  static void join_lines(WindowAxes& axes, WindowAxes& residual) {
    const auto is_plain = [](const WindowAxis& a) {
      return a.kernel == 1 && a.stride == 1 && a.pad == 0 && a.in == a.out;
    };
    for (int i = 1; i >= 0; --i) {
      const auto at = static_cast<size_t>(i);
      WindowAxis& line = axes[2];
      if (axes[at].in == 1 && is_plain(axes[at])) continue;
      if (!is_plain(axes[at]) || !is_plain(line) || axes[at].x_step != line.in * line.x_step ||
          axes[at].y_step != line.out * line.y_step ||
          residual[at].y_step != line.out * residual[2].y_step) {
        return;
      }
      line.in = line.out = line.in * axes[at].in;
      axes[at] = residual[at] = {};
    }
  }

  // Long lines are cut into stretches instead of tiles: what sees the image's edges, if anything
  // does, as one tile at each end, and even runs between them, which take no pointers.
  void cut_lines(int64_t most) {
    constexpr int64_t kRunFloats = 1 << 15;  // that a run reads of x, so that it stays in the cache
    const WindowAxis& line = axes_[2];
    const int64_t reach = (line.kernel - 1) * line.dilation;
    const int64_t begin = std::max<int64_t>(0, (line.pad + line.stride - 1) / line.stride);
    const int64_t room = line.in - 1 - reach + line.pad;  // for the begin of the last whole window
    const int64_t end = room < 0 ? 0 : std::min(line.out, room / line.stride + 1);
    if (line.out < 3 * most || begin > most || end < line.out - most) return;
    head_ = begin > 0 ? most : 0;
    tail_ = end < line.out ? most : 0;
    const int64_t run = std::clamp(kRunFloats / weights_.channels, most, 32 * most);
    const int64_t between = line.out - head_ - tail_;
    runs_ = (between + run - 1) / run;
    stretches_ = runs_ + (head_ > 0 ? 1 : 0) + (tail_ > 0 ? 1 : 0);
    tiles_ = axes_[0].out * axes_[1].out * stretches_;
  }
  // Consecutive output positions of a group.
  struct Range {
    int64_t begin, count;
  };
  Range positions_of(int64_t tile) const {
    if (stretches_ == 0) {
      return {tile * rows_ + std::min(tile, longer_), rows_ + (tile < longer_ ? 1 : 0)};
    }
    const int64_t line = tile / stretches_ * axes_[2].out;
    int64_t index = tile % stretches_;
    if (head_ > 0 && index-- == 0) return {line, head_};
    if (index == runs_) return {line + axes_[2].out - tail_, tail_};
    const int64_t between = axes_[2].out - head_ - tail_;
    const int64_t begin = between * index / runs_;
    return {line + head_ + begin, between * (index + 1) / runs_ - begin};
  }

  // A tile, and the output position at which it begins. Tiles follow each other without divisions.
  struct Cursor {
    int64_t image, group, tile;
    int64_t d, h, w;
  };
  Cursor cursor(int64_t tile) const {
    const int64_t of_group = tile % tiles_;
    const auto [d, h, w] = position(axes_, positions_of(of_group).begin);
    return {tile / tiles_ / weights_.group, tile / tiles_ % weights_.group, of_group, d, h, w};
  }

  // Leaves the cursor at the next tile.
  void run_tile(Cursor& at, int64_t column, int64_t columns) const {
    const int64_t group = at.group;
    const int64_t rows = positions_of(at.tile).count;
    const bool run = rows > loops_.most_rows;  // even: pointers to its first row are enough
    const float* const x = x_.as<float>() + at.image * x_.strides[0] +
                           (weights_.depthwise ? column : group * weights_.channels);
    const int64_t filter = group * weights_.filters + column;
    float* const y = y_.as<float>() + at.image * y_.strides[0] + filter;
    const float* const residual =
        residual_ == nullptr ? nullptr
                             : residual_->as<float>() + at.image * residual_->strides[0] + filter;
    Segments segments;
    std::array<float*, kMostPanelRows> to;
    std::array<const float*, kMostPanelRows> added;
    for (int64_t row = 0; row < rows;) {
      const int64_t n = std::min(rows - row, axes_[2].out - at.w);
      const int64_t pointers = run ? 1 : n;
      segments.list[segments.count++] = segment(at, n);
      advance(to.data() + row, pointers, y + offset(axes_, at), axes_[2].y_step);
      if (residual != nullptr) {
        advance(added.data() + row, pointers, residual + offset(residual_axes_, at),
                residual_axes_[2].y_step);
      }
      row += n;
      at.w += n;
      if (at.w < axes_[2].out) continue;
      at.w = 0;
      if (++at.h < axes_[1].out) continue;
      at.h = 0;
      ++at.d;
    }
    if (++at.tile == tiles_) {
      at.tile = at.d = at.h = at.w = 0;
      if (++at.group == weights_.group) {
        at.group = 0;
        ++at.image;
      }
    }

    std::array<const float*, kMostPointers> pointers;
    std::array<int64_t, kMostTaps> w_rows;
    PanelTile product{.rows = rows,
                      .depth = weights_.channels,
                      .x = pointers.data(),
                      .w_rows = w_rows.data(),
                      .panel_rows = weights_.depthwise ? weights_.width : weights_.rows(),
                      .w = w_ + weights_at(group, column),
                      .columns = columns,
                      .y = to.data(),
                      .y_step = axes_[2].y_step,
                      .bias = bias_ == nullptr ? nullptr : bias_ + filter,
                      .residual = residual == nullptr ? nullptr : added.data(),
                      .residual_step = residual_axes_[2].y_step,
                      .low = after_.low,
                      .high = after_.high};
    find_spans(x, segments, product, pointers.data(), w_rows.data());
    if (product.even && product.spans > 0) prefetch_next(product);
    (weights_.depthwise ? loops_.weigh : loops_.multiply)(product);
    after_.apply(product);
  }

  // Where the panels of a column begin, in floats.
  int64_t weights_at(int64_t group, int64_t column) const {
    if (weights_.depthwise) return column;
    return weights_.rows() * (group * panel_columns(weights_.filters, weights_.width) + column);
  }

  // Neighbouring positions of one line of the output, and where the window of the first of them
  // begins in the input: coordinates may be beside the image.
  struct Segment {
    int64_t from;  // in floats from where the image's channels begin
    int64_t d, h, w;
    int64_t count;
  };
  struct Segments {
    std::array<Segment, kMostPanelRows> list;
    size_t count = 0;
    auto begin() const { return list.begin(); }
    auto end() const { return list.begin() + count; }
  };
  Segment segment(const Cursor& at, int64_t count) const {
    Segment s{.from = 0,
              .d = at.d * axes_[0].stride - axes_[0].pad,
              .h = at.h * axes_[1].stride - axes_[1].pad,
              .w = at.w * axes_[2].stride - axes_[2].pad,
              .count = count};
    s.from = s.d * axes_[0].x_step + s.h * axes_[1].x_step + s.w * axes_[2].x_step;
    return s;
  }
  template <typename T>
  static void advance(T** to, int64_t count, T* from, int64_t step) {
    for (int64_t i = 0; i < count; ++i, from += step) to[i] = from;
  }
  static int64_t offset(const WindowAxes& axes, const Cursor& at) {
    return at.d * axes[0].y_step + at.h * axes[1].y_step + at.w * axes[2].y_step;
  }

  // The pointers of a tile, span by span: a span is a tap or, where the taps of a line are
  // neighbours and inside of the image for all positions, a line of them. Spans that only see zeros
  // are left out.
  void find_spans(const float* x, const Segments& segments, PanelTile& product,
                  const float** pointers, int64_t* w_rows) const {
    const WindowAxis& line = axes_[2];
    const bool line_fits = std::all_of(segments.begin(), segments.end(), [&](const Segment& s) {
      return s.w >= 0 &&
             s.w + (s.count - 1) * line.stride + (line.kernel - 1) * line.dilation < line.in;
    });
    const int64_t taps = line_fits && lines_ ? line.kernel : 1;  // of a span
    const bool even = line_fits && segments.count == 1;          // all rows are equally far apart
    product.depth = weights_.channels * taps;
    product.even = even;
    product.x_step = line.stride * line.x_step;
    for (int64_t first = 0; first < weights_.taps; first += line.kernel) {
      const int64_t d = first / line.kernel / axes_[1].kernel * axes_[0].dilation;
      const int64_t h = first / line.kernel % axes_[1].kernel * axes_[1].dilation;
      const auto sees_line = [&](const Segment& s) {
        return is_inside(s.d + d, axes_[0].in) && is_inside(s.h + h, axes_[1].in);
      };
      if (std::none_of(segments.begin(), segments.end(), sees_line)) continue;
      const int64_t moved_line = d * axes_[0].x_step + h * axes_[1].x_step;
      for (int64_t tap = 0; tap < line.kernel; tap += taps) {
        const int64_t w = tap * line.dilation;
        const int64_t moved_tap = moved_line + w * line.x_step;
        bool any = even;
        if (even) {
          *pointers++ = x + segments.list[0].from + moved_tap;
        } else {
          const float** to = pointers;
          for (const Segment& s : segments) {
            any |= put_pointers(s, sees_line(s), w, x, s.from + moved_tap, to);
            to += s.count;
          }
          if (any) pointers = to;
        }
        if (any)
          w_rows[product.spans++] = (first + tap) * (weights_.depthwise ? 1 : weights_.channels);
      }
    }
  }

  // What the next tile reads first: the last line of its window, behind that of this one.
  static void prefetch_next(const PanelTile& tile) {
    constexpr int64_t kLine = 64, kMost = 128 * kLine;
    const float* const next = tile.x[tile.spans - 1] + tile.rows * tile.x_step;
    const int64_t bytes = std::min(tile.rows * tile.x_step * 4, kMost);
    for (int64_t at = 0; at < bytes; at += kLine) __builtin_prefetch(next + at / 4, 0, 2);
  }

  // One pointer for each position of a segment, `from` for the first one, under a tap that is `w`
  // columns behind the first; zeros beside the image. Whether any is inside.
  bool put_pointers(const Segment& s, bool sees_line, int64_t w, const float* x, int64_t from,
                    const float** to) const {
    const WindowAxis& line = axes_[2];
    int64_t begin = 0, end = sees_line ? s.count : 0;
    const int64_t at = s.w + w;
    if (at < 0) begin = std::min(end, (-at + line.stride - 1) / line.stride);
    if (at + (s.count - 1) * line.stride >= line.in) {
      end = std::clamp((line.in - at + line.stride - 1) / line.stride, begin, end);
    }
    for (int64_t i = 0; i < begin; ++i) to[i] = zeros;
    const int64_t step = line.stride * line.x_step;
    for (int64_t i = begin; i < end; ++i) to[i] = x + from + i * step;
    for (int64_t i = end; i < s.count; ++i) to[i] = zeros;
    return begin < end;
  }
  static bool is_inside(int64_t at, int64_t extent) {
    return static_cast<uint64_t>(at) < static_cast<uint64_t>(extent);
  }

  const Tensor& x_;
  const Tensor& y_;
  const Weights weights_;
  WindowAxes axes_;
  const PanelLoops& loops_;
  const AfterProduct after_;
  const float* const w_;
  const float* const bias_;
  const Tensor* const residual_;
  WindowAxes residual_axes_;  // with its steps in place of those of y
  int64_t tiles_ = 0;         // of an image and group
  // Of a line that is cut into stretches; 0: tiles go on in the next line.
  int64_t stretches_ = 0;
  int64_t runs_ = 0;             // of them between the ends
  int64_t head_ = 0, tail_ = 0;  // positions of the ends
  int64_t rows_ = 0;             // of a tile; the first `longer_` ones have one more
  int64_t longer_ = 0;
  bool lines_ = false;  // whether the taps of a line can be neighbours
};

Status run(const Conv& op, Isa isa, const RunContext& context) {
  Convolution(op, isa, context).run(context.parallel);
  return {};
}

}  // namespace

const KernelDef* packed_conv() {
  static constexpr KernelDef kDef =
      simd_def<Conv, run>("conv.packed", supports, over_residual, needs, pack);
  return &kDef;
}

}  // namespace memopt::cpu
