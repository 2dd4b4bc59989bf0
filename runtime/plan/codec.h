// The metadata section of a plan file: a Plan as FlatBuffers (plan.fbs) and back.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/plan/plan.h"

namespace memopt {

std::vector<std::byte> encode_plan(const Plan& plan);

// Checks structure only: that the buffer is a well-formed plan.fbs, that names of operators,
// attributes, element types and enumerations are known, that ranks, strings and counts are within
// limits and that every index names a value. What the plan means is verify_plan()'s business.
// `bytes` are 8-byte aligned.
Result<Plan> decode_plan(std::span<const std::byte> bytes);

}  // namespace memopt
