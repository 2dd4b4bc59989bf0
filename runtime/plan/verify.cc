#include "runtime/plan/verify.h"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/base/checked.h"
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

// What any plan of these values and this scratch needs at most: bytes of its own for every root.
int64_t separate_bytes(const Plan& plan) {
  int64_t bytes = 0;
  const auto add = [&](int64_t size) {
    bytes = checked_add(bytes, align_up(size, kArenaAlignment)).value_or(INT64_MAX);
  };
  for (const PlanValue& value : plan.values) {
    if (value.storage == Storage::kArena && !value.alias) add(value.bytes);
  }
  for (const PlanInstruction& instruction : plan.instructions) add(instruction.scratch_bytes);
  return bytes;
}

// Of what the plan says of its arena, only what cannot be is rejected.
Status check_claims(const Plan& plan) {
  const PlanCertificate& claims = plan.certificate;
  const auto impossible = [&](const std::string& what) {
    return Error{Code::kVerifyFailed, "the plan claims a lower bound of " +
                                          std::to_string(claims.lower_bound_bytes) + " bytes, " +
                                          what};
  };
  if (claims.lower_bound_bytes < 0) return impossible("which is no size");
  if (claims.naive_bytes < 0) {
    return Error{Code::kVerifyFailed,
                 "the plan claims naive bytes of " + std::to_string(claims.naive_bytes)};
  }
  if (claims.lower_bound_bytes > plan.arena_bytes) {
    return impossible("more than its arena of " + std::to_string(plan.arena_bytes));
  }
  if (const int64_t most = separate_bytes(plan); claims.lower_bound_bytes > most) {
    return impossible("more than the " + std::to_string(most) +
                      " that all of its values and scratch need side by side");
  }
  // Those are the sizes of the values as they are, without what alignment adds to each.
  const auto parts = static_cast<int64_t>(plan.values.size() + plan.instructions.size());
  if (claims.lower_bound_bytes - claims.naive_bytes > parts * kArenaAlignment) {
    return impossible("more than the naive " + std::to_string(claims.naive_bytes));
  }
  return {};
}

}  // namespace

Status verify_memory(const Plan& plan, KernelLookup kernels) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<uint32_t> roots, verify_values(plan));
  for (size_t i = 0; i < plan.instructions.size(); ++i) {
    MEMOPT_RETURN_IF_ERROR(verify_types(plan, i));
  }
  MEMOPT_RETURN_IF_ERROR(simulate_memory(plan, roots, kernels));
  return check_claims(plan);
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
