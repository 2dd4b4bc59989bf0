// The lowest packing that the exact search finds within a work limit.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "passes/planning/exact.h"
#include "passes/planning/instance.h"

namespace memopt {

struct Improvement {
  std::vector<int64_t> offsets;  // of the instance's items; empty when nothing was found
  int64_t lower_bound = 0;       // proved
  int64_t work = 0;
};

struct ImproveOptions {
  int64_t target_bytes = 0;  // nothing lower is looked for
  int64_t height_bytes = 0;  // of a packing that is known
  int64_t effort = 0;        // of the first attempts
  DecideOptions search = {};
  std::function<void(std::string_view line)> progress = {};  // told of every attempt
};

// Looks for a packing no higher than the target. Attempts the target itself with `effort`, then
// capacities spread between it and the height, as a search that fails just above one capacity may
// succeed just below it; every eighth attempt is the target again, with four times the effort. The
// proved bound is above the target when there is no such packing.
Improvement improve_exactly(const Instance& instance, const ImproveOptions& options);

}  // namespace memopt
