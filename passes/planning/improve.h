// The lowest packing that the exact search finds within a work limit.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/planning/instance.h"
#include "passes/planning/stop.h"

namespace memopt {

struct Improvement {
  std::vector<int64_t> offsets;  // of the instance's items; empty when nothing was found
  int64_t lower_bound = 0;       // proved
  int64_t work = 0;
};

// Looks for a packing no higher than `target`, given that one of `height` is known. Attempts the
// target itself with `effort`, then capacities spread between the two, as a search that fails just
// above one capacity may succeed just below it; every eighth attempt is the target again, with
// four times the effort. The proved bound is target + 1 or more when there is no such packing.
Improvement improve_exactly(const Instance& instance, int64_t target, int64_t height,
                            int64_t effort, int64_t work_limit, uint64_t seed, StopToken stop = {});

}  // namespace memopt
