// The bridge from graphs to the ordering search.
#pragma once

#include <vector>

#include "passes/planning/aliases.h"

namespace memopt {

struct ScheduleResult {
  std::vector<NodeId> order;
  int64_t peak_bytes = 0;
  int64_t lower_bound_bytes = 0;  // over all orders, with these aliases
  bool optimal = false;           // proved
  bool cancelled = false;         // see OrderResult
};

// The order of all nodes with the smallest peak of arena bytes that the search finds; never worse
// than the present.
Result<ScheduleResult> schedule_nodes(const Graph& graph, const NodeMap<KernelChoice>& kernels,
                                      const Aliases& aliases, const BufferOptions& options);

}  // namespace memopt
