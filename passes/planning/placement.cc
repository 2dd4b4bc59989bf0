#include "passes/planning/placement.h"

#include <algorithm>

#include "runtime/base/checked.h"

namespace memopt {

void Placement::put(std::span<const uint32_t> group, int64_t offset) {
  for (uint32_t i : group) {
    offsets_[i] = offset;
    for (const Rectangle& r : instance_.items[i].rectangles) {
      const Rectangle placed{r.lower, r.upper, offset + r.begin, offset + r.end};
      const auto at =
          std::upper_bound(placed_.begin(), placed_.end(), placed,
                           [](const auto& a, const auto& b) { return a.begin < b.begin; });
      placed_.insert(at, placed);
    }
  }
}

void Placement::collect(uint32_t i) {
  const Item& item = instance_.items[i];
  if (instance_.has_graph) {
    for (uint32_t other : instance_.neighbors[i]) {
      if (offsets_[other] == kUnplaced) continue;
      taken_.push_back(
          {offsets_[other] - item.size, offsets_[other] + instance_.items[other].size});
    }
    return;
  }
  for (const Rectangle& r : item.rectangles) {
    for (const Rectangle& p : placed_) {
      if (p.lower < r.upper && r.lower < p.upper) {
        taken_.push_back({p.begin - r.end, p.end - r.begin});
      }
    }
  }
}

int64_t Placement::find(std::span<const uint32_t> group, Fit fit) {
  int64_t alignment = 1;
  taken_.clear();
  for (uint32_t i : group) {
    alignment = std::max(alignment, instance_.items[i].alignment);
    collect(i);
  }
  std::sort(taken_.begin(), taken_.end(),
            [](const Taken& a, const Taken& b) { return a.above < b.above; });
  int64_t best = kUnplaced, best_room = INT64_MAX;
  int64_t free_from = 0;  // the lowest offset that nothing seen so far forbids
  for (const Taken& t : taken_) {
    const int64_t offset = align_up(free_from, alignment);
    if (offset <= t.above) {
      if (fit == Fit::kFirst) return offset;
      const int64_t room = t.above - free_from;
      if (room < best_room) best = offset, best_room = room;
    }
    free_from = std::max(free_from, t.below);
  }
  return best != kUnplaced ? best : align_up(free_from, alignment);
}

}  // namespace memopt
