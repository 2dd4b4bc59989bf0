// Fast heuristics: items are placed one after the other, each in a free stretch of addresses.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "passes/planning/instance.h"
#include "passes/planning/placement.h"

namespace memopt {

enum class ItemOrder {
  kSize,       // largest first
  kArea,       // largest size x lifetime first
  kLifetime,   // longest lived first
  kStart,      // first born first
  kConflicts,  // heaviest load at any step of its life first
};

// Item indices in that order; ties by size, start, index. Fixed items come first.
std::vector<uint32_t> ordered_items(const Instance& instance, ItemOrder order);

// Offsets when items are placed in `sequence`, which names each of them once. With a graph or
// intervals, O(n) per item in the number of placed ones.
std::vector<int64_t> place_in_sequence(const Instance& instance, std::span<const uint32_t> sequence,
                                       Fit fit);

// Every item its own bytes.
std::vector<int64_t> place_naively(const Instance& instance);

}  // namespace memopt
