#include "runtime/plan/verify_values.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "runtime/base/checked.h"
#include "runtime/base/type.h"
#include "runtime/kernels/kernel.h"
#include "runtime/ops/op_def.h"
#include "runtime/plan/limits.h"
#include "runtime/plan/roots.h"

namespace memopt {
namespace {

Error failure(std::string message) { return {Code::kVerifyFailed, std::move(message)}; }

Error instruction_failure(const Plan& plan, size_t index, const std::string& what) {
  return failure("instruction " + std::to_string(index) + " ('" + plan.instructions[index].name +
                 "'): " + what);
}

Error value_failure(const Plan& plan, size_t index, const std::string& what) {
  return failure("value " + std::to_string(index) + " ('" + plan.values[index].name +
                 "'): " + what);
}

Status check_spaces(const Plan& plan) {
  if (plan.arena_bytes < 0 || plan.arena_bytes > kMaxSpaceBytes) {
    return failure("an arena of " + std::to_string(plan.arena_bytes) + " bytes");
  }
  if (!is_power_of_two(plan.arena_alignment) || plan.arena_alignment < kArenaAlignment ||
      plan.arena_alignment > kMaxArenaAlignment) {
    return failure("an arena alignment of " + std::to_string(plan.arena_alignment) + " bytes");
  }
  if (plan.constants_bytes < 0 || plan.constants_bytes > kMaxSpaceBytes) {
    return failure("constants of " + std::to_string(plan.constants_bytes) + " bytes");
  }
  if (plan.state_bytes < 0 || plan.state_bytes > kMaxSpaceBytes) {
    return failure("state of " + std::to_string(plan.state_bytes) + " bytes");
  }
  return {};
}

// The bytes of the space that a root of this storage lies in; a caller's buffer has exactly its
// own.
int64_t space_bytes(const Plan& plan, const PlanValue& value) {
  switch (value.storage) {
    case Storage::kArena:
      return plan.arena_bytes;
    case Storage::kConstant:
      return plan.constants_bytes;
    case Storage::kCaller:
      return value.bytes;
    case Storage::kState:
      return plan.state_bytes;
  }
  return 0;
}

int64_t element_alignment(DType dtype) {
  return std::clamp<int64_t>(dtype_bits(dtype) / 8, 1, 8);  // complex numbers align as their parts
}

// Type and place of a value that has its elements at strides.
Status check_strided(const Plan& plan, size_t index) {
  const PlanValue& value = plan.values[index];
  if (value.layout == Layout::kChannelsLast && value.dims.rank() < 3) {
    return value_failure(plan, index,
                         "channels-last with rank " + std::to_string(value.dims.rank()));
  }
  const std::optional<int64_t> extent = extent_bytes(value.dtype, value.dims, value.strides);
  if (!extent) return value_failure(plan, index, "dimensions and strides make no tensor");
  if (*extent != value.bytes) {
    return value_failure(plan, index,
                         "spans " + std::to_string(*extent) + " bytes, the plan says " +
                             std::to_string(value.bytes));
  }
  if (!follows_layout(value.dims, value.strides, value.layout)) {
    return value_failure(plan, index, "strides do not follow the layout");
  }
  return {};
}

Status check_packed(const Plan& plan, size_t index) {
  const PlanValue& value = plan.values[index];
  if (value.storage != Storage::kConstant || value.alias || !value.strides.empty()) {
    return value_failure(plan, index, "packed, but no constant of its own");
  }
  return {};
}

Status check_value(const Plan& plan, size_t index) {
  const PlanValue& value = plan.values[index];
  if (!is_valid_type({value.dtype, value.dims, value.layout})) {
    return value_failure(plan, index, "its type is out of range");
  }
  if (value.offset_bytes < 0 || value.bytes < 0 || value.bytes > kMaxSpaceBytes ||
      value.offset_bytes > kMaxSpaceBytes) {
    return value_failure(plan, index, "offset or size is out of range");
  }
  if (value.offset_bytes % element_alignment(value.dtype) != 0) {
    return value_failure(
        plan, index,
        "offset " + std::to_string(value.offset_bytes) + " is not aligned to its elements");
  }
  MEMOPT_RETURN_IF_ERROR(value.layout == Layout::kPacked ? check_packed(plan, index)
                                                         : check_strided(plan, index));
  if (value.alias) return {};  // inside its parent, see check_alias
  const int64_t space = space_bytes(plan, value);
  if (value.offset_bytes > space - value.bytes) {
    return value_failure(plan, index,
                         "ends at byte " + std::to_string(value.offset_bytes + value.bytes) +
                             " of a space of " + std::to_string(space));
  }
  if (value.storage == Storage::kConstant && value.offset_bytes % kConstantAlignment != 0) {
    return value_failure(plan, index, "the constant is not 64-byte aligned");
  }
  return {};
}

// The byte offset of the box at `starts`, an element of `parent`, from the first one; nullopt if it
// is not whole bytes.
std::optional<int64_t> box_offset(const PlanValue& parent, const Dims& starts) {
  int64_t bits = 0;  // less than the extent of the parent
  for (int i = 0; i < starts.rank(); ++i) {
    bits += starts[i] * parent.strides[i] * dtype_bits(parent.dtype);
  }
  if (bits % 8 != 0) return std::nullopt;
  return bits / 8;
}

bool same_strides(const PlanValue& a, const PlanValue& b) {
  for (int i = 0; i < a.dims.rank(); ++i) {
    if (a.dims[i] > 1 && a.strides[i] != b.strides[i]) return false;
  }
  return true;
}

// Elements at equal distances.
struct Run {
  int64_t stride = 0;
  int64_t count = 0;
  bool operator==(const Run&) const = default;
};

// Where the elements of a value are, whatever its dimensions are called: the runs with the smallest
// strides first, those that continue each other as one.
std::vector<Run> runs_of(const PlanValue& value) {
  std::vector<Run> runs;
  for (int i = 0; i < value.dims.rank(); ++i) {
    if (value.dims[i] != 1) runs.push_back({value.strides[i], value.dims[i]});
  }
  std::ranges::sort(runs, {}, &Run::stride);
  std::vector<Run> joined;
  for (const Run& run : runs) {
    const bool continues =
        !joined.empty() && checked_mul(joined.back().stride, joined.back().count) == run.stride;
    if (continues) {
      joined.back().count *= run.count;  // within the count of elements, which was checked
    } else {
      joined.push_back(run);
    }
  }
  return joined;
}

Status check_whole(const Plan& plan, size_t index, const PlanValue& parent) {
  const PlanValue& value = plan.values[index];
  const bool both_empty = value.dims.count() == 0 && parent.dims.count() == 0;
  if (!both_empty && runs_of(value) != runs_of(parent)) {
    return value_failure(plan, index, "is not all of its parent");
  }
  if (value.offset_bytes != parent.offset_bytes) {
    return value_failure(plan, index, "does not lie where its parent does");
  }
  return {};
}

Status check_box(const Plan& plan, size_t index, const PlanValue& parent) {
  const PlanValue& value = plan.values[index];
  const Dims& starts = value.alias->starts;
  if (value.layout != parent.layout || value.dims.rank() != parent.dims.rank() ||
      starts.rank() != parent.dims.rank()) {
    return value_failure(plan, index, "layout or rank differ from its parent's");
  }
  for (int i = 0; i < starts.rank(); ++i) {
    if (starts[i] < 0 || starts[i] > parent.dims[i] - value.dims[i]) {
      return value_failure(plan, index, "leaves its parent");
    }
  }
  if (value.dims.count() == 0) return {};  // has no bytes
  const std::optional<int64_t> offset = box_offset(parent, starts);
  if (!same_strides(value, parent) || !offset ||
      value.offset_bytes - parent.offset_bytes != *offset) {
    return value_failure(plan, index, "does not lie where it starts in its parent");
  }
  return {};
}

Status check_alias(const Plan& plan, size_t index) {
  const PlanValue& value = plan.values[index];
  if (!value.alias) return {};
  const PlanValue& parent = plan.values[value.alias->parent];
  if (parent.layout == Layout::kPacked || parent.storage != value.storage ||
      parent.dtype != value.dtype) {
    return value_failure(plan, index, "storage or element type differ from its parent's");
  }
  return value.alias->whole ? check_whole(plan, index, parent) : check_box(plan, index, parent);
}

Status check_constants(const Plan& plan) {
  std::vector<uint32_t> roots;
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    const PlanValue& value = plan.values[i];
    if (value.storage == Storage::kConstant && !value.alias && value.bytes > 0) roots.push_back(i);
  }
  std::ranges::sort(roots, {}, [&](uint32_t i) { return plan.values[i].offset_bytes; });
  for (size_t i = 1; i < roots.size(); ++i) {
    const PlanValue& before = plan.values[roots[i - 1]];
    if (before.offset_bytes + before.bytes > plan.values[roots[i]].offset_bytes) {
      return value_failure(plan, roots[i], "overlaps constant '" + before.name + "'");
    }
  }
  return {};
}

Status check_signature(const Plan& plan, const std::vector<uint32_t>& roots) {
  std::vector<bool> is_input(plan.values.size()), is_output(plan.values.size());
  std::unordered_set<std::string_view> names;
  for (const uint32_t i : plan.inputs) {
    const PlanValue& value = plan.values[i];
    if (value.alias || value.storage == Storage::kConstant) {
      return value_failure(plan, i, "an input must own its bytes");
    }
    if (is_input[i]) return value_failure(plan, i, "is an input twice");
    if (!names.insert(value.name).second) return value_failure(plan, i, "two inputs of one name");
    is_input[i] = true;
  }
  names.clear();
  for (const uint32_t i : plan.outputs) {
    const PlanValue& value = plan.values[i];
    if (value.storage == Storage::kConstant) {
      return value_failure(plan, i, "an output must not be a constant");
    }
    if (value.storage == Storage::kCaller && (value.alias || is_input[i] || is_output[i])) {
      return value_failure(plan, i, "an output in the caller's memory must be a buffer of its own");
    }
    if (!is_output[i] && !names.insert(value.name).second) {
      return value_failure(plan, i, "two outputs of one name");
    }
    is_output[i] = true;
  }
  for (size_t i = 0; i < plan.values.size(); ++i) {
    const uint32_t root = roots[i];
    if (plan.values[i].storage == Storage::kCaller && !is_input[root] && !is_output[root]) {
      return value_failure(plan, i, "is in the caller's memory, but neither input nor output");
    }
  }
  return {};
}

// What a state is when a run begins and when it ends, and at the first run, is of one type and in
// one place. Nothing but states lies in the memory of states.
Status check_states(const Plan& plan, const std::vector<uint32_t>& roots) {
  std::vector<bool> is_io(plan.values.size()), is_state(plan.values.size());
  for (const auto* list : {&plan.inputs, &plan.outputs}) {
    for (const uint32_t i : *list) is_io[i] = true;
  }
  const auto is_same = [](const PlanValue& a, const PlanValue& b) {
    return a.dtype == b.dtype && a.layout == b.layout && a.dims == b.dims && a.strides == b.strides;
  };
  std::unordered_set<std::string_view> names;
  for (const PlanState& state : plan.states) {
    const PlanValue& before = plan.values[state.before];
    const PlanValue& after = plan.values[state.after];
    for (const uint32_t i : {state.before, state.after}) {
      if (plan.values[i].storage != Storage::kState || plan.values[i].alias) {
        return value_failure(plan, i, "is of a state, but no root in the memory of states");
      }
      if (is_io[i]) return value_failure(plan, i, "is of a state, and an input or output");
      if (is_state[i]) return value_failure(plan, i, "is of a state twice");
      is_state[i] = true;
    }
    if (!names.insert(before.name).second) {
      return value_failure(plan, state.before, "two states of one name");
    }
    if (!is_same(before, after) || before.offset_bytes != after.offset_bytes) {
      return value_failure(plan, state.after,
                           "has not the type and the place of state '" + before.name + "'");
    }
    if (before.offset_bytes % kArenaAlignment != 0) {
      return value_failure(plan, state.before, "the state is not 64-byte aligned");
    }
    if (!state.initial) continue;
    const PlanValue& initial = plan.values[*state.initial];
    if (initial.storage != Storage::kConstant || initial.alias || !is_same(before, initial)) {
      return value_failure(plan, *state.initial,
                           "is no constant of the type of state '" + before.name + "'");
    }
  }
  for (size_t i = 0; i < plan.values.size(); ++i) {
    if (plan.values[i].storage == Storage::kState && !is_state[roots[i]]) {
      return value_failure(plan, i, "is in the memory of states, but of none");
    }
  }
  return {};
}

}  // namespace

Result<std::vector<uint32_t>> verify_values(const Plan& plan) {
  MEMOPT_RETURN_IF_ERROR(check_spaces(plan));
  for (size_t i = 0; i < plan.values.size(); ++i) MEMOPT_RETURN_IF_ERROR(check_value(plan, i));
  MEMOPT_ASSIGN_OR_RETURN(std::vector<uint32_t> roots, find_roots(plan));
  for (size_t i = 0; i < plan.values.size(); ++i) MEMOPT_RETURN_IF_ERROR(check_alias(plan, i));
  MEMOPT_RETURN_IF_ERROR(check_constants(plan));
  MEMOPT_RETURN_IF_ERROR(check_signature(plan, roots));
  MEMOPT_RETURN_IF_ERROR(check_states(plan, roots));
  return roots;
}

Status verify_types(const Plan& plan, size_t index) {
  const PlanInstruction& instruction = plan.instructions[index];
  const auto type_of = [&](uint32_t i) {
    return TensorType{.dtype = plan.values[i].dtype, .dims = plan.values[i].dims};
  };
  std::vector<TensorType> types(instruction.inputs.size());
  std::vector<const TensorType*> inputs(instruction.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!instruction.inputs[i]) continue;
    types[i] = type_of(*instruction.inputs[i]);
    inputs[i] = &types[i];
  }
  const auto inferred = infer_types(instruction.op, inputs);
  if (!inferred.ok()) return instruction_failure(plan, index, inferred.error().message);
  std::vector<bool> present;
  for (const std::optional<uint32_t>& output : instruction.outputs) {
    present.push_back(output.has_value());
  }
  const Status arity = check_results(instruction.op, inferred->size(), present);
  if (!arity.ok()) return instruction_failure(plan, index, arity.error().message);
  for (size_t i = 0; i < instruction.outputs.size(); ++i) {
    if (!instruction.outputs[i]) continue;
    const TensorType found = type_of(*instruction.outputs[i]);
    if (found != (*inferred)[i]) {
      return instruction_failure(plan, index,
                                 "output '" + plan.values[*instruction.outputs[i]].name + "' is " +
                                     to_string(found) + ", the operator makes " +
                                     to_string((*inferred)[i]));
    }
  }
  return {};
}

}  // namespace memopt
