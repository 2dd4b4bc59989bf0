// Fast heuristics: items are placed one after the other, each in a free stretch of addresses.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "passes/planning/instance.h"
#include "passes/planning/placement.h"
#include "passes/planning/stop.h"

namespace memopt {

enum class ItemOrder {
  kSize,       // largest first
  kArea,       // largest size x lifetime first
  kLifetime,   // longest lived first
  kStart,      // first born first
  kConflicts,  // heaviest load at any step of its life first
  kPeaks,      // the same in 256 classes, longest lived first in each: grows out of the peaks
};

// Item indices in that order; ties by size, start, index. Fixed items come first.
std::vector<uint32_t> ordered_items(const Instance& instance, ItemOrder order);

// Offsets when items are placed in `sequence`, which names each of them once; per item, near-linear
// in those that live at the same time. The best fit sees the open end as a stretch up to `ceiling`.
// Empty when the effort was over before all had one.
std::vector<int64_t> place_in_sequence(const Instance& instance, std::span<const uint32_t> sequence,
                                       Fit fit, int64_t ceiling, Effort* effort);

// What an allocator does at run time: in order of time, each item in the tightest free block, freed
// when it dies. O(n log n). Not for graphs; fixed items go below all others.
std::vector<int64_t> place_online(const Instance& instance);

// The heaviest load at any step of each item's life; with a graph, of its closed neighborhood.
std::vector<int64_t> loads_seen(const Instance& instance);

// Every item its own bytes.
std::vector<int64_t> place_naively(const Instance& instance);

}  // namespace memopt
