// The answers to a memory budget.
#pragma once

#include <cstdint>

#include "runtime/base/result.h"
#include "runtime/plan/plan.h"

namespace memopt {

enum class Fit {
  kYes,
  kImpossible,  // proved: no order and no placement of these operators fits
  kNotReached,  // not found, and not proved impossible
};

Fit judge_budget(const Plan& plan, int64_t budget_bytes);

// Ok, or kBudgetImpossible or kBudgetNotReached with what to try next. `cancelled`: the search was
// ended early.
Status check_budget(const Plan& plan, int64_t budget_bytes, bool cancelled);

}  // namespace memopt
