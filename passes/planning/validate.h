// The judge of plans: shares no code with the planners, so that their mistakes are not its own.
#pragma once

#include "passes/planning/problem.h"

namespace memopt {

// Ok when every buffer has an aligned, non-negative offset, fixed ones stay where they are,
// interfering buffers share no byte, and each space's height is as stated. Capacities are checked
// for spaces whose status is kFits or kOptimal. Error: kVerifyFailed, naming the buffers.
Status validate(const MemoryProblem& problem, const MemoryPlan& plan);

}  // namespace memopt
