// Offset planners of other systems, written from their published descriptions. All read lifetimes
// as half-open intervals of one space and ignore gaps, fixed offsets and interference graphs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "passes/planning/problem.h"

namespace memopt::peers {

// TensorFlow Lite (Pisarchyk, Lee, "Efficient Memory Management for Deep Neural Net Inference",
// 2020, "greedy by size for offset calculation"); XNNPACK, TFLM and OpenVINO do much the same.
// Largest first, each in the smallest sufficient gap between the buffers that it meets.
std::vector<int64_t> greedy_by_size(const MemoryProblem& problem);

// The same paper, "greedy by breadth": the steps in falling order of live bytes, the unplaced
// buffers of each largest first, again in the smallest gap.
std::vector<int64_t> greedy_by_breadth(const MemoryProblem& problem);

// ONNX Runtime (MemPatternPlanner) and IREE (LayoutSlices): in order of execution, each in the
// smallest sufficient gap.
std::vector<int64_t> best_fit_by_start(const MemoryProblem& problem);

// TVM (USMP, "hill_climb"): first fit, largest first, then up to 500 times two neighbors of a
// buffer at the top change places in the sequence; what grows the arena is kept with a small
// probability that falls. Here the best sequence seen is the result.
std::vector<int64_t> hill_climb(const MemoryProblem& problem);

struct OffsetPeer {
  const char* name;
  std::vector<int64_t> (*plan)(const MemoryProblem&);
};
std::span<const OffsetPeer> offset_peers();

// The end of the highest buffer.
int64_t arena_bytes(const MemoryProblem& problem, const std::vector<int64_t>& offsets);

}  // namespace memopt::peers
