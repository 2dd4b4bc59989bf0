// Lower bounds on the height of any plan.
#pragma once

#include <cstdint>

#include "passes/planning/problem.h"

namespace memopt {

// Bytes that no plan of this space can go below: the largest load over time, sizes rounded up to
// the common alignment except for the buffer on top; for an interference graph, the heaviest clique
// found.
int64_t lower_bound(const MemoryProblem& problem, uint32_t space = 0);

}  // namespace memopt
