#include "passes/planning/placement.h"

#include <algorithm>

#include "runtime/base/checked.h"

namespace memopt {

void Placement::put(std::span<const uint32_t> group, int64_t offset) {
  for (uint32_t i : group) {
    offsets_[i] = offset;
    for (size_t r = 0; r < instance_.items[i].rectangles.size(); ++r) {
      placed_.insert(i, r, offset);
    }
  }
}

void Placement::collect(uint32_t i) {
  const Item& item = instance_.items[i];
  if (instance_.has_graph) {
    work_ += std::ssize(instance_.neighbors[i]);
    for (uint32_t other : instance_.neighbors[i]) {
      if (offsets_[other] == kUnplaced) continue;
      taken_.push_back(
          {offsets_[other] - item.size, offsets_[other] + instance_.items[other].size});
    }
    return;
  }
  for (const Rectangle& r : item.rectangles) {
    placed_.visit(r.lower, r.upper, [&](const Rectangle& p) {
      taken_.push_back({p.begin - r.end, p.end - r.begin});
      return false;
    });
  }
}

namespace {

// Sees the taken ranges by rising begin and keeps the stretch that fits best.
class StretchFinder {
 public:
  StretchFinder(int64_t alignment, Fit fit) : alignment_(alignment), fit_(fit) {}
  // Offsets strictly between the two are taken. True when no more need to be seen.
  bool see(int64_t above, int64_t below) {
    consider(above);
    free_from_ = std::max(free_from_, below);
    return fit_ == Fit::kFirst && best_ >= 0;
  }
  // `last`: the largest offset under the ceiling.
  int64_t finish(int64_t last) {
    consider(last);
    return best_ >= 0 ? best_ : align_up(free_from_, alignment_);
  }

 private:
  void consider(int64_t above) {
    if (free_from_ > above) return;
    const int64_t offset = align_up(free_from_, alignment_);
    if (offset > above || above - free_from_ >= room_) return;
    best_ = offset;
    room_ = above - free_from_;
  }

  int64_t alignment_;
  Fit fit_;
  int64_t free_from_ = 0;  // the lowest offset that nothing seen so far forbids
  int64_t best_ = -1, room_ = INT64_MAX;
};

}  // namespace

int64_t Placement::find_single(const Item& item, Fit fit, int64_t ceiling) const {
  StretchFinder finder(item.alignment, fit);
  placed_.visit(item.lower, item.upper,
                [&](const Rectangle& p) { return finder.see(p.begin - item.size, p.end); });
  return finder.finish(ceiling - item.size);
}

int64_t Placement::find(std::span<const uint32_t> group, Fit fit, int64_t ceiling) {
  if (group.size() == 1 && instance_.items[group[0]].rectangles.size() == 1) {
    return find_single(instance_.items[group[0]], fit, ceiling);
  }
  int64_t alignment = 1, size = 0;
  taken_.clear();
  for (uint32_t i : group) {
    alignment = std::max(alignment, instance_.items[i].alignment);
    size = std::max(size, instance_.items[i].size);
    collect(i);
  }
  std::sort(taken_.begin(), taken_.end(),
            [](const Taken& a, const Taken& b) { return a.above < b.above; });
  StretchFinder finder(alignment, fit);
  for (const Taken& t : taken_) {
    if (finder.see(t.above, t.below)) break;
  }
  return finder.finish(ceiling - size);
}

}  // namespace memopt
