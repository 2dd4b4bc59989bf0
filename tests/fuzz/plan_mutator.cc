#include "tests/fuzz/plan_mutator.h"

#include <algorithm>

#include "runtime/kernels/kernel.h"
#include "tests/fuzz/plan_repair.h"
#include "tests/support/samples.h"

namespace memopt::fuzz {
namespace {

using Operands = std::vector<std::optional<uint32_t>>;

bool has_same_type(const PlanValue& a, const PlanValue& b) {
  return a.dtype == b.dtype && a.dims == b.dims;
}

uint32_t any_index(const Plan& plan, Random& random) {
  return static_cast<uint32_t>(random.below(plan.values.size()));
}

void mutate_dims(Dims& dims, Random& random) {
  if (dims.empty() || random.one_in(8)) {
    if (dims.rank() < kMaxRank && random.one_in(2))
      dims.push_back(random.number());
    else
      dims = Dims(dims.span().first(static_cast<size_t>(dims.rank()) / 2));
    return;
  }
  int64_t& dim = dims[static_cast<int>(random.below(static_cast<size_t>(dims.rank())))];
  dim = random.number(dim);
}

void mutate_alias(Plan& plan, PlanValue& value, Random& random) {
  if (!value.alias) {
    value.alias =
        PlanAlias{any_index(plan, random), random.one_in(2), Dims::filled(value.dims.rank(), 0)};
    return;
  }
  switch (random.below(4)) {
    case 0:
      value.alias.reset();
      return;
    case 1:
      value.alias->parent = any_index(plan, random);
      return;
    case 2:
      value.alias->whole = !value.alias->whole;
      return;
    default:
      mutate_dims(value.alias->starts, random);
  }
}

void mutate_value(Plan& plan, Random& random) {
  PlanValue& value = random.any(plan.values);
  switch (random.below(9)) {
    case 0:
      value.offset_bytes = random.number(value.offset_bytes);
      return;
    case 1:
      value.bytes = random.number(value.bytes);
      return;
    case 2:
    case 3:
      return mutate_dims(value.dims, random);
    case 4:
      return mutate_dims(value.strides, random);
    case 5:
      value.dtype = static_cast<DType>(random.below(kDTypeCount));
      return;
    case 6:
      value.layout = static_cast<Layout>(random.below(3));
      return;
    case 7:
      value.storage = static_cast<Storage>(random.below(random.one_in(8) ? 4 : 3));
      return;
    default:
      return mutate_alias(plan, value, random);
  }
}

void mutate_operands(const Plan& plan, Operands& operands, Random& random) {
  const std::optional<uint32_t> value =
      random.one_in(4) ? std::nullopt : std::optional(any_index(plan, random));
  const size_t at = random.below(operands.size());
  switch (operands.empty() ? 0 : random.below(6)) {
    case 0:
      operands.push_back(value);
      return;
    case 1:
      operands.erase(operands.begin() + static_cast<std::ptrdiff_t>(at));
      return;
    case 2:
      std::swap(operands[at], operands[random.below(operands.size())]);
      return;
    default:
      operands[at] = value;
  }
}

void mutate_number(Random& random, int64_t& value) { value = random.number(value); }
void mutate_number(Random& random, double& value) {
  static constexpr double kReals[] = {0, -0.0, 1, -1, 0.5, 1e-45, 1e38, 1e308, -1e300, 65536};
  value = random.one_in(2) ? random.any(kReals) : static_cast<double>(random.number());
}

template <typename T>
void mutate_list(Random& random, std::vector<T>& list) {
  if (list.empty() || random.one_in(6)) list.push_back(T{});
  if (random.one_in(6)) list.pop_back();
  if (!list.empty()) mutate_number(random, random.any(list));
}

// An attribute of another sample of the operator, which has enumerations and such too.
void mutate_attr(PlanInstruction& instruction, Random& random) {
  std::vector<Attr> attrs = op_attrs(instruction.op);
  const Op& other = random.any(testing::all_samples()).op;
  if (op_kind(other) == op_kind(instruction.op) || random.one_in(16)) {
    const std::vector<Attr> others = op_attrs(other);
    if (!others.empty()) attrs.push_back(random.any(others));
  }
  if (attrs.empty()) return;
  Attr& attr = random.any(attrs);
  if (auto* integer = std::get_if<int64_t>(&attr.value)) mutate_number(random, *integer);
  if (auto* real = std::get_if<double>(&attr.value)) mutate_number(random, *real);
  if (auto* list = std::get_if<std::vector<int64_t>>(&attr.value)) mutate_list(random, *list);
  if (auto* list = std::get_if<std::vector<double>>(&attr.value)) mutate_list(random, *list);
  const Result<Op> made = make_op(op_name(instruction.op), attrs);
  if (made.ok()) instruction.op = *made;
}

const KernelDef* any_kernel(OpKind kind, Random& random) {
  const auto kernels = kernels_for(kind);
  return kernels.empty() ? nullptr : kernels[random.below(kernels.size())];
}

void mutate_instruction(Plan& plan, Random& random) {
  PlanInstruction& instruction = random.any(plan.instructions);
  switch (random.below(8)) {
    case 0:
    case 1:
      return mutate_attr(instruction, random);
    case 2:
      return mutate_operands(plan, instruction.inputs, random);
    case 3:
      return mutate_operands(plan, instruction.outputs, random);
    case 4:
      instruction.scratch_offset_bytes = random.number(instruction.scratch_offset_bytes);
      return;
    case 5:
      instruction.scratch_bytes = random.number(instruction.scratch_bytes);
      return;
    case 6: {
      const OpKind kind = random.one_in(4) ? random.below(kOpCount) : op_kind(instruction.op);
      if (const KernelDef* kernel = any_kernel(kind, random)) instruction.kernel = kernel->name;
      return;
    }
    default: {
      const testing::Sample& sample = random.any(testing::all_samples());
      instruction.op = sample.op;
      if (const KernelDef* kernel = any_kernel(op_kind(sample.op), random)) {
        instruction.kernel = kernel->name;
      }
      return;
    }
  }
}

void mutate_signature(const Plan& plan, std::vector<uint32_t>& list, Random& random) {
  if (list.empty() || random.one_in(3)) {
    list.push_back(any_index(plan, random));
  } else if (random.one_in(2)) {
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(random.below(list.size())));
  } else {
    random.any(list) = any_index(plan, random);
  }
}

void mutate_lists(Plan& plan, Random& random) {
  const size_t at = random.below(plan.instructions.size());
  switch (random.below(6)) {
    case 0:
      return mutate_signature(plan, plan.inputs, random);
    case 1:
      return mutate_signature(plan, plan.outputs, random);
    case 2:
      if (plan.values.size() < 64) plan.values.push_back(random.any(plan.values));
      return;
    case 3:
      if (!plan.instructions.empty() && plan.instructions.size() < 32) {
        plan.instructions.push_back(plan.instructions[at]);
      }
      return;
    case 4:
      if (!plan.instructions.empty()) {
        plan.instructions.erase(plan.instructions.begin() + static_cast<std::ptrdiff_t>(at));
      }
      return;
    default:
      if (!plan.instructions.empty()) {
        std::swap(plan.instructions[at], random.any(plan.instructions));
      }
  }
}

void mutate_states(Plan& plan, Random& random) {
  if (plan.states.empty() || random.one_in(4)) {
    plan.states.push_back({.before = any_index(plan, random),
                           .after = any_index(plan, random),
                           .initial = std::nullopt});
    return;
  }
  PlanState& state = random.any(plan.states);
  switch (random.below(3)) {
    case 0:
      state.before = any_index(plan, random);
      return;
    case 1:
      state.after = any_index(plan, random);
      return;
    default:
      state.initial = any_index(plan, random);
  }
}

void mutate_plan(Plan& plan, Random& random) {
  switch (random.below(7)) {
    case 0:
      return mutate_number(random, plan.arena_bytes);
    case 1:
      return mutate_number(random, plan.arena_alignment);
    case 2:
      return mutate_number(random, plan.constants_bytes);
    case 3:
      return mutate_number(random, plan.state_bytes);
    case 4:
      plan.target.isa = static_cast<Isa>(random.below(static_cast<size_t>(Isa::kAmx) + 1));
      return;
    case 5:
      return mutate_states(plan, random);
    default:
      plan.target.pieces = static_cast<int>(1 + random.below(8));
  }
}

void mutate_once(Plan& plan, Random& random) {
  const size_t kind = random.below(16);
  if (kind == 0 || plan.values.empty()) return mutate_plan(plan, random);
  if (kind < 3) return mutate_lists(plan, random);
  if (kind < 9 && !plan.instructions.empty()) return mutate_instruction(plan, random);
  return mutate_value(plan, random);
}

}  // namespace

Plan plan_of(const testing::Sample& sample, Random& random) {
  Plan plan;
  plan.producer = "fuzz";
  plan.model_name = sample.name;
  plan.certificate.method = "none";
  PlanInstruction& instruction = plan.instructions.emplace_back();
  instruction.op = sample.op;
  instruction.name = "node";
  const Storage io = random.one_in(4) ? Storage::kCaller : Storage::kArena;
  const bool constants = !random.one_in(3);
  const Layout layout = random.one_in(2) ? Layout::kChannelsLast : Layout::kRowMajor;
  for (const testing::SampleInput& input : sample.inputs) {
    if (!input.present) {
      instruction.inputs.emplace_back();
      continue;
    }
    const auto index = static_cast<uint32_t>(plan.values.size());
    PlanValue& value = plan.values.emplace_back();
    value.name = "x" + std::to_string(index);
    value.dtype = input.dtype;
    value.dims = input.dims;
    value.layout = layout;
    value.storage = index > 0 && constants ? Storage::kConstant : io;
    if (value.storage != Storage::kConstant) plan.inputs.push_back(index);
    instruction.inputs.emplace_back(index);
  }
  const size_t first_result = plan.values.size();
  make_consistent(plan, random);
  for (size_t i = first_result; i < plan.values.size(); ++i) {
    plan.values[i].storage = io;
    plan.outputs.push_back(static_cast<uint32_t>(i));
  }
  make_consistent(plan, random);
  return plan;
}

void mutate(Plan& plan, Random& random) {
  const size_t changes = 1 + random.below(3);
  for (size_t i = 0; i < changes; ++i) mutate_once(plan, random);
  if (!random.one_in(4)) make_consistent(plan, random);
  if (random.one_in(4)) mutate_once(plan, random);
}

void append(Plan& plan, const Plan& other, Random& random) {
  const auto base = static_cast<uint32_t>(plan.values.size());
  for (PlanValue value : other.values) {
    value.name += '+' + std::to_string(base);
    if (value.alias) value.alias->parent += base;
    plan.values.push_back(std::move(value));
  }
  for (PlanInstruction instruction : other.instructions) {
    for (auto& input : instruction.inputs) {
      if (!input) continue;
      *input += base;
      const uint32_t candidate = any_index(plan, random);
      if (candidate < base && has_same_type(plan.values[candidate], plan.values[*input])) {
        input = candidate;
      }
    }
    for (auto& output : instruction.outputs) {
      if (output) *output += base;
    }
    plan.instructions.push_back(std::move(instruction));
  }
  for (const uint32_t input : other.inputs) plan.inputs.push_back(input + base);
  for (const uint32_t output : other.outputs) plan.outputs.push_back(output + base);
  make_consistent(plan, random);
}

}  // namespace memopt::fuzz
