// Reductions over some dimensions of strided tensors. The kept dimensions are cut into blocks of
// lanes that share one pass over the reduced dimensions, so that memory is read in its own order
// both where the reduced and where the kept dimensions are contiguous.
#pragma once

#include "runtime/kernels/strided.h"

namespace memopt {

inline constexpr int64_t kLanes = 64;

template <size_t N>
using Offsets = std::array<int64_t, N>;

// Consecutive elements of the kept dimensions: operand k of lane i is at first[k] + i * steps[k].
template <size_t N>
struct LaneBlock {
  Offsets<N> first;
  Offsets<N> steps;
  int64_t count;  // 1 to kLanes
};

// Calls body(block) for blocks that cover `kept`. `reduced` is the number of elements behind each
// lane.
template <size_t N, typename F>
void for_each_lane_block(Parallel* parallel, const Walk<N>& kept, int64_t reduced, F&& body) {
  const int64_t grain = std::max(kLanes, kChunkElements / std::max<int64_t>(reduced, 1));
  for_each_range(parallel, kept.count(), grain, [&](int64_t begin, int64_t end) {
    kept.visit(begin, end, [&](const Offsets<N>& row, int64_t n) {
      LaneBlock<N> block{row, kept.steps(), 0};
      for (int64_t at = 0; at < n; at += kLanes) {
        block.count = std::min(kLanes, n - at);
        body(static_cast<const LaneBlock<N>&>(block));
        for (size_t k = 0; k < N; ++k) block.first[k] += kLanes * block.steps[k];
      }
    });
  });
}

// Calls body(lane, offsets) for every lane of the block and element of `reduced`, whose operands
// are the first ones of the block; each lane meets the elements in the order of the walk.
template <size_t N, size_t M, typename F>
void visit_lanes(const Walk<N>& reduced, const LaneBlock<M>& block, F&& body) {
  static_assert(N <= M);
  reduced.visit(0, reduced.count(), [&](const Offsets<N>& row, int64_t n) {
    const Offsets<N>& steps = reduced.steps();
    const auto at = [&](int64_t i, int64_t lane) {
      Offsets<N> offsets;
      for (size_t k = 0; k < N; ++k) {
        offsets[k] = row[k] + block.first[k] + i * steps[k] + lane * block.steps[k];
      }
      return offsets;
    };
    if (block.steps[0] < steps[0]) {
      for (int64_t i = 0; i < n; ++i) {
        for (int64_t lane = 0; lane < block.count; ++lane) body(lane, at(i, lane));
      }
    } else {
      for (int64_t lane = 0; lane < block.count; ++lane) {
        for (int64_t i = 0; i < n; ++i) body(lane, at(i, lane));
      }
    }
  });
}

// The dimensions of a tensor (or its strides) from `begin` to `end`, and all but `axis`.
inline Dims slice_dims(const Dims& dims, int begin, int end) {
  return Dims(dims.span().subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
}
inline Dims without(const Dims& dims, int axis) {
  Dims rest;
  for (int i = 0; i < dims.rank(); ++i) {
    if (i != axis) rest.push_back(dims[i]);
  }
  return rest;
}

}  // namespace memopt
