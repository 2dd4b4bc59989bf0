// A plan of one instruction: an operator of the sample list, run by a given kernel.
#pragma once

#include <optional>
#include <vector>

#include "runtime/plan/plan.h"
#include "tests/support/samples.h"

namespace memopt::testing {

struct StepOptions {
  const KernelDef* kernel = nullptr;
  Layout layout = Layout::kRowMajor;  // of the operands of rank >= 3 that are no constants
  Target target = {};
  bool constants = false;  // all inputs but the first are constants, zeros, packed if asked for
};

struct StepPlan {
  Plan plan;
  std::vector<std::byte> constants;
};

// Every operand and result has bytes of its own in the arena, and so has the scratch; inputs and
// present results are the plan's. Nullopt where the kernel does not serve the sample so, or not
// without the results that `present` leaves out (empty: none). The plan is not verified.
std::optional<StepPlan> sample_step(const Sample& sample, const std::vector<bool>& present,
                                    const StepOptions& options);

}  // namespace memopt::testing
