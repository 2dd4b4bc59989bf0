// Placement of instances that are too large to search as a whole.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/planning/instance.h"
#include "passes/planning/stop.h"

namespace memopt {

struct LargeOptions {
  int64_t target_bytes = 0;       // nothing lower is looked for
  int64_t rounds = 6;             // of the repair
  int64_t work_limit = 0;         // of the exact search on the core
  int64_t max_steps = INT64_MAX;  // of the placement
  uint64_t seed = 1;
  int threads = 1;
  StopToken stop = {};
};

struct LargeResult {
  std::vector<int64_t> offsets;  // of the instance's items; empty when stopped before all had one
  int64_t work = 0;
};

// Grows the packing out of the peaks: items in order of the heaviest load that they live through,
// the long-lived first, each in the tightest gap below the target. Items that end above the target
// are moved forward in the order, for some rounds. Each is one place_in_sequence().
LargeResult place_from_peaks(const Instance& instance, const LargeOptions& options);

// Packs the items that live through the highest loads exactly below the target, then the others
// around them as above. No offsets when the search does not find that core in time. Not for graphs.
LargeResult place_around_core(const Instance& instance, const LargeOptions& options);

}  // namespace memopt
