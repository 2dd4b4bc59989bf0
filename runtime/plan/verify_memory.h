// The dynamic half of the verifier: what lies in memory while the instructions run.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/request.h"

namespace memopt {

// Follows the plan instruction by instruction (verify_memory() in verify.h lists what it proves).
// Expects values that passed verify_values(), which made `roots`.
Status simulate_memory(const Plan& plan, const std::vector<uint32_t>& roots, KernelLookup kernels);

}  // namespace memopt
