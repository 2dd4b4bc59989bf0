// What a kernel is asked for an instruction of a plan, as the verifier and the session see it: no
// operand has data.
#pragma once

#include <vector>

#include "runtime/kernels/kernel.h"
#include "runtime/plan/plan.h"

namespace memopt {

// Owns the operands that its request refers to; the plan must outlive it.
class InstructionRequest {
 public:
  InstructionRequest(const Plan& plan, const PlanInstruction& instruction);
  KernelRequest request() const { return {&op_, inputs_, outputs_, target_}; }

 private:
  const Op& op_;
  Target target_;
  std::vector<Operand> inputs_;
  std::vector<Operand> outputs_;
};

// How the name of a kernel becomes the kernel: find_kernel, or a test's own table.
using KernelLookup = const KernelDef* (*)(std::string_view name);

}  // namespace memopt
