// The lowest packing that the exact search finds within a work limit.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/planning/instance.h"

namespace memopt {

struct Improvement {
  std::vector<int64_t> offsets;  // of the instance's items; empty when nothing was found
  int64_t lower_bound = 0;       // proved
  int64_t work = 0;
};

// Looks for a packing no higher than `target`, given that one of `height` is known. Tries the
// target itself first, then closes in on it by bisection in rounds of growing effort, so that
// stopping early still leaves the best of the effort spent. The proved bound is target + 1 or more
// when there is none.
Improvement improve_exactly(const Instance& instance, int64_t target, int64_t height,
                            int64_t work_limit, uint64_t seed);

}  // namespace memopt
