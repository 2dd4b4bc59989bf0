// Looks for the flow that proves the most about one step.
#pragma once

#include <cstdint>

#include "tools/certificate/certificate.h"
#include "tools/certificate/problem.h"

namespace memopt::certificate {

struct FoundFlow {
  int64_t bytes = 0;  // occupied while the step runs, in every order
  FlowWitness witness;
};

// Tells cases of overwriting apart where that is needed to reach `wanted_bytes`. `work` (arcs
// looked at) is used up; what is found with less is weaker, but right.
FoundFlow find_flow(const Plan& plan, const Problem& problem, int32_t step, int64_t wanted_bytes,
                    int64_t* work);

}  // namespace memopt::certificate
