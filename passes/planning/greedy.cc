#include "passes/planning/greedy.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "passes/planning/placement.h"
#include "runtime/base/checked.h"

namespace memopt {

std::vector<int64_t> loads_seen(const Instance& instance) {
  std::vector<int64_t> loads(instance.items.size(), 0);
  if (instance.has_graph) {
    for (uint32_t i = 0; i < loads.size(); ++i) {
      loads[i] = instance.items[i].size;
      for (uint32_t other : instance.neighbors[i]) loads[i] += instance.items[other].size;
    }
    return loads;
  }
  std::map<int64_t, int64_t> change;  // step -> bytes arriving less bytes leaving
  for (const Item& item : instance.items) {
    for (const Rectangle& r : item.rectangles) {
      change[r.lower] += r.end - r.begin;
      change[r.upper] -= r.end - r.begin;
    }
  }
  std::vector<int64_t> steps;
  std::vector<std::vector<int64_t>> most(1);  // most[k][s]: largest load of 2^k stretches from s on
  int64_t load = 0;
  for (const auto& [step, bytes] : change) {
    steps.push_back(step);
    most[0].push_back(load += bytes);
  }
  for (size_t k = 1; (size_t{1} << k) <= steps.size(); ++k) {
    const size_t half = size_t{1} << (k - 1);
    most.emplace_back(steps.size() - 2 * half + 1);
    for (size_t s = 0; s < most[k].size(); ++s) {
      most[k][s] = std::max(most[k - 1][s], most[k - 1][s + half]);
    }
  }
  const auto at = [&](int64_t step) {
    return static_cast<size_t>(std::lower_bound(steps.begin(), steps.end(), step) - steps.begin());
  };
  for (uint32_t i = 0; i < loads.size(); ++i) {
    for (const Rectangle& r : instance.items[i].rectangles) {
      const size_t from = at(r.lower), to = at(r.upper);
      const size_t k = static_cast<size_t>(63 - __builtin_clzll(to - from));
      loads[i] = std::max({loads[i], most[k][from], most[k][to - (size_t{1} << k)]});
    }
  }
  return loads;
}

std::vector<uint32_t> ordered_items(const Instance& instance, ItemOrder order) {
  const size_t n = instance.items.size();
  std::vector<double> rank(n);  // larger first
  std::vector<int64_t> loads;
  double load_class = 1;
  if (order == ItemOrder::kConflicts || order == ItemOrder::kPeaks) {
    loads = loads_seen(instance);
    if (n > 0)
      load_class = static_cast<double>(*std::max_element(loads.begin(), loads.end())) / 256;
  }
  for (uint32_t i = 0; i < n; ++i) {
    const Item& item = instance.items[i];
    const double lifetime = static_cast<double>(item.upper) - static_cast<double>(item.lower);
    switch (order) {
      case ItemOrder::kSize:
        break;
      case ItemOrder::kArea:
        rank[i] = lifetime * static_cast<double>(item.size);
        break;
      case ItemOrder::kLifetime:
        rank[i] = lifetime;
        break;
      case ItemOrder::kStart:
        rank[i] = -static_cast<double>(item.lower);
        break;
      case ItemOrder::kConflicts:
        rank[i] = static_cast<double>(loads[i]);
        break;
      case ItemOrder::kPeaks:
        rank[i] = std::floor(static_cast<double>(loads[i]) / load_class);
        break;
    }
  }
  std::vector<uint32_t> sequence(n);
  for (uint32_t i = 0; i < n; ++i) sequence[i] = i;
  std::stable_sort(sequence.begin(), sequence.end(), [&](uint32_t a, uint32_t b) {
    const Item& x = instance.items[a];
    const Item& y = instance.items[b];
    if (x.fixed_offset.has_value() != y.fixed_offset.has_value()) return x.fixed_offset.has_value();
    if (rank[a] != rank[b]) return rank[a] > rank[b];
    if (order == ItemOrder::kPeaks && x.upper - x.lower != y.upper - y.lower) {
      return x.upper - x.lower > y.upper - y.lower;
    }
    if (x.size != y.size) return x.size > y.size;
    return x.lower < y.lower;
  });
  return sequence;
}

std::vector<int64_t> place_in_sequence(const Instance& instance, std::span<const uint32_t> sequence,
                                       Fit fit, int64_t ceiling, Effort* effort) {
  Placement placement(instance);
  for (uint32_t i : sequence) {
    if (effort->is_over()) return {};
    const int64_t before = placement.work();
    const auto& fixed = instance.items[i].fixed_offset;
    placement.put({&i, 1}, fixed ? *fixed : placement.find({&i, 1}, fit, ceiling));
    effort->steps_left -= 1 + placement.work() - before;
  }
  return std::move(placement).take_offsets();
}

std::vector<int64_t> place_online(const Instance& instance) {
  std::vector<uint32_t> by_start;
  int64_t base = 0;  // above the fixed items
  std::vector<int64_t> offsets(instance.items.size());
  for (uint32_t i = 0; i < instance.items.size(); ++i) {
    const Item& item = instance.items[i];
    if (item.fixed_offset) {
      offsets[i] = *item.fixed_offset;
      base = std::max(base, *item.fixed_offset + item.size);
    } else {
      by_start.push_back(i);
    }
  }
  std::vector<uint32_t> by_end = by_start;
  std::stable_sort(by_start.begin(), by_start.end(), [&](uint32_t a, uint32_t b) {
    return instance.items[a].lower < instance.items[b].lower;
  });
  std::stable_sort(by_end.begin(), by_end.end(), [&](uint32_t a, uint32_t b) {
    return instance.items[a].upper < instance.items[b].upper;
  });
  std::map<int64_t, int64_t> blocks;              // free: begin -> end
  std::set<std::pair<int64_t, int64_t>> by_room;  // the same: (bytes, begin)
  const auto forget = [&](std::map<int64_t, int64_t>::iterator block) {
    by_room.erase({block->second - block->first, block->first});
    blocks.erase(block);
  };
  const auto release = [&](int64_t begin, int64_t end) {
    if (begin == end) return;
    const auto next = blocks.find(end);
    if (next != blocks.end()) end = next->second, forget(next);
    const auto after = blocks.lower_bound(begin);
    if (after != blocks.begin() && std::prev(after)->second == begin) {
      begin = std::prev(after)->first;
      forget(std::prev(after));
    }
    blocks[begin] = end;
    by_room.emplace(end - begin, begin);
  };
  int64_t top = base;
  size_t dead = 0;
  for (uint32_t i : by_start) {
    const Item& item = instance.items[i];
    for (; instance.items[by_end[dead]].upper <= item.lower; ++dead) {
      release(offsets[by_end[dead]], offsets[by_end[dead]] + instance.items[by_end[dead]].size);
    }
    // A block of this size serves whatever its begin.
    const auto found = by_room.lower_bound({item.size + item.alignment - 1, 0});
    if (found == by_room.end()) {
      offsets[i] = align_up(top, item.alignment);
      release(top, offsets[i]);
      top = offsets[i] + item.size;
      continue;
    }
    const auto block = blocks.find(found->second);
    const auto [begin, end] = *block;
    forget(block);
    offsets[i] = align_up(begin, item.alignment);
    release(begin, offsets[i]);
    release(offsets[i] + item.size, end);
  }
  return offsets;
}

std::vector<int64_t> place_naively(const Instance& instance) {
  int64_t next = 0;
  for (const Item& item : instance.items) {
    if (item.fixed_offset) next = std::max(next, *item.fixed_offset + item.size);
  }
  std::vector<int64_t> offsets;
  for (const Item& item : instance.items) {
    if (item.fixed_offset) {
      offsets.push_back(*item.fixed_offset);
      continue;
    }
    offsets.push_back(align_up(next, item.alignment));
    next = offsets.back() + item.size;
  }
  return offsets;
}

}  // namespace memopt
