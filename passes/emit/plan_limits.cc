#include "passes/emit/plan_limits.h"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/plan/codec.h"
#include "runtime/plan/limits.h"

namespace memopt {
namespace {

// The name, or its beginning and the index of what it names.
void shorten(std::string& name, size_t index) {
  if (name.size() <= kMaxPlanStringBytes) return;
  const std::string end = "..." + std::to_string(index);
  name.resize(kMaxPlanStringBytes - end.size());
  name += end;
}

std::string shown(const std::string& name) {
  constexpr size_t kShown = 40;
  return name.size() <= kShown ? "'" + name + "'" : "'" + name.substr(0, kShown) + "...'";
}

Status check_signature(const Plan& plan, const std::vector<uint32_t>& values, const char* what) {
  for (const uint32_t index : values) {
    const std::string& name = plan.values[index].name;
    if (name.size() <= kMaxPlanStringBytes) continue;
    return bad_input(std::string(what) + ' ' + shown(name) + " has a name of " +
                     std::to_string(name.size()) + " bytes, a plan holds " +
                     std::to_string(kMaxPlanStringBytes));
  }
  return {};
}

Status check_count(size_t count, size_t limit, const std::string& what) {
  if (count <= limit) return {};
  return bad_input(what + ": " + std::to_string(count) + ", a plan holds " + std::to_string(limit));
}

}  // namespace

Status fit_plan_limits(Plan& plan) {
  MEMOPT_RETURN_IF_ERROR(check_signature(plan, plan.inputs, "input"));
  MEMOPT_RETURN_IF_ERROR(check_signature(plan, plan.outputs, "output"));
  MEMOPT_RETURN_IF_ERROR(check_count(plan.values.size(), kMaxPlanValues, "values"));
  MEMOPT_RETURN_IF_ERROR(
      check_count(plan.instructions.size(), kMaxPlanInstructions, "instructions"));
  for (const PlanInstruction& instruction : plan.instructions) {
    const size_t operands = std::max(instruction.inputs.size(), instruction.outputs.size());
    const std::string what = "operands of node " + shown(instruction.name) + " (" +
                             std::string(op_name(instruction.op)) + ")";
    MEMOPT_RETURN_IF_ERROR(check_count(operands, kMaxPlanOperands, what));
  }
  shorten(plan.model_name, 0);
  for (size_t i = 0; i < plan.options.size(); ++i) shorten(plan.options[i], i);
  for (size_t i = 0; i < plan.values.size(); ++i) shorten(plan.values[i].name, i);
  for (size_t i = 0; i < plan.instructions.size(); ++i) shorten(plan.instructions[i].name, i);
  return {};
}

Status check_round_trip(const Plan& plan) {
  const std::vector<std::byte> encoded = encode_plan(plan);
  const Result<Plan> decoded = decode_plan(encoded);
  if (!decoded.ok()) {
    return internal_error("the compiler made a plan that does not decode: " +
                          decoded.error().message);
  }
  // As bytes, because an attribute that is NaN differs from itself.
  if (encode_plan(*decoded) != encoded) {
    return internal_error("the compiler made a plan that decodes to another one");
  }
  return {};
}

}  // namespace memopt
