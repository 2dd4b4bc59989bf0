// The lowest packing that the exact search finds within a work limit.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/planning/instance.h"

namespace memopt {

struct Improvement {
  std::vector<int64_t> offsets;  // of the instance's items; empty when nothing was found
  int64_t lower_bound = 0;       // proved
  int64_t nodes = 0;
};

// Looks for a packing within `capacity`; proves a bound of capacity + 1 when there is none.
Improvement fit_exactly(const Instance& instance, int64_t capacity, int64_t work_limit,
                        uint64_t seed);

// Looks for the lowest packing, given that all are at least `lower_bound` and one of `height` is
// known. Tries the bound itself first, then closes in on it by bisection in rounds of growing
// effort, so that stopping early still leaves the best of the effort spent.
Improvement improve_exactly(const Instance& instance, int64_t lower_bound, int64_t height,
                            int64_t work_limit, uint64_t seed);

}  // namespace memopt
