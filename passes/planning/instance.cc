#include "passes/planning/instance.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "passes/planning/bound.h"

namespace memopt {
namespace {

// A rectangle's start or end, ordered so that at one step the dying leave before the new arrive.
struct Event {
  int64_t step;
  bool starts;
  uint32_t item;
  int64_t bytes;
};

std::vector<Event> events_of(const Instance& instance) {
  std::vector<Event> events;
  for (uint32_t i = 0; i < instance.items.size(); ++i) {
    for (const Rectangle& r : instance.items[i].rectangles) {
      events.push_back({r.lower, true, i, r.end - r.begin});
      events.push_back({r.upper, false, i, r.end - r.begin});
    }
  }
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return std::pair(a.step, a.starts) < std::pair(b.step, b.starts);
  });
  return events;
}

// Largest load over time. Whole granules count, except that the item on top may end inside one.
int64_t interval_bound(const Instance& instance) {
  std::map<int64_t, int64_t> paddings;  // of live items, with how many have it
  int64_t load = 0, bound = 0;
  for (const Event& e : events_of(instance)) {
    const int64_t padding = instance.padded(e.bytes) - e.bytes;
    if (e.starts) {
      load += e.bytes + padding;
      ++paddings[padding];
      bound = std::max(bound, load - paddings.rbegin()->first);
    } else {
      load -= e.bytes + padding;
      if (--paddings[padding] == 0) paddings.erase(padding);
    }
  }
  return bound;
}

struct GraphCliques {
  std::vector<std::vector<uint32_t>> cliques;
  bool is_cover = true;  // false: `max_steps` ended it early
};

// Grows a clique from every item, heaviest first, until `covered` has seen every edge.
GraphCliques graph_cliques(const Instance& instance, int64_t max_steps) {
  const auto& neighbors = instance.neighbors;
  const size_t n = neighbors.size();
  std::vector<std::vector<uint32_t>> by_weight(neighbors);
  const auto heavier = [&](uint32_t a, uint32_t b) {
    return std::pair(-instance.items[a].size, a) < std::pair(-instance.items[b].size, b);
  };
  for (auto& list : by_weight) std::sort(list.begin(), list.end(), heavier);
  int64_t steps = 0;
  const auto adjacent = [&](uint32_t a, uint32_t b) {
    ++steps;
    return std::binary_search(neighbors[a].begin(), neighbors[a].end(), b);
  };
  std::vector<std::vector<char>> covered(n);  // parallel to `neighbors`
  for (size_t i = 0; i < n; ++i) covered[i].assign(neighbors[i].size(), 0);
  const auto cover = [&](uint32_t a, uint32_t b) {
    const auto at = std::lower_bound(neighbors[a].begin(), neighbors[a].end(), b);
    covered[a][at - neighbors[a].begin()] = 1;
  };
  GraphCliques result;
  std::vector<std::vector<uint32_t>>& cliques = result.cliques;
  for (uint32_t seed = 0; seed < n; ++seed) {
    if (neighbors[seed].empty()) cliques.push_back({seed});
    for (size_t k = 0; k < neighbors[seed].size(); ++k) {
      if (covered[seed][k]) continue;
      if (steps > max_steps) {
        result.is_cover = false;
        return result;
      }
      std::vector<uint32_t> clique = {seed, neighbors[seed][k]};
      for (uint32_t c : by_weight[seed]) {
        if (std::all_of(clique.begin() + 1, clique.end(),
                        [&](uint32_t member) { return adjacent(member, c); })) {
          clique.push_back(c);
        }
      }
      std::sort(clique.begin(), clique.end());
      for (uint32_t a : clique) {
        for (uint32_t b : clique) {
          if (a != b) cover(a, b);
        }
      }
      steps += std::ssize(clique) * std::ssize(clique);
      cliques.push_back(std::move(clique));
    }
  }
  return result;
}

// An order of items in which only those come together that are the same but for their names.
bool comes_before(const Item& a, const Item& b) {
  const auto key = [](const Item& item) {
    return std::tuple(item.lower, item.upper, item.size, item.alignment, item.fixed_offset);
  };
  if (key(a) != key(b)) return key(a) < key(b);
  return std::lexicographical_compare(a.rectangles.begin(), a.rectangles.end(),
                                      b.rectangles.begin(), b.rectangles.end(),
                                      [](const Rectangle& x, const Rectangle& y) {
                                        return std::tuple(x.lower, x.upper, x.begin, x.end) <
                                               std::tuple(y.lower, y.upper, y.begin, y.end);
                                      });
}

int64_t clique_bound(const Instance& instance) {
  int64_t bound = 0;
  for (const auto& clique : graph_cliques(instance, kMaxCliqueSteps).cliques) {
    int64_t load = 0, most_padding = 0;
    for (uint32_t i : clique) {
      const int64_t size = instance.items[i].size;
      load += instance.padded(size);
      most_padding = std::max(most_padding, instance.padded(size) - size);
    }
    bound = std::max(bound, load - most_padding);
  }
  return bound;
}

}  // namespace

Instance make_instance(const MemoryProblem& problem, uint32_t space) {
  Instance instance;
  instance.has_graph = problem.interference.has_value();
  instance.capacity_bytes = problem.spaces[space].capacity_bytes;
  int64_t common = 0;
  for (uint32_t i = 0; i < problem.buffers.size(); ++i) {
    const MemoryBuffer& buffer = problem.buffers[i];
    if (buffer.space != space || buffer.size_bytes == 0) continue;
    Item item{.buffer = i,
              .size = buffer.size_bytes,
              .alignment = buffer.alignment,
              .fixed_offset = buffer.fixed_offset,
              .rectangles = {}};
    if (!instance.has_graph) {
      item.rectangles = rectangles(buffer);
      if (item.rectangles.empty()) continue;  // never live: any offset does
      item.lower = item.rectangles.front().lower;
      item.upper = item.rectangles.back().upper;
      for (const MemoryGap& gap : buffer.gaps) instance.has_windows |= gap.window.has_value();
    }
    common = std::gcd(common, buffer.alignment);
    instance.items.push_back(std::move(item));
  }
  if (!instance.has_graph) {
    std::stable_sort(instance.items.begin(), instance.items.end(), comes_before);
  }
  // The window of a gap may start anywhere, so that a neighbor's last granule may be shared with
  // it.
  instance.granularity = instance.has_windows ? 1 : std::max<int64_t>(common, 1);
  if (instance.has_graph) {
    std::vector<uint32_t> item_of(problem.buffers.size(), UINT32_MAX);
    for (uint32_t i = 0; i < instance.items.size(); ++i) item_of[instance.items[i].buffer] = i;
    instance.neighbors.resize(instance.items.size());
    for (const auto& [a, b] : problem.interference->edges) {
      if (item_of[a] == UINT32_MAX || item_of[b] == UINT32_MAX) continue;
      instance.neighbors[item_of[a]].push_back(item_of[b]);
      instance.neighbors[item_of[b]].push_back(item_of[a]);
    }
    for (auto& list : instance.neighbors) {
      std::sort(list.begin(), list.end());
      list.erase(std::unique(list.begin(), list.end()), list.end());
    }
  }
  return instance;
}

std::optional<std::vector<std::vector<uint32_t>>> conflict_lists(const Instance& instance,
                                                                 int64_t max_pairs) {
  if (instance.has_graph) return instance.neighbors;
  std::vector<std::vector<uint32_t>> lists(instance.items.size());
  std::vector<uint32_t> live;
  int64_t pairs = 0;
  for (const Event& e : events_of(instance)) {
    if (!e.starts) {
      live.erase(std::find(live.begin(), live.end(), e.item));
      continue;
    }
    pairs += static_cast<int64_t>(live.size());
    if (pairs > max_pairs) return std::nullopt;
    for (uint32_t other : live) {
      lists[e.item].push_back(other);
      lists[other].push_back(e.item);
    }
    live.push_back(e.item);
  }
  for (auto& list : lists) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  return lists;
}

std::optional<std::vector<std::vector<uint32_t>>> clique_cover(const Instance& instance,
                                                               int64_t max_steps) {
  if (instance.has_graph) {
    GraphCliques found = graph_cliques(instance, max_steps);
    if (!found.is_cover) return std::nullopt;
    return std::move(found.cliques);
  }
  std::vector<std::vector<uint32_t>> cliques;
  std::vector<uint32_t> live;
  bool grew = false;  // since the last clique: only then is the live set a maximal one
  for (const Event& e : events_of(instance)) {
    if (e.starts) {
      live.push_back(e.item);
      grew = true;
      continue;
    }
    if (grew) {
      cliques.push_back(live);
      std::sort(cliques.back().begin(), cliques.back().end());
      grew = false;
    }
    live.erase(std::find(live.begin(), live.end(), e.item));
  }
  return cliques;
}

int64_t instance_bound(const Instance& instance) {
  int64_t bound = instance.has_graph ? clique_bound(instance) : interval_bound(instance);
  for (const Item& item : instance.items) {
    bound = std::max(bound, item.fixed_offset.value_or(0) + item.size);
  }
  return bound;
}

int64_t height_of(const Instance& instance, const std::vector<int64_t>& offsets) {
  int64_t height = 0;
  for (size_t i = 0; i < instance.items.size(); ++i) {
    height = std::max(height, offsets[i] + instance.items[i].size);
  }
  return height;
}

int64_t lower_bound(const MemoryProblem& problem, uint32_t space) {
  int64_t bound = instance_bound(make_instance(problem, space));
  for (const MemoryBuffer& buffer : problem.buffers) {  // also those that are never live
    if (buffer.space != space) continue;
    bound = std::max(bound, buffer.fixed_offset.value_or(0) + buffer.size_bytes);
  }
  return bound;
}

}  // namespace memopt
