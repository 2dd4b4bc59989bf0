// Placement by coloring: items that never conflict share a slot.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/planning/instance.h"
#include "passes/planning/stop.h"

namespace memopt {

// Weighted coloring of the interference graph, largest first: each item goes to the tightest slot
// that holds nothing it conflicts with (Pisarchyk and Lee, "Efficient memory management for deep
// neural net inference", 2020, call it shared objects). The slots are then placed like items with
// the conflicts of all their members, so that slots which never meet may overlap. Returns one
// offset per item; none when stopped.
std::vector<int64_t> color_and_place(const Instance& instance, Effort* effort);

// The slot of each item, numbered in order of creation. Fixed items have slots of their own. Empty
// when stopped.
std::vector<uint32_t> color_items(const Instance& instance, Effort* effort);

}  // namespace memopt
