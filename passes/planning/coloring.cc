#include "passes/planning/coloring.h"

#include <algorithm>
#include <map>

#include "passes/planning/greedy.h"
#include "passes/planning/placement.h"

namespace memopt {
namespace {

// Whether the slot's lifetimes (lower -> upper, disjoint) leave room for all of the item's.
bool is_free(const std::map<int64_t, int64_t>& lifetimes, const Item& item) {
  return std::all_of(item.rectangles.begin(), item.rectangles.end(), [&](const Rectangle& r) {
    const auto after = lifetimes.lower_bound(r.lower);
    if (after != lifetimes.end() && after->first < r.upper) return false;
    return after == lifetimes.begin() || std::prev(after)->second <= r.lower;
  });
}

}  // namespace

std::vector<uint32_t> color_items(const Instance& instance, Effort* effort) {
  struct Slot {
    std::map<int64_t, int64_t> lifetimes;
    int64_t alignment;
    bool closed;           // holds a fixed item
    uint32_t blocked_for;  // the item that found a neighbor here
  };
  std::vector<Slot> slots;
  std::vector<uint32_t> slot_of(instance.items.size(), UINT32_MAX);
  for (uint32_t i : ordered_items(instance, ItemOrder::kSize)) {
    if (effort->is_over()) return {};
    const Item& item = instance.items[i];
    if (instance.has_graph) {
      effort->steps_left -= std::ssize(instance.neighbors[i]);
      for (uint32_t other : instance.neighbors[i]) {
        if (slot_of[other] != UINT32_MAX) slots[slot_of[other]].blocked_for = i;
      }
    }
    // Sizes descend, so that the newest slot is the tightest.
    size_t s = slots.size();
    for (; s > 0 && !item.fixed_offset; --s) {
      const Slot& slot = slots[s - 1];
      if (!slot.closed && slot.blocked_for != i && slot.alignment % item.alignment == 0 &&
          is_free(slot.lifetimes, item)) {
        break;
      }
    }
    constexpr int64_t kStepsPerSlot = 16;  // a look-up
    effort->steps_left -= 1 + kStepsPerSlot * static_cast<int64_t>(slots.size() - s);
    if (s == 0 || item.fixed_offset) {
      slots.push_back({{}, item.alignment, item.fixed_offset.has_value(), UINT32_MAX});
      s = slots.size();
    }
    slot_of[i] = static_cast<uint32_t>(s - 1);
    for (const Rectangle& r : item.rectangles) slots[s - 1].lifetimes[r.lower] = r.upper;
  }
  return slot_of;
}

std::vector<int64_t> color_and_place(const Instance& instance, Effort* effort) {
  const std::vector<uint32_t> slot_of = color_items(instance, effort);
  if (slot_of.size() != instance.items.size()) return {};
  std::vector<std::vector<uint32_t>> slots;
  for (uint32_t i = 0; i < slot_of.size(); ++i) {
    if (slot_of[i] >= slots.size()) slots.resize(slot_of[i] + 1);
    slots[slot_of[i]].push_back(i);
  }
  Placement placement(instance);
  for (const auto& slot : slots) {  // fixed ones first, then by falling size
    if (effort->is_over()) return {};
    const int64_t before = placement.work();
    const auto& fixed = instance.items[slot.front()].fixed_offset;
    placement.put(slot, fixed ? *fixed : placement.find(slot, Fit::kFirst));
    effort->steps_left -= placement.work() - before;
  }
  return std::move(placement).take_offsets();
}

}  // namespace memopt
