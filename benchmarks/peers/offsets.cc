#include "benchmarks/peers/offsets.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <tuple>

#include "runtime/base/checked.h"

namespace memopt::peers {
namespace {

enum class Gap { kSmallest, kFirst };

bool meet(const MemoryBuffer& a, const MemoryBuffer& b) {
  return a.lower < b.upper && b.lower < a.upper;
}

// Places buffers one after the other; `placed_` stays sorted by offset.
class Stacker {
 public:
  Stacker(const MemoryProblem& problem, Gap gap)
      : problem_(problem), gap_(gap), offsets_(problem.buffers.size(), -1) {}

  bool has(uint32_t id) const { return offsets_[id] >= 0; }

  void place(uint32_t id) {
    offsets_[id] = find_offset(problem_.buffers[id]);
    const auto before = [&](uint32_t a, uint32_t b) { return offsets_[a] < offsets_[b]; };
    placed_.insert(std::upper_bound(placed_.begin(), placed_.end(), id, before), id);
  }

  std::vector<int64_t> finish() { return std::move(offsets_); }

 private:
  int64_t find_offset(const MemoryBuffer& buffer) const {
    int64_t found = -1, found_bytes = INT64_MAX, end = 0;
    for (const uint32_t other : placed_) {
      if (!meet(buffer, problem_.buffers[other])) continue;
      const int64_t begin = align_up(end, buffer.alignment), bytes = offsets_[other] - begin;
      if (bytes >= buffer.size_bytes && bytes < found_bytes) {
        found = begin;
        found_bytes = bytes;
        if (gap_ == Gap::kFirst) break;
      }
      end = std::max(end, offsets_[other] + problem_.buffers[other].size_bytes);
    }
    return found >= 0 ? found : align_up(end, buffer.alignment);
  }

  const MemoryProblem& problem_;
  Gap gap_;
  std::vector<int64_t> offsets_;
  std::vector<uint32_t> placed_;
};

template <typename Key>
std::vector<uint32_t> sorted_ids(const MemoryProblem& problem, Key key) {
  std::vector<uint32_t> ids(problem.buffers.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](uint32_t a, uint32_t b) { return key(a) < key(b); });
  return ids;
}

std::vector<int64_t> place_all(const MemoryProblem& problem, const std::vector<uint32_t>& sequence,
                               Gap gap) {
  Stacker stacker(problem, gap);
  for (const uint32_t id : sequence) stacker.place(id);
  return stacker.finish();
}

std::vector<uint32_t> largest_first(const MemoryProblem& problem) {
  return sorted_ids(problem, [&](uint32_t id) { return -problem.buffers[id].size_bytes; });
}

// One random step of the hill climb: two positions of the sequence to exchange, or nothing.
class NeighborPicker {
 public:
  explicit NeighborPicker(const MemoryProblem& problem)
      : conflicts_(problem.buffers.size()), position_(problem.buffers.size()) {
    const auto count = static_cast<uint32_t>(problem.buffers.size());
    for (uint32_t a = 0; a < count; ++a) {
      for (uint32_t b = 0; b < count; ++b) {
        if (a != b && meet(problem.buffers[a], problem.buffers[b])) conflicts_[a].push_back(b);
      }
    }
  }

  size_t degree(uint32_t id) const { return conflicts_[id].size(); }
  uint32_t below(size_t n) { return static_cast<uint32_t>(random_() % n); }

  // `top` ends where the arena ends. The first position is of a neighbor placed before it, the
  // second of another one, or three times in four of such a neighbor's neighbor.
  std::pair<uint32_t, uint32_t> pick(const std::vector<uint32_t>& sequence, uint32_t top) {
    for (uint32_t i = 0; i < sequence.size(); ++i) position_[sequence[i]] = i;
    const std::vector<uint32_t> first = earlier_conflicts(top);
    if (first.empty()) return {0, 0};
    std::vector<uint32_t> second;
    for (const uint32_t id : conflicts_[top]) {
      const std::vector<uint32_t> more = earlier_conflicts(id);
      second.insert(second.end(), more.begin(), more.end());
    }
    const uint32_t a = first[below(first.size())];
    const auto& from = !second.empty() && below(4) != 0 ? second : first;
    return {position_[a], position_[from[below(from.size())]]};
  }

 private:
  std::vector<uint32_t> earlier_conflicts(uint32_t id) const {
    std::vector<uint32_t> earlier;
    for (const uint32_t other : conflicts_[id]) {
      if (position_[other] < position_[id]) earlier.push_back(other);
    }
    return earlier;
  }

  std::vector<std::vector<uint32_t>> conflicts_;
  std::vector<uint32_t> position_;  // in the sequence
  std::mt19937 random_{1};
};

}  // namespace

int64_t arena_bytes(const MemoryProblem& problem, const std::vector<int64_t>& offsets) {
  int64_t end = 0;
  for (size_t i = 0; i < offsets.size(); ++i) {
    end = std::max(end, offsets[i] + problem.buffers[i].size_bytes);
  }
  return end;
}

std::vector<int64_t> greedy_by_size(const MemoryProblem& problem) {
  return place_all(problem, largest_first(problem), Gap::kSmallest);
}

std::vector<int64_t> greedy_by_breadth(const MemoryProblem& problem) {
  struct Step {
    int64_t at, live_bytes;
  };
  std::vector<Step> steps;  // a load is largest where a buffer begins
  for (const uint32_t id :
       sorted_ids(problem, [&](uint32_t i) { return problem.buffers[i].lower; })) {
    const int64_t at = problem.buffers[id].lower;
    if (!steps.empty() && steps.back().at == at) continue;
    steps.push_back({at, 0});
    for (const MemoryBuffer& buffer : problem.buffers) {
      if (buffer.lower <= at && at < buffer.upper) steps.back().live_bytes += buffer.size_bytes;
    }
  }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Step& a, const Step& b) { return a.live_bytes > b.live_bytes; });
  const std::vector<uint32_t> by_size = largest_first(problem);
  Stacker stacker(problem, Gap::kSmallest);
  for (const Step& step : steps) {
    for (const uint32_t id : by_size) {
      const MemoryBuffer& buffer = problem.buffers[id];
      if (buffer.lower <= step.at && step.at < buffer.upper && !stacker.has(id)) stacker.place(id);
    }
  }
  return stacker.finish();
}

std::vector<int64_t> best_fit_by_start(const MemoryProblem& problem) {
  return place_all(problem,
                   sorted_ids(problem, [&](uint32_t id) { return problem.buffers[id].lower; }),
                   Gap::kSmallest);
}

std::vector<int64_t> hill_climb(const MemoryProblem& problem) {
  constexpr int kAttempts = 500;
  NeighborPicker picker(problem);
  std::vector<uint32_t> sequence = sorted_ids(problem, [&](uint32_t id) {
    return std::pair(-problem.buffers[id].size_bytes, -static_cast<int64_t>(picker.degree(id)));
  });
  std::vector<int64_t> present = place_all(problem, sequence, Gap::kFirst), best = present;
  int64_t present_bytes = arena_bytes(problem, present), best_bytes = present_bytes;
  for (int attempt = 1; attempt < kAttempts; ++attempt) {
    std::vector<uint32_t> tops;
    for (const uint32_t id : sequence) {
      if (present[id] + problem.buffers[id].size_bytes == present_bytes) tops.push_back(id);
    }
    if (tops.empty()) break;
    const auto [a, b] = picker.pick(sequence, tops[picker.below(tops.size())]);
    std::swap(sequence[a], sequence[b]);
    std::vector<int64_t> offsets = place_all(problem, sequence, Gap::kFirst);
    const int64_t bytes = arena_bytes(problem, offsets);
    const double percent = 50.0 * static_cast<double>(bytes - present_bytes) /
                           static_cast<double>(std::max<int64_t>(bytes, 1)) / attempt;
    if (bytes < present_bytes || picker.below(100) < percent) {
      present = std::move(offsets);
      present_bytes = bytes;
    } else {
      std::swap(sequence[a], sequence[b]);
    }
    if (present_bytes < best_bytes) {
      best = present;
      best_bytes = present_bytes;
    }
  }
  return best;
}

std::span<const OffsetPeer> offset_peers() {
  static constexpr OffsetPeer kPeers[] = {{"size", greedy_by_size},
                                          {"breadth", greedy_by_breadth},
                                          {"start", best_fit_by_start},
                                          {"hill", hill_climb}};
  return kPeers;
}

}  // namespace memopt::peers
