// One space of a memory problem, prepared for the planners: buffers that need no bytes are gone,
// and conflicts are ready to be asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "passes/planning/problem.h"

namespace memopt {

struct Item {
  uint32_t buffer = 0;  // index in the problem
  int64_t size = 0;     // bytes, > 0
  int64_t alignment = 1;
  std::optional<int64_t> fixed_offset;
  int64_t lower = 0, upper = 0;       // steps, hull of the rectangles
  std::vector<Rectangle> rectangles;  // never empty without an interference graph
};

struct Instance {
  // By lifetime, size and whatever else there is to them, whatever the order of the problem; in
  // that order with a graph, whose nodes are equal but for their places in it.
  std::vector<Item> items;
  bool has_graph = false;
  std::vector<std::vector<uint32_t>> neighbors;  // of items, ascending; only with a graph
  bool has_windows = false;  // some gap keeps a part of its buffer: conflicts are no yes or no
  int64_t granularity = 1;   // divides all offsets: the common divisor of the alignments
  std::optional<int64_t> capacity_bytes;

  // Bytes that an item keeps others from using: nothing else can start inside its last granule.
  int64_t padded(int64_t size) const {
    return (size + granularity - 1) / granularity * granularity;
  }
};

Instance make_instance(const MemoryProblem& problem, uint32_t space);

// Neighbors of every item, ascending, from the lifetimes or the graph.
// Nothing when there are more than `max_pairs` of them.
std::optional<std::vector<std::vector<uint32_t>>> conflict_lists(const Instance& instance,
                                                                 int64_t max_pairs);

// Looks at an edge while cliques of a graph are grown. Enough for a few thousand items.
inline constexpr int64_t kMaxCliqueSteps = 50'000'000;

// Sets of items that interfere pairwise and together cover every conflict: for lifetimes, the
// maximal sets of items live at one step; for a graph, found greedily. Each ascending; singletons
// for loners. Nothing for a graph in which they take more steps to find.
std::optional<std::vector<std::vector<uint32_t>>> clique_cover(const Instance& instance,
                                                               int64_t max_steps = kMaxCliqueSteps);

// Proved by the load of the cliques, largest single item and fixed offset; see lower_bound().
int64_t instance_bound(const Instance& instance);

// Largest offset + size.
int64_t height_of(const Instance& instance, const std::vector<int64_t>& offsets);

}  // namespace memopt
