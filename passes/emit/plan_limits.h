// What a plan file may hold, seen from its writer: what its reader would refuse is avoided where
// that changes no meaning, and refused by name where not.
#pragma once

#include "runtime/base/result.h"
#include "runtime/plan/plan.h"

namespace memopt {

// Shortens names that are for people only (of values that are neither input nor output, of
// instructions, of the model, in options) to what a plan may hold; what they were cut off from is
// numbered, so that different names stay different. Errors (kBadInput) name what passes a limit:
// the name of an input or output, the operands of an instruction, the number of values.
Status fit_plan_limits(Plan& plan);

// An internal error unless the encoded plan decodes to the same plan.
Status check_round_trip(const Plan& plan);

}  // namespace memopt
