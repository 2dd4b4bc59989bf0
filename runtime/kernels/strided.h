// Walking over the elements of several tensors of one shape with different strides: dimensions are
// merged where the operands allow it, so that dense operands (of any layout, if they agree) become
// one long row.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "runtime/base/shape.h"
#include "runtime/kernels/kernel.h"

namespace memopt {

// Work is cut into pieces of this many elements, whatever the number of threads.
inline constexpr int64_t kChunkElements = 1 << 15;

// Calls body(chunk) for 0 <= chunk < chunks, on the threads of `parallel` or, without it, here.
template <typename F>
void for_each_chunk(Parallel* parallel, int64_t chunks, F&& body) {
  if (parallel != nullptr && chunks > 1) {
    parallel->for_each(chunks, body);
  } else {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) body(chunk);
  }
}

// Calls body(begin, end) for consecutive ranges of at most `grain` that cover [0, count).
template <typename F>
void for_each_range(Parallel* parallel, int64_t count, int64_t grain, F&& body) {
  for_each_chunk(parallel, (count + grain - 1) / grain,
                 [&](int64_t chunk) { body(chunk * grain, std::min(count, (chunk + 1) * grain)); });
}

// Strides of a tensor (dims, strides) where it is broadcast to `to`: 0 in the repeated dimensions.
Dims broadcast_strides(const Dims& dims, const Dims& strides, const Dims& to);

// `dims` walked with N operands' strides (in elements). The walk visits every element once, in the
// order of operand 0's addresses, not necessarily in row-major order.
template <size_t N>
class Walk {
 public:
  using Offsets = std::array<int64_t, N>;

  Walk(const Dims& dims, const std::array<Dims, N>& strides) {
    std::array<int, kMaxRank> order{};
    int rank = 0;
    for (int i = 0; i < dims.rank(); ++i) {
      count_ *= dims[i];
      if (dims[i] != 1) order[static_cast<size_t>(rank++)] = i;
    }
    // Stable: equal strides (broadcasts) keep their order. Insertion sort, for it never allocates.
    for (int i = 1; i < rank; ++i) {
      for (int j = i; j > 0 && strides[0][order[j - 1]] < strides[0][order[j]]; --j) {
        std::swap(order[j - 1], order[j]);
      }
    }
    for (int i = 0; i < rank; ++i) {
      const int axis = order[static_cast<size_t>(i)];
      if (rank_ > 0 && merges(strides, axis, dims[axis])) {
        extents_[rank_ - 1] *= dims[axis];
      } else {
        extents_[rank_++] = dims[axis];
      }
      for (size_t n = 0; n < N; ++n) steps_[rank_ - 1][n] = strides[n][axis];
    }
    if (rank_ == 0) extents_[rank_++] = 1;
  }

  int64_t count() const { return count_; }
  // The dimensions as merged, outermost first: at least one.
  int rank() const { return rank_; }
  int64_t extent(int i) const { return extents_[static_cast<size_t>(i)]; }
  const Offsets& steps(int i) const { return steps_[static_cast<size_t>(i)]; }
  int64_t row() const { return extents_[rank_ - 1]; }  // elements of a whole row
  // How the operands advance within a row.
  const Offsets& steps() const { return steps_[rank_ - 1]; }

  // Calls body(offsets, n) for rows (or parts of rows) that cover the elements [begin, end) of the
  // walk: n elements, operand k's at offsets[k] + i * steps()[k].
  template <typename F>
  void visit(int64_t begin, int64_t end, F&& body) const {
    if (begin >= end) return;
    const int64_t row_size = row();
    std::array<int64_t, kMaxRank> index{};
    Offsets offsets{};
    int64_t rest = begin / row_size;
    for (int i = rank_ - 2; i >= 0; --i) {
      index[i] = rest % extents_[i];
      rest /= extents_[i];
      for (size_t n = 0; n < N; ++n) offsets[n] += index[i] * steps_[i][n];
    }
    int64_t column = begin % row_size;
    for (int64_t at = begin; at < end;) {
      const int64_t n = std::min(row_size - column, end - at);
      Offsets first = offsets;
      for (size_t k = 0; k < N; ++k) first[k] += column * steps()[k];
      body(first, n);
      at += n;
      column = 0;
      for (int i = rank_ - 2; i >= 0; --i) {
        for (size_t k = 0; k < N; ++k) offsets[k] += steps_[i][k];
        if (++index[i] < extents_[i]) break;
        for (size_t k = 0; k < N; ++k) offsets[k] -= extents_[i] * steps_[i][k];
        index[i] = 0;
      }
    }
  }

  // The same over all elements, in pieces of kChunkElements.
  template <typename F>
  void visit_all(Parallel* parallel, F&& body) const {
    for_each_range(parallel, count_, kChunkElements,
                   [&](int64_t begin, int64_t end) { visit(begin, end, body); });
  }

 private:
  // Whether `axis` continues the innermost dimension so far in every operand.
  bool merges(const std::array<Dims, N>& strides, int axis, int64_t extent) const {
    for (size_t n = 0; n < N; ++n) {
      if (steps_[rank_ - 1][n] != strides[n][axis] * extent) return false;
    }
    return true;
  }

  int rank_ = 0;
  int64_t count_ = 1;
  std::array<int64_t, kMaxRank> extents_{};
  std::array<Offsets, kMaxRank> steps_{};
};

// Calls body(coordinates) for every element of `dims` in row-major order; `coordinates` is a Dims.
template <typename F>
void for_each_coordinate(const Dims& dims, F&& body) {
  const int64_t count = dims.count();
  Dims at = Dims::filled(dims.rank(), 0);
  for (int64_t i = 0; i < count; ++i) {
    body(static_cast<const Dims&>(at));
    for (int axis = dims.rank() - 1; axis >= 0; --axis) {
      if (++at[axis] < dims[axis]) break;
      at[axis] = 0;
    }
  }
}

// The offset in elements of `coordinates`.
inline int64_t offset_of(const Dims& coordinates, const Dims& strides) {
  int64_t offset = 0;
  for (int i = 0; i < coordinates.rank(); ++i) offset += coordinates[i] * strides[i];
  return offset;
}

}  // namespace memopt
