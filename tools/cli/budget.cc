#include "tools/cli/budget.h"

#include <string>

#include "tools/cli/sizes.h"

namespace memopt {

Fit judge_budget(const Plan& plan, int64_t budget_bytes) {
  if (plan.arena_bytes <= budget_bytes) return Fit::kYes;
  const bool proved = plan.certificate.kind == BoundKind::kAllOrders &&
                      plan.certificate.lower_bound_bytes > budget_bytes;
  return proved ? Fit::kImpossible : Fit::kNotReached;
}

Status check_budget(const Plan& plan, int64_t budget_bytes, bool cancelled) {
  const Fit fit = judge_budget(plan, budget_bytes);
  if (fit == Fit::kYes) return {};
  const int64_t missing = plan.arena_bytes - budget_bytes;
  std::string message = "memory budget " + format_size(budget_bytes) +
                        ": the smallest arena found is " + format_size(plan.arena_bytes) + ", " +
                        format_size(missing) + " more";
  if (fit == Fit::kImpossible) {
    return Error{Code::kBudgetImpossible,
                 message + "; no order and placement of these operators needs less than " +
                     format_size(plan.certificate.lower_bound_bytes) +
                     ". Try a smaller input (--shape) or --io=caller"};
  }
  if (cancelled) {
    return Error{Code::kBudgetNotReached, message + "; the search was cancelled"};
  }
  return Error{Code::kBudgetNotReached, message +
                                            "; not proved impossible. Try --io=caller, a larger "
                                            "--work-limit or a smaller input (--shape)"};
}

}  // namespace memopt
