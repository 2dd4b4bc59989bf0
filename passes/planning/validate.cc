#include "passes/planning/validate.h"

#include <algorithm>
#include <map>

namespace memopt {
namespace {

Error invalid(std::string message) { return {Code::kVerifyFailed, std::move(message)}; }

std::string quoted(const MemoryBuffer& buffer) { return "'" + buffer.name + "'"; }

// A stretch of steps during which a buffer occupies a constant, absolute range of bytes.
struct Stay {
  int64_t first_step, last_step;  // inclusive
  int64_t first_byte, end_byte;
  size_t buffer;
};

std::vector<Stay> stays_of(const MemoryBuffer& buffer, int64_t offset, size_t index) {
  std::vector<Stay> stays;
  const auto stay = [&](int64_t lower, int64_t upper, int64_t begin, int64_t end) {
    if (lower < upper && begin < end) {
      stays.push_back({lower, upper - 1, offset + begin, offset + end, index});
    }
  };
  int64_t step = buffer.lower;
  for (const MemoryGap& gap : buffer.gaps) {
    stay(step, gap.lower, 0, buffer.size_bytes);
    if (gap.window) stay(gap.lower, gap.upper, gap.window->begin, gap.window->end);
    step = gap.upper;
  }
  stay(step, buffer.upper, 0, buffer.size_bytes);
  return stays;
}

Error collision(const MemoryProblem& problem, const MemoryPlan& plan, size_t a, size_t b) {
  const auto place = [&](size_t i) {
    return quoted(problem.buffers[i]) + " at [" + std::to_string(plan.offsets[i]) + ", " +
           std::to_string(plan.offsets[i] + problem.buffers[i].size_bytes) + ")";
  };
  return invalid("buffers " + place(a) + " and " + place(b) + " share bytes while both are live");
}

// Sweeps over time and keeps the live byte ranges ordered by address: as long as they are disjoint,
// a new one can only collide with the ranges next to it.
Status check_lifetimes(const MemoryProblem& problem, const MemoryPlan& plan, uint32_t space) {
  std::vector<Stay> stays;
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    if (problem.buffers[i].space != space) continue;
    for (const Stay& s : stays_of(problem.buffers[i], plan.offsets[i], i)) stays.push_back(s);
  }
  std::vector<size_t> by_end(stays.size());
  for (size_t i = 0; i < by_end.size(); ++i) by_end[i] = i;
  std::stable_sort(by_end.begin(), by_end.end(),
                   [&](size_t a, size_t b) { return stays[a].last_step < stays[b].last_step; });
  std::vector<size_t> by_start(by_end);
  std::stable_sort(by_start.begin(), by_start.end(),
                   [&](size_t a, size_t b) { return stays[a].first_step < stays[b].first_step; });
  std::map<int64_t, size_t> live;  // first byte -> stay
  size_t ended = 0;
  for (size_t i : by_start) {
    const Stay& arriving = stays[i];
    for (; stays[by_end[ended]].last_step < arriving.first_step; ++ended) {
      live.erase(stays[by_end[ended]].first_byte);
    }
    const auto above = live.lower_bound(arriving.first_byte);
    if (above != live.end() && stays[above->second].first_byte < arriving.end_byte) {
      return collision(problem, plan, stays[above->second].buffer, arriving.buffer);
    }
    if (above != live.begin()) {
      const Stay& below = stays[std::prev(above)->second];
      if (below.end_byte > arriving.first_byte) {
        return collision(problem, plan, below.buffer, arriving.buffer);
      }
    }
    live[arriving.first_byte] = i;
  }
  return {};
}

Status check_edges(const MemoryProblem& problem, const MemoryPlan& plan) {
  for (const auto& [a, b] : problem.interference->edges) {
    const MemoryBuffer& one = problem.buffers[a];
    const MemoryBuffer& other = problem.buffers[b];
    if (one.space != other.space || one.size_bytes == 0 || other.size_bytes == 0) continue;
    if (plan.offsets[a] < plan.offsets[b] + other.size_bytes &&
        plan.offsets[b] < plan.offsets[a] + one.size_bytes) {
      return collision(problem, plan, a, b);
    }
  }
  return {};
}

Status check_heights(const MemoryProblem& problem, const MemoryPlan& plan) {
  std::vector<int64_t> heights(problem.spaces.size(), 0);
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    const MemoryBuffer& buffer = problem.buffers[i];
    const int64_t offset = plan.offsets[i];
    if (offset < 0 || offset > INT64_MAX - buffer.size_bytes || offset % buffer.alignment != 0) {
      return invalid("buffer " + quoted(buffer) + ": offset " + std::to_string(offset) +
                     " is negative, too large or no multiple of " +
                     std::to_string(buffer.alignment));
    }
    if (buffer.fixed_offset && offset != *buffer.fixed_offset) {
      return invalid("buffer " + quoted(buffer) + ": offset " + std::to_string(offset) +
                     " but it is fixed at " + std::to_string(*buffer.fixed_offset));
    }
    int64_t& height = heights[buffer.space];
    height = std::max(height, offset + buffer.size_bytes);
  }
  for (size_t s = 0; s < heights.size(); ++s) {
    const SpacePlan& stated = plan.spaces[s];
    const std::string where = "space " + std::to_string(s) + ": ";
    if (stated.height_bytes != heights[s]) {
      return invalid(where + "height " + std::to_string(stated.height_bytes) +
                     " is stated, the buffers reach " + std::to_string(heights[s]));
    }
    if (stated.lower_bound_bytes > heights[s]) {
      return invalid(where + "the plan is lower than its own lower bound " +
                     std::to_string(stated.lower_bound_bytes));
    }
    const auto& capacity = problem.spaces[s].capacity_bytes;
    const bool claims_fit =
        stated.status == ProofStatus::kFits || stated.status == ProofStatus::kOptimal;
    if (capacity && claims_fit && heights[s] > *capacity) {
      return invalid(where + "height " + std::to_string(heights[s]) + " exceeds the capacity " +
                     std::to_string(*capacity));
    }
  }
  return {};
}

}  // namespace

Status validate(const MemoryProblem& problem, const MemoryPlan& plan) {
  if (plan.offsets.size() != problem.buffers.size()) {
    return invalid(std::to_string(plan.offsets.size()) + " offsets for " +
                   std::to_string(problem.buffers.size()) + " buffers");
  }
  if (plan.spaces.size() != problem.spaces.size()) {
    return invalid(std::to_string(plan.spaces.size()) + " spaces planned of " +
                   std::to_string(problem.spaces.size()));
  }
  MEMOPT_RETURN_IF_ERROR(check_heights(problem, plan));
  if (problem.interference) return check_edges(problem, plan);
  for (uint32_t s = 0; s < problem.spaces.size(); ++s) {
    MEMOPT_RETURN_IF_ERROR(check_lifetimes(problem, plan, s));
  }
  return {};
}

}  // namespace memopt
