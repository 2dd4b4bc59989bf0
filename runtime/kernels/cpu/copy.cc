#include "runtime/kernels/cpu/copy.h"

#include <algorithm>
#include <cstring>

#include "runtime/kernels/element.h"
#include "runtime/kernels/strided.h"

namespace memopt {
namespace {

// A row of at most this many bytes is not worth a call of memcpy.
constexpr int64_t kShortRow = 64;

template <typename T>
void copy_rows(const Walk<2>& walk, T* to, const T* from, Parallel* parallel) {
  const bool brief = walk.row() * int64_t{sizeof(T)} <= kShortRow;
  walk.visit_all(parallel, [&](const auto& at, int64_t n) {
    T* const out = to + at[0];
    const T* const in = from + at[1];
    if (brief) {
      for (int64_t i = 0; i < n; ++i) out[i] = in[i];
    } else {
      std::memmove(out, in, static_cast<size_t>(n) * sizeof(T));
    }
  });
}

// A plane to turn: `columns` elements one after the other in the destination and `column_step`
// apart in the source, `rows` the other way round.
struct Plane {
  int64_t columns, column_step;  // of the source
  int64_t rows, row_step;        // of the destination
};

// A cache line on either side, whatever the element.
template <typename T>
constexpr int64_t kTile = std::max<int64_t>(64 / int64_t{sizeof(T)}, 8);

// The tiles whose rows begin at `row`.
template <typename T>
void turn_strip(const Plane& plane, int64_t row, T* to, const T* from) {
  constexpr int64_t kSide = kTile<T>;
  const int64_t row_end = std::min(row + kSide, plane.rows);
  for (int64_t column = 0; column < plane.columns; column += kSide) {
    const int64_t column_end = std::min(column + kSide, plane.columns);
    for (int64_t r = row; r < row_end; ++r) {
      T* const out = to + r * plane.row_step;
      const T* const in = from + r;
      for (int64_t c = column; c < column_end; ++c) out[c] = in[c * plane.column_step];
    }
  }
}

// The dimension along which the source is contiguous, or -1: not one to turn about.
int turned_dimension(const Walk<2>& walk) {
  if (walk.steps()[0] != 1) return -1;
  for (int i = 0; i + 1 < walk.rank(); ++i) {
    if (walk.steps(i)[1] == 1) return i;
  }
  return -1;
}

template <typename T>
void turn(const Walk<2>& walk, int turned, T* to, const T* from, Parallel* parallel) {
  const Plane plane{walk.row(), walk.steps()[1], walk.extent(turned), walk.steps(turned)[0]};
  // The other dimensions, whose every coordinate has a plane.
  Dims outer;
  Dims to_steps;
  Dims from_steps;
  for (int i = 0; i + 1 < walk.rank(); ++i) {
    if (i == turned) continue;
    outer.push_back(walk.extent(i));
    to_steps.push_back(walk.steps(i)[0]);
    from_steps.push_back(walk.steps(i)[1]);
  }
  const int64_t strips = (plane.rows + kTile<T> - 1) / kTile<T>;
  const int64_t grain = std::max<int64_t>(kChunkElements / (plane.columns * kTile<T>), 1);
  for_each_range(parallel, strips * outer.count(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t strip = begin; strip < end; ++strip) {
      int64_t rest = strip / strips;
      int64_t to_offset = 0;
      int64_t from_offset = 0;
      for (int i = outer.rank() - 1; i >= 0; --i) {
        to_offset += rest % outer[i] * to_steps[i];
        from_offset += rest % outer[i] * from_steps[i];
        rest /= outer[i];
      }
      turn_strip(plane, strip % strips * kTile<T>, to + to_offset, from + from_offset);
    }
  });
}

}  // namespace

void copy_box_fast(DType dtype, const Dims& dims, const Place& from, const Place& to,
                   Parallel* parallel) {
  if (dims.count() == 0) return;
  if (dtype_bits(dtype) < 8) return copy_box(dtype, dims, from, to, parallel);
  const Walk<2> walk(dims, {to.strides, from.strides});
  const bool contiguous = walk.steps()[0] == 1 && walk.steps()[1] == 1;
  const int turned = contiguous ? -1 : turned_dimension(walk);
  if (!contiguous && turned < 0) return copy_box(dtype, dims, from, to, parallel);
  const Status status = dispatch_width(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const out = static_cast<T*>(to.data) + to.offset;
    const T* const in = static_cast<const T*>(from.data) + from.offset;
    if (contiguous) {
      copy_rows(walk, out, in, parallel);
    } else {
      turn(walk, turned, out, in, parallel);
    }
    return Status();
  });
  MEMOPT_CHECK(status.ok());
}

}  // namespace memopt
