// The static half of the verifier: values, aliases, constants and signature by themselves.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/plan/plan.h"

namespace memopt {

// Checks everything in a plan that does not depend on the order of its instructions. Returns the
// root of every value.
Result<std::vector<uint32_t>> verify_values(const Plan& plan);

// Type inference over the operands of an instruction gives the types that its results have in the
// plan: what kernels rely on. Expects verify_values() to have passed.
Status verify_types(const Plan& plan, size_t instruction);

}  // namespace memopt
