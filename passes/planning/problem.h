// A memory problem and its plan, as pure data: no graph, no tensors, no device.
//
// A problem is a set of buffers. Each lives over a half-open interval of steps, [lower, upper), and
// needs `size_bytes` consecutive bytes of one memory space from an offset that is a multiple of its
// alignment. Two buffers of one space that interfere must not share a byte. They interfere when
// their lifetimes overlap, or, when the problem carries an interference graph, when they are joined
// by an edge of it. A plan is one offset per buffer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"

namespace memopt {

// A range of bytes relative to the start of a buffer, half-open.
struct ByteRange {
  int64_t begin = 0, end = 0;
  bool operator==(const ByteRange&) const = default;
};

// Steps [lower, upper) of a buffer's life during which only `window` of it, or nothing, is
// occupied.
struct MemoryGap {
  int64_t lower = 0, upper = 0;
  std::optional<ByteRange> window;
  bool operator==(const MemoryGap&) const = default;
};

// Steps lie in [-kMaxStep, kMaxStep], so that differences of them are numbers too.
inline constexpr int64_t kMaxStep = int64_t{1} << 60;

struct MemoryBuffer {
  std::string name;
  int64_t lower = 0, upper = 0;  // steps, half-open; ignored when there is an interference graph
  int64_t size_bytes = 0;
  int64_t alignment = 1;  // any positive number of bytes, not only powers of two
  std::optional<int64_t> fixed_offset;
  std::vector<MemoryGap> gaps;  // disjoint, ascending, inside the lifetime
  uint32_t space = 0;           // index in MemoryProblem::spaces
  bool operator==(const MemoryBuffer&) const = default;
};

struct MemorySpace {
  std::string name;
  std::optional<int64_t> capacity_bytes;
  bool operator==(const MemorySpace&) const = default;
};

// For lifetimes that come from a partial order (concurrent branches, several streams) and so are no
// intervals of one line. Pairs of buffer indices, in any order; pairs across spaces mean nothing.
struct InterferenceGraph {
  std::vector<std::pair<uint32_t, uint32_t>> edges;
  bool operator==(const InterferenceGraph&) const = default;
};

struct MemoryProblem {
  std::vector<MemoryBuffer> buffers;
  std::vector<MemorySpace> spaces = {MemorySpace{}};
  std::optional<InterferenceGraph> interference;  // replaces lifetimes and gaps when present
  bool operator==(const MemoryProblem&) const = default;
};

// What is known about a space of a plan. Only the first two are proofs.
enum class ProofStatus {
  kOptimal,     // the height equals a proved lower bound
  kImpossible,  // proved: nothing fits the capacity; the plan is the best found and exceeds it
  kFits,        // fits the capacity, and no more was asked
  kGap,         // minimised within the work limit; the optimum is in [lower bound, height]
  kWorkLimitReached,  // the capacity was neither reached nor proved impossible
};
const char* to_string(ProofStatus status);

struct SpacePlan {
  int64_t height_bytes = 0;       // largest offset + size
  int64_t lower_bound_bytes = 0;  // proved: no plan of this space is lower
  ProofStatus status = ProofStatus::kGap;
  std::string planner;  // the algorithm that found the offsets
};

struct MemoryPlan {
  std::vector<int64_t> offsets;   // bytes, one per buffer
  std::vector<SpacePlan> spaces;  // one per space of the problem
  int64_t work = 0;               // of the search, in the units of PlannerOptions::work_limit
  bool cancelled = false;         // PlannerOptions::stop ended it before there was an answer
};

// Rejects negative sizes and offsets, inverted lifetimes, alignments < 1, misplaced gaps, unknown
// spaces, self-edges, and problems whose sizes add up past 2^60 bytes. Planners expect a checked
// problem.
Status check_problem(const MemoryProblem& problem);

// The rectangles (steps x bytes) that a buffer occupies; a buffer without gaps is one. Empty ones
// are left out.
struct Rectangle {
  int64_t lower = 0, upper = 0;  // steps
  int64_t begin = 0, end = 0;    // bytes from the buffer's offset
};
std::vector<Rectangle> rectangles(const MemoryBuffer& buffer);

}  // namespace memopt
