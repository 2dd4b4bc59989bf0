#include "runtime/kernels/onednn/convolution.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "runtime/base/checked.h"

namespace memopt::onednn {
namespace {

// Larger tensors than this have no business in one convolution; products of a few extents stay
// within 64 bits.
constexpr int64_t kMaxElements = int64_t{1} << 40;

Error unsupported(const char* why) { return internal_error(std::string("oneDNN: ") + why); }

bool has_valid_extents(const Operand& operand) {
  int64_t count = 1;
  for (const int64_t dim : operand.dims) {
    const auto product = checked_mul(count, dim);
    if (dim < 1 || !product || *product > kMaxElements) return false;
    count = *product;
  }
  return true;
}

// The library keeps tables with an entry of 64 bytes per column of the output, and counts columns
// in 32 bits.
bool fits_tables(int64_t x, int64_t y, int64_t window) {
  constexpr int64_t kMaxColumns = int64_t{1} << 21;
  return y <= kMaxColumns && window <= kMaxColumns && x <= 16 * kMaxColumns;
}

bool is_small_and_positive(int64_t value) { return value >= 1 && value < (1 << 20); }

// The axis of a convolution that does nothing along all others; none if it has several, or none.
std::optional<int> only_axis(const ConvShape& shape) {
  std::optional<int> found;
  for (int i = 0; i < shape.spatial; ++i) {
    if (shape.x[i + 2] == 1 && shape.w[i + 2] == 1 && shape.y[i + 2] == 1) continue;
    if (found) return std::nullopt;
    found = i;
  }
  return found;
}

// Along `axis` only: one column per image.
ConvShape as_line(const ConvShape& shape, int axis) {
  const auto column = [&](const Dims& dims) { return Dims{dims[0], dims[1], dims[axis + 2], 1}; };
  return {.spatial = 2,
          .group = shape.group,
          .x = column(shape.x),
          .w = column(shape.w),
          .y = column(shape.y),
          .strides = {shape.strides[axis], 1},
          .dilations = {shape.dilations[axis], 1},
          .pads_begin = {shape.pads_begin[axis], 0},
          .pads_end = {shape.pads_end[axis], 0},
          .is_line = true};
}

// What the library sees of a line: its last two dimensions change places.
Dims turned(const ConvShape& shape, Dims dims) {
  if (shape.is_line) std::swap(dims[dims.rank() - 1], dims[dims.rank() - 2]);
  return dims;
}

// All spatial dimensions and images become rows of one image of width one.
ConvShape flattened(const ConvShape& shape) {
  ConvShape flat = shape;
  const int64_t rows = shape.y.count() / shape.y[1];
  flat.spatial = 2;
  flat.x = {1, shape.x[1], rows, 1};
  flat.w = {shape.w[0], shape.w[1], 1, 1};
  flat.y = {1, shape.y[1], rows, 1};
  flat.strides = flat.dilations = {1, 1};
  flat.pads_begin = flat.pads_end = {0, 0};
  return flat;
}

bool is_pointwise(const ConvShape& shape) {
  const auto all = [](const Dims& dims, int64_t value) {
    return std::all_of(dims.begin(), dims.end(), [&](int64_t dim) { return dim == value; });
  };
  return shape.group == 1 && all(Dims(shape.w.span().subspan(2)), 1) && all(shape.strides, 1) &&
         all(shape.pads_begin, 0) && all(shape.pads_end, 0);
}

}  // namespace

int64_t ConvShape::flops() const { return 2 * y.count() * (w.count() / w[0]); }

Dims ConvShape::weights_dims() const {
  if (group == 1) return turned(*this, w);
  Dims dims{group, w[0] / group};
  for (int i = 1; i < w.rank(); ++i) dims.push_back(w[i]);
  return turned(*this, dims);
}

Result<ConvShape> conv_shape(const ConvWindow& window, const Operand& x, const Operand& w,
                             const Operand& y) {
  const int rank = x.dims.rank();
  if (rank < 3 || rank > 5 || w.dims.rank() != rank || y.dims.rank() != rank) {
    return unsupported("rank of a convolution");
  }
  const int n = rank - 2;
  const auto attribute_count = static_cast<size_t>(n);
  if (window.strides.size() != attribute_count || window.dilations.size() != attribute_count ||
      window.pads.size() != 2 * attribute_count) {
    return unsupported("attributes of a convolution");
  }
  if (!has_valid_extents(x) || !has_valid_extents(w) || !has_valid_extents(y)) {
    return unsupported("extents of a convolution");
  }
  ConvShape shape{n, window.group, x.dims, w.dims, y.dims, {}, {}, {}, {}};
  if (window.group < 1 || x.dims[1] % window.group != 0 || w.dims[0] % window.group != 0 ||
      w.dims[1] != x.dims[1] / window.group || y.dims[0] != x.dims[0] || y.dims[1] != w.dims[0]) {
    return unsupported("channels of a convolution");
  }
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(i);
    const int64_t stride = window.strides[at];
    const int64_t dilation = window.dilations[at];
    const int64_t begin = window.pads[at];
    const int64_t end = window.pads[at + attribute_count];
    const int64_t kernel = w.dims[i + 2];
    if (!is_small_and_positive(stride) || !is_small_and_positive(dilation) ||
        !is_small_and_positive(kernel)) {
      return unsupported("window of a convolution");
    }
    const int64_t extent = dilation * (kernel - 1) + 1;
    if (begin < 0 || end < 0 || begin >= extent || end >= extent) {
      return unsupported("padding of a convolution");
    }
    if (!fits_tables(x.dims[i + 2], y.dims[i + 2], extent)) {
      return unsupported("length of a convolution");
    }
    const int64_t room = x.dims[i + 2] + begin + end - extent;
    if (room < 0 || y.dims[i + 2] != room / stride + 1) {
      return unsupported("output extent of a convolution");
    }
    shape.strides.push_back(stride);
    shape.dilations.push_back(dilation);
    shape.pads_begin.push_back(begin);
    shape.pads_end.push_back(end);
  }
  if (!is_dense(x.dims, x.strides, Layout::kChannelsLast) ||
      !is_dense(y.dims, y.strides, Layout::kChannelsLast)) {
    return unsupported("strides of a convolution");
  }
  return shape;
}

ConvShape arranged(const ConvShape& shape) {
  if (is_pointwise(shape)) return flattened(shape);
  const std::optional<int> axis = only_axis(shape);
  return axis ? as_line(shape, *axis) : shape;
}

Result<ConvSlice> conv_slice(const ConvShape& shape, const Slice& slice) {
  ConvSlice part{shape.x, shape.y, shape.pads_begin, shape.pads_end, 0, 0};
  part.x[0] = part.y[0] = slice.images;
  part.x_offset = slice.image * (shape.x.count() / shape.x[0]);
  part.y_offset = slice.image * (shape.y.count() / shape.y[0]);
  if (slice.rows == shape.y[2]) return part;
  // The rows that the window touches, of which some may lie in the padding.
  const int64_t extent = shape.dilations[0] * (shape.w[2] - 1) + 1;
  const int64_t first = slice.row * shape.strides[0] - shape.pads_begin[0];
  const int64_t last =
      (slice.row + slice.rows - 1) * shape.strides[0] - shape.pads_begin[0] + extent;
  const int64_t begin = std::max<int64_t>(first, 0);
  const int64_t end = std::min(last, shape.x[2]);
  if (begin >= end) return unsupported("a slice of padding only");
  part.x[2] = end - begin;
  part.y[2] = slice.rows;
  part.pads_begin[0] = begin - first;
  part.pads_end[0] = last - end;
  part.x_offset += begin * dense_strides(shape.x, Layout::kChannelsLast)[2];
  part.y_offset += slice.row * dense_strides(shape.y, Layout::kChannelsLast)[2];
  return part;
}

namespace {

// The library's newest code (brgconv) takes a millisecond to make, the code before it (jit) a
// quarter. Which of them runs faster depends on the columns of the output (measured on 240 shapes
// of real networks): up to 48, the older one (median 2 %); beyond, the newer one by up to a
// quarter, unless there are so few filters that both compute padding. The newest also takes 2 to 3
// us per column of the input, more with long windows: 140 ms for a second of sound.
std::string_view preferred_code(const ConvShape& shape, const ConvSlice& slice, DType type) {
  constexpr int64_t kFewColumns = 48;
  constexpr int64_t kManyColumns = 4096;
  constexpr int64_t kFewFilters = 8;
  constexpr int64_t kLongWindow = 64;
  const bool is_point = shape.w.count() == shape.w[0] * shape.w[1];
  if (type != DType::kF32 || shape.group > 1 || is_point) return "";
  if (shape.x[1] <= 3) return shape.is_line && shape.w[2] >= kLongWindow ? "jit:avx2" : "jit:avx";
  const auto columns = [&](const Dims& dims) { return turned(shape, dims)[dims.rank() - 1]; };
  const bool older = columns(slice.y) <= kFewColumns || columns(slice.x) > kManyColumns ||
                     shape.y[1] <= kFewFilters;
  return older ? "jit:avx512" : "";
}

Result<PrimitiveDesc> conv_desc(const ConvShape& shape, const ConvSlice& slice,
                                const ConvTypes& types, const MemoryDesc& weights, bool bias,
                                const Attributes& attributes) {
  const auto turn = [&](const Dims& dims) { return turned(shape, dims); };
  MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc x,
                          dense_desc(turn(slice.x), types.x, Layout::kChannelsLast));
  MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc y,
                          dense_desc(turn(slice.y), types.y, Layout::kChannelsLast));
  MEMOPT_ASSIGN_OR_RETURN(
      const MemoryDesc b,
      dense_desc({shape.y[1]}, types.x == DType::kF32 ? DType::kF32 : DType::kI32,
                 Layout::kRowMajor));
  Dims dilates;  // oneDNN counts the gaps
  for (const int64_t dilation : shape.dilations) dilates.push_back(dilation - 1);
  dnnl_convolution_desc_t op;
  MEMOPT_RETURN_IF_ERROR(
      check(dnnl_dilated_convolution_forward_desc_init(
                &op, dnnl_forward_inference, dnnl_convolution_direct, &x, &weights,
                bias ? &b : nullptr, &y, turn(shape.strides).begin(), turn(dilates).begin(),
                turn(slice.pads_begin).begin(), turn(slice.pads_end).begin()),
            "convolution"));
  const int64_t operand_bytes =
      desc_bytes(x) + desc_bytes(y) + shape.w.count() * dtype_bits(types.w) / 8;
  return choose_implementation(&op, attributes, operand_bytes,
                               preferred_code(shape, slice, types.x));
}

bool same_geometry(const ConvSlice& a, const ConvSlice& b) {
  return a.x == b.x && a.y == b.y && a.pads_begin == b.pads_begin && a.pads_end == b.pads_end;
}

// The pieces with the order of weights that slice `leader` chooses.
Result<ConvPieces> make_pieces(const ConvShape& shape, std::span<const ConvSlice> slices,
                               size_t leader, const ConvTypes& types, bool bias,
                               const Attributes& attributes) {
  MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc any, any_desc(shape.weights_dims(), types.w));
  MEMOPT_ASSIGN_OR_RETURN(PrimitiveDesc chosen,
                          conv_desc(shape, slices[leader], types, any, bias, attributes));
  ConvPieces pieces{{slices.begin(), slices.end()}, {}, weights_desc(chosen)};
  std::vector<std::pair<const ConvSlice*, PrimitiveDesc>> made = {{&slices[leader], chosen}};
  for (const ConvSlice& slice : slices) {
    const auto same = std::find_if(made.begin(), made.end(), [&](const auto& entry) {
      return same_geometry(slice, *entry.first);
    });
    if (same != made.end()) {
      pieces.descs.push_back(same->second);
      continue;
    }
    MEMOPT_ASSIGN_OR_RETURN(PrimitiveDesc desc,
                            conv_desc(shape, slice, types, pieces.weights, bias, attributes));
    made.emplace_back(&slice, desc);
    pieces.descs.push_back(std::move(desc));
  }
  return pieces;
}

// The library makes code for each column of the padding (3 KB) and of a line (130 B): without a
// limit a model of a hundred bytes makes gigabytes of it.
Status check_code(const ConvShape& shape) {
  constexpr int64_t kMostPadding = 256, kMostColumns = int64_t{1} << 16;
  for (const Dims& pads : {shape.pads_begin, shape.pads_end}) {
    for (const int64_t pad : pads) {
      if (pad > kMostPadding) return unsupported("padding of a convolution");
    }
  }
  if (turned(shape, shape.x)[shape.x.rank() - 1] > kMostColumns) {
    return unsupported("length of a line of a convolution");
  }
  return {};
}

}  // namespace

Result<ConvPieces> conv_pieces(const ConvShape& shape, std::span<const Slice> slices,
                               const ConvTypes& types, bool bias, const Attributes& attributes) {
  MEMOPT_RETURN_IF_ERROR(check_code(shape));
  std::vector<ConvSlice> parts;
  for (const Slice& slice : slices) {
    MEMOPT_ASSIGN_OR_RETURN(parts.emplace_back(), conv_slice(shape, slice));
  }
  for (size_t leader = 0; leader < parts.size(); ++leader) {
    const auto earlier = parts.begin() + static_cast<std::ptrdiff_t>(leader);
    if (std::any_of(parts.begin(), earlier,
                    [&](const ConvSlice& part) { return same_geometry(part, *earlier); })) {
      continue;
    }
    auto pieces = make_pieces(shape, parts, leader, types, bias, attributes);
    if (pieces.ok()) return pieces;
  }
  MEMOPT_ASSIGN_OR_RETURN(const ConvSlice whole, conv_slice(shape, {0, shape.y[0], 0, shape.y[2]}));
  return make_pieces(shape, {&whole, 1}, 0, types, bias, attributes);
}

bool is_packable(const Operand& w) {
  return w.present && w.constant &&
         (w.layout == Layout::kPacked || is_dense(w.dims, w.strides, Layout::kRowMajor));
}

Result<Packing> conv_packing(const ConvShape& shape, const Dims& w_strides, DType type, int input,
                             const MemoryDesc& to) {
  Dims strides = w_strides;
  if (shape.group > 1) {
    strides = {w_strides[0] * (shape.w[0] / shape.group)};
    for (const int64_t stride : w_strides) strides.push_back(stride);
  }
  MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc from,
                          strided_desc(shape.weights_dims(), turned(shape, strides), type));
  Packing packing;
  packing.input = input;
  packing.add(from, 0, to);
  return packing;
}

Result<MemoryDesc> opaque_desc(int64_t bytes) {
  return dense_desc({bytes}, DType::kU8, Layout::kRowMajor);
}

}  // namespace memopt::onednn
