// Where the aliases of a plan lead.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/plan/plan.h"

namespace memopt {

// The root of every value, in time proportional to the values. kVerifyFailed where aliases form a
// circle or a chain longer than kMaxPlanAliasDepth.
Result<std::vector<uint32_t>> find_roots(const Plan& plan);

}  // namespace memopt
