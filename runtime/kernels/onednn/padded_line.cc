#include "runtime/kernels/onednn/padded_line.h"

#include <algorithm>
#include <cstring>

namespace memopt::onednn {
namespace {

constexpr int64_t kMuchPadding = 16;
constexpr int64_t kMostBytes = 32 * 1024;

}  // namespace

bool wants_padded_copy(const ConvShape& shape) {
  if (!shape.is_line || shape.group > 1) return false;
  const int64_t padding = shape.pads_begin[0] + shape.pads_end[0];
  return padding >= kMuchPadding && padding < kMostBytes && shape.x.count() < kMostBytes &&
         padded(shape).x.count() * 4 <= kMostBytes;
}

ConvShape padded(const ConvShape& shape) {
  ConvShape result = shape;
  result.x[2] += shape.pads_begin[0] + shape.pads_end[0];
  result.pads_begin[0] = result.pads_end[0] = 0;
  return result;
}

std::function<void(const RunContext&, std::byte* scratch)> copy_padded(const ConvShape& shape,
                                                                       const ConvSlice& slice) {
  const int64_t channels = shape.x[1];
  const int64_t samples = shape.x[2];
  const int64_t line = samples + shape.pads_begin[0] + shape.pads_end[0];
  const int64_t image = slice.x_offset / channels / line;
  const int64_t start = slice.x_offset / channels % line - shape.pads_begin[0];  // in the input
  const int64_t begin = std::clamp<int64_t>(-start, 0, slice.x[2]);
  const int64_t end = std::clamp(samples - start, begin, slice.x[2]);
  return
      [=, images = slice.x[0], length = slice.x[2]](const RunContext& context, std::byte* scratch) {
        const auto row_bytes = static_cast<size_t>(channels) * sizeof(float);
        const auto bytes = [&](int64_t rows) { return static_cast<size_t>(rows) * row_bytes; };
        const std::byte* from = context.inputs[0].as<std::byte>() + bytes(image * samples);
        for (int64_t i = 0; i < images; ++i, from += bytes(samples), scratch += bytes(length)) {
          std::memset(scratch, 0, bytes(begin));
          std::memcpy(scratch + bytes(begin), from + bytes(start + begin), bytes(end - begin));
          std::memset(scratch + bytes(end), 0, bytes(length - end));
        }
      };
}

}  // namespace memopt::onednn
