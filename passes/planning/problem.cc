#include "passes/planning/problem.h"

#include <algorithm>

#include "runtime/base/checked.h"

namespace memopt {
namespace {

// Offsets stay below the sum of all sizes and alignments, so this bound keeps sums in 64 bits.
constexpr int64_t kMaxTotalBytes = int64_t{1} << 60;

Status check_buffer(const MemoryProblem& problem, const MemoryBuffer& buffer) {
  const auto wrong = [&](const std::string& what) {
    return bad_input("buffer '" + buffer.name + "': " + what);
  };
  const std::string lifetime =
      "[" + std::to_string(buffer.lower) + ", " + std::to_string(buffer.upper) + ")";
  if (buffer.size_bytes < 0) return wrong("negative size " + std::to_string(buffer.size_bytes));
  if (buffer.alignment < 1) {
    return wrong("alignment " + std::to_string(buffer.alignment) + " is not positive");
  }
  if (buffer.space >= problem.spaces.size()) {
    return wrong("space " + std::to_string(buffer.space) + " of " +
                 std::to_string(problem.spaces.size()));
  }
  if (buffer.lower < -kMaxStep || buffer.upper > kMaxStep) {
    return wrong("the lifetime " + lifetime + " reaches beyond 2^60 steps");
  }
  if (buffer.lower > buffer.upper) return wrong("ends before it starts: " + lifetime);
  if (buffer.fixed_offset) {
    const int64_t offset = *buffer.fixed_offset;
    if (offset < 0 || offset > kMaxTotalBytes) {
      return wrong("fixed offset " + std::to_string(offset) + " is out of range");
    }
    if (offset % buffer.alignment != 0) {
      return wrong("fixed offset " + std::to_string(offset) + " is no multiple of its alignment " +
                   std::to_string(buffer.alignment));
    }
  }
  int64_t free_from = buffer.lower;
  for (const MemoryGap& gap : buffer.gaps) {
    if (gap.lower < free_from || gap.lower >= gap.upper || gap.upper > buffer.upper) {
      return wrong("gap [" + std::to_string(gap.lower) + ", " + std::to_string(gap.upper) +
                   ") is empty, out of order or outside the lifetime " + lifetime);
    }
    free_from = gap.upper;
    if (gap.window && (gap.window->begin < 0 || gap.window->begin > gap.window->end ||
                       gap.window->end > buffer.size_bytes)) {
      return wrong("the window of a gap lies outside the buffer");
    }
  }
  return {};
}

}  // namespace

const char* to_string(ProofStatus status) {
  switch (status) {
    case ProofStatus::kOptimal:
      return "optimal";
    case ProofStatus::kImpossible:
      return "impossible";
    case ProofStatus::kFits:
      return "fits";
    case ProofStatus::kGap:
      return "gap";
    case ProofStatus::kWorkLimitReached:
      return "work-limit-reached";
  }
  return "?";
}

Status check_problem(const MemoryProblem& problem) {
  for (const MemorySpace& space : problem.spaces) {
    if (space.capacity_bytes && *space.capacity_bytes < 0) {
      return bad_input("space '" + space.name + "': negative capacity");
    }
  }
  std::optional<int64_t> total = 0;
  for (const MemoryBuffer& buffer : problem.buffers) {
    MEMOPT_RETURN_IF_ERROR(check_buffer(problem, buffer));
    total = checked_add(*total, buffer.size_bytes);
    if (total) total = checked_add(*total, buffer.alignment);
    if (!total || *total > kMaxTotalBytes) {
      return bad_input("buffer '" + buffer.name + "': sizes and alignments add up past 2^60 bytes");
    }
  }
  if (problem.interference) {
    for (const auto& [a, b] : problem.interference->edges) {
      if (a == b || a >= problem.buffers.size() || b >= problem.buffers.size()) {
        return bad_input("interference edge (" + std::to_string(a) + ", " + std::to_string(b) +
                         ") does not join two of " + std::to_string(problem.buffers.size()) +
                         " buffers");
      }
    }
  }
  return {};
}

std::vector<Rectangle> rectangles(const MemoryBuffer& buffer) {
  std::vector<Rectangle> result;
  const auto add = [&](int64_t lower, int64_t upper, int64_t begin, int64_t end) {
    if (lower < upper && begin < end) result.push_back({lower, upper, begin, end});
  };
  int64_t from = buffer.lower;
  for (const MemoryGap& gap : buffer.gaps) {
    add(from, gap.lower, 0, buffer.size_bytes);
    if (gap.window) add(gap.lower, gap.upper, gap.window->begin, gap.window->end);
    from = gap.upper;
  }
  add(from, buffer.upper, 0, buffer.size_bytes);
  return result;
}

}  // namespace memopt
