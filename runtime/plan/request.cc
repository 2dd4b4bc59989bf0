#include "runtime/plan/request.h"

#include "runtime/kernels/operands.h"

namespace memopt {
namespace {

std::vector<Operand> operands_of(const Plan& plan,
                                 const std::vector<std::optional<uint32_t>>& indices) {
  std::vector<Operand> operands(indices.size());
  for (size_t i = 0; i < indices.size(); ++i) {
    if (!indices[i]) continue;
    const PlanValue& value = plan.values[*indices[i]];
    Operand& operand = operands[i];
    operand.present = true;
    operand.constant = value.storage == Storage::kConstant;
    operand.dtype = value.dtype;
    operand.layout = value.layout;
    operand.dims = value.dims;
    // A kernel may look at them, though they mean nothing for kPacked.
    operand.strides =
        value.layout == Layout::kPacked ? row_major_strides(value.dims) : value.strides;
  }
  return operands;
}

}  // namespace

InstructionRequest::InstructionRequest(const Plan& plan, const PlanInstruction& instruction)
    : op_(instruction.op),
      target_(plan.target),
      inputs_(operands_of(plan, instruction.inputs)),
      outputs_(operands_of(plan, instruction.outputs)) {
  unify_layouts(inputs_, outputs_);
}

}  // namespace memopt
