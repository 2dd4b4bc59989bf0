// Small random memory problems, and their optimum by brute force.
#pragma once

#include <algorithm>
#include <random>

#include "passes/planning/problem.h"

namespace memopt::testing {

struct RandomProblemOptions {
  int max_buffers = 7;
  int steps = 6;
  int max_size = 4;
  bool alignments = false, fixed = false, gaps = false, windows = false, graph = false;
  bool many_gaps = false;  // any number, that touch each other and the ends of the lifetime
};

inline MemoryProblem random_problem(uint32_t seed, const RandomProblemOptions& options) {
  std::mt19937 random(seed);
  const auto below = [&](int n) {
    return static_cast<int64_t>(random() % static_cast<uint32_t>(n));
  };
  MemoryProblem problem;
  const int64_t n = 1 + below(options.max_buffers);
  for (int64_t i = 0; i < n; ++i) {
    MemoryBuffer buffer;
    buffer.name = "b" + std::to_string(i);
    buffer.lower = below(options.steps);
    buffer.upper = buffer.lower + 1 + below(options.steps - static_cast<int>(buffer.lower));
    buffer.size_bytes = 1 + below(options.max_size);
    if (below(20) == 0) buffer.size_bytes = 0;
    if (options.alignments) buffer.alignment = 1 + below(3);
    if (options.gaps && buffer.upper - buffer.lower >= 3 && below(2) == 0) {
      MemoryGap gap{.lower = buffer.lower + 1, .upper = buffer.upper - 1, .window = {}};
      if (options.windows && below(2) == 0) {
        const int64_t begin = below(static_cast<int>(buffer.size_bytes) + 1);
        gap.window =
            ByteRange{begin, begin + below(static_cast<int>(buffer.size_bytes - begin) + 1)};
      }
      buffer.gaps.push_back(gap);
    }
    while (options.many_gaps && below(3) != 0) {
      const int64_t from = buffer.gaps.empty() ? buffer.lower : buffer.gaps.back().upper;
      if (from == buffer.upper) break;
      MemoryGap gap{.lower = from + below(static_cast<int>(buffer.upper - from)), .window = {}};
      gap.upper = gap.lower + 1 + below(static_cast<int>(buffer.upper - gap.lower));
      if (options.windows && below(2) == 0) {
        const int64_t begin = below(static_cast<int>(buffer.size_bytes) + 1);
        gap.window =
            ByteRange{begin, begin + below(static_cast<int>(buffer.size_bytes - begin) + 1)};
      }
      buffer.gaps.push_back(gap);
    }
    problem.buffers.push_back(buffer);
  }
  if (options.fixed) {  // far apart, so that they never collide
    for (int64_t i = 0, offset = below(3); i < n;
         i += 3, offset += options.max_size + 2 + below(3)) {
      MemoryBuffer& buffer = problem.buffers[static_cast<size_t>(i)];
      buffer.fixed_offset = (offset + buffer.alignment - 1) / buffer.alignment * buffer.alignment;
    }
  }
  if (options.graph) {
    problem.interference.emplace();
    for (uint32_t a = 0; a < problem.buffers.size(); ++a) {
      for (uint32_t b = a + 1; b < problem.buffers.size(); ++b) {
        if (below(2) == 0) problem.interference->edges.emplace_back(a, b);
      }
    }
  }
  return problem;
}

// Whether the two share a byte while both are live, by looking at every step.
inline bool collide(const MemoryProblem& problem, size_t a, int64_t offset_a, size_t b,
                    int64_t offset_b) {
  const MemoryBuffer& x = problem.buffers[a];
  const MemoryBuffer& y = problem.buffers[b];
  const auto overlap = [](int64_t a0, int64_t a1, int64_t b0, int64_t b1) {
    return std::max(a0, b0) < std::min(a1, b1);
  };
  if (problem.interference) {
    for (const auto& [p, q] : problem.interference->edges) {
      if ((p == a && q == b) || (p == b && q == a)) {
        return overlap(offset_a, offset_a + x.size_bytes, offset_b, offset_b + y.size_bytes);
      }
    }
    return false;
  }
  const auto occupied = [](const MemoryBuffer& buffer, int64_t step) {
    for (const MemoryGap& gap : buffer.gaps) {
      if (gap.lower <= step && step < gap.upper) return gap.window.value_or(ByteRange{0, 0});
    }
    return ByteRange{0, buffer.size_bytes};
  };
  for (int64_t step = std::max(x.lower, y.lower); step < std::min(x.upper, y.upper); ++step) {
    const ByteRange in_x = occupied(x, step), in_y = occupied(y, step);
    if (overlap(offset_a + in_x.begin, offset_a + in_x.end, offset_b + in_y.begin,
                offset_b + in_y.end)) {
      return true;
    }
  }
  return false;
}

inline bool fits_by_force(const MemoryProblem& problem, int64_t capacity,
                          std::vector<int64_t>& offsets) {
  const size_t i = offsets.size();
  if (i == problem.buffers.size()) return true;
  const MemoryBuffer& buffer = problem.buffers[i];
  for (int64_t offset = 0; offset + buffer.size_bytes <= capacity; offset += buffer.alignment) {
    if (buffer.fixed_offset && offset != *buffer.fixed_offset) continue;
    bool free = true;
    for (size_t other = 0; other < i && free; ++other) {
      free = !collide(problem, i, offset, other, offsets[other]);
    }
    if (!free) continue;
    offsets.push_back(offset);
    if (fits_by_force(problem, capacity, offsets)) return true;
    offsets.pop_back();
  }
  return false;
}

// The smallest height of any plan of a one-space problem.
inline int64_t optimum_by_force(const MemoryProblem& problem) {
  for (int64_t capacity = 0;; ++capacity) {
    std::vector<int64_t> offsets;
    if (fits_by_force(problem, capacity, offsets)) return capacity;
  }
}

}  // namespace memopt::testing
