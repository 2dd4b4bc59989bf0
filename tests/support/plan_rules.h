// What verify.h promises, said a second time: element by element and byte by byte, for plans of a
// few hundred bytes. The verifier must agree in both directions.
#pragma once

#include "runtime/plan/plan.h"
#include "runtime/plan/request.h"

namespace memopt {

// What verify_memory() and verify_plan() have to say.
struct PlanJudgement {
  bool memory = false;
  bool plan = false;
};
PlanJudgement judge_plan(const Plan& plan, KernelLookup kernels);

}  // namespace memopt
