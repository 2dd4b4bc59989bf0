#include "runtime/plan/verify.h"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/plan/verify_memory.h"
#include "runtime/plan/verify_values.h"

namespace memopt {
namespace {

Error kernel_failure(const Plan& plan, size_t index, const std::string& what) {
  const PlanInstruction& instruction = plan.instructions[index];
  return {Code::kVerifyFailed, "instruction " + std::to_string(index) + " ('" + instruction.name +
                                   "'): kernel '" + instruction.kernel + "' " + what};
}

// The packed operands that the plan has are those that the kernel asks for, byte for byte.
Status check_packed(const Plan& plan, size_t index, const std::vector<PackedOperand>& wanted) {
  const PlanInstruction& instruction = plan.instructions[index];
  for (size_t i = 0; i < instruction.inputs.size(); ++i) {
    if (!instruction.inputs[i]) continue;
    const PlanValue& value = plan.values[*instruction.inputs[i]];
    const auto packed = std::find_if(wanted.begin(), wanted.end(), [&](const PackedOperand& p) {
      return p.input == static_cast<int>(i);
    });
    const bool is_packed = value.layout == Layout::kPacked;
    if (is_packed != (packed != wanted.end())) {
      return kernel_failure(plan, index,
                            (is_packed ? "does not know the packed form of '"
                                       : "wants a packed form, which it does not get, of '") +
                                value.name + "'");
    }
    if (is_packed && packed->bytes != value.bytes) {
      return kernel_failure(plan, index,
                            "wants " + std::to_string(packed->bytes) + " bytes for packed '" +
                                value.name + "', the plan has " + std::to_string(value.bytes));
    }
  }
  return {};
}

Status check_needs(const Plan& plan, size_t index, const KernelNeeds& needs) {
  const int64_t scratch_bytes = plan.instructions[index].scratch_bytes;
  if (scratch_bytes < needs.scratch_bytes) {
    return kernel_failure(plan, index,
                          "needs " + std::to_string(needs.scratch_bytes) +
                              " bytes of scratch, the plan gives " + std::to_string(scratch_bytes));
  }
  return check_packed(plan, index, needs.packed);
}

}  // namespace

Status verify_memory(const Plan& plan, KernelLookup kernels) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<uint32_t> roots, verify_values(plan));
  for (size_t i = 0; i < plan.instructions.size(); ++i) {
    MEMOPT_RETURN_IF_ERROR(verify_types(plan, i));
  }
  return simulate_memory(plan, roots, kernels);
}

Status verify_kernel(const Plan& plan, std::span<const size_t> equal, KernelLookup kernels) {
  const size_t index = equal.front();
  const PlanInstruction& instruction = plan.instructions[index];
  const KernelDef* const kernel = kernels(instruction.kernel);
  if (!kernel) {
    return kernel_failure(plan, index,
                          "is not in this build; compile the model again with its own "
                          "memopt-compile");
  }
  if (kernel->op != op_kind(instruction.op)) {
    return kernel_failure(plan, index,
                          "does not compute '" + std::string(op_name(instruction.op)) + "'");
  }
  const InstructionRequest operands(plan, instruction);
  const KernelRequest request = operands.request();
  if (!kernel->supports(request)) {
    return kernel_failure(plan, index,
                          "does not support these operands on target " + to_string(plan.target));
  }
  KernelNeeds needs;
  if (kernel->needs) {
    Result<KernelNeeds> asked = kernel->needs(request);
    if (!asked.ok()) return kernel_failure(plan, index, ": " + asked.error().message);
    needs = *std::move(asked);
  }
  for (const size_t i : equal) MEMOPT_RETURN_IF_ERROR(check_needs(plan, i, needs));
  return {};
}

Status verify_plan(const Plan& plan, KernelLookup kernels) {
  MEMOPT_RETURN_IF_ERROR(verify_memory(plan, kernels));
  for (size_t i = 0; i < plan.instructions.size(); ++i) {
    MEMOPT_RETURN_IF_ERROR(verify_kernel(plan, {&i, 1}, kernels));
  }
  return {};
}

}  // namespace memopt
