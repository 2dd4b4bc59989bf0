#include "tests/fuzz/plan_repair.h"

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "runtime/base/checked.h"
#include "runtime/base/target.h"
#include "runtime/kernels/kernel.h"
#include "runtime/ops/op_def.h"

namespace memopt::fuzz {
namespace {

constexpr int64_t kLargest = int64_t{1} << 24;

TensorType type_of(const PlanValue& value) { return {.dtype = value.dtype, .dims = value.dims}; }

void fit_layout(PlanValue& value) {
  if (value.layout == Layout::kChannelsLast && value.dims.rank() < 3) {
    value.layout = Layout::kRowMajor;
  }
  const bool is_valid = is_valid_type({value.dtype, value.dims, value.layout});
  if (value.layout == Layout::kPacked || !is_valid) return;
  value.strides = dense_strides(value.dims, value.layout);
  value.bytes = extent_bytes(value.dtype, value.dims, value.strides).value_or(0);
}

Layout layout_of_first(const Plan& plan, const PlanInstruction& instruction) {
  const bool has_first = !instruction.inputs.empty() && instruction.inputs[0];
  return has_first ? plan.values[*instruction.inputs[0]].layout : Layout::kRowMajor;
}

std::optional<std::vector<TensorType>> inferred_types(const Plan& plan,
                                                      const PlanInstruction& instruction) {
  std::vector<TensorType> types(instruction.inputs.size());
  std::vector<const TensorType*> inputs(instruction.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!instruction.inputs[i]) continue;
    types[i] = type_of(plan.values[*instruction.inputs[i]]);
    if (!is_valid_type(types[i])) return std::nullopt;
    inputs[i] = &types[i];
  }
  auto inferred = infer_types(instruction.op, inputs);
  if (!inferred.ok() || inferred->size() > 32) return std::nullopt;
  return *std::move(inferred);
}

// The instruction has the results that its operator has, of the right types.
void fit_results(Plan& plan, PlanInstruction& instruction, Random& random) {
  const auto inferred = inferred_types(plan, instruction);
  if (!inferred) return;
  if (!random.one_in(16)) instruction.outputs.resize(inferred->size());
  for (size_t i = 0; i < std::min(inferred->size(), instruction.outputs.size()); ++i) {
    auto& index = instruction.outputs[i];
    if (!index && random.one_in(8)) continue;
    if (!index) {
      index = static_cast<uint32_t>(plan.values.size());
      PlanValue& value = plan.values.emplace_back();
      value.name = "v" + std::to_string(*index);
      value.layout = layout_of_first(plan, instruction);
    }
    PlanValue& value = plan.values[*index];
    value.dtype = (*inferred)[i].dtype;
    value.dims = (*inferred)[i].dims;
    if (value.layout == Layout::kPacked) value.layout = Layout::kRowMajor;
    if (!value.alias) fit_layout(value);
  }
}

// What verify_values() makes sure of before kernels are asked.
bool is_sound(const PlanValue& value) {
  if (!is_valid_type({value.dtype, value.dims, value.layout})) return false;
  if (value.layout == Layout::kPacked) return value.storage == Storage::kConstant;
  return (value.layout == Layout::kRowMajor || value.dims.rank() >= 3) &&
         value.strides.rank() == value.dims.rank() &&
         extent_bytes(value.dtype, value.dims, value.strides);
}

Operand operand_of(const PlanValue& value) {
  return {.present = true,
          .constant = value.storage == Storage::kConstant,
          .dtype = value.dtype,
          .layout = value.layout,
          .dims = value.dims,
          .strides = value.strides};
}

// What kernels are asked about an instruction, where inference passed, as the loader has it.
struct Question {
  std::vector<Operand> inputs, outputs;
  KernelRequest request;
};

std::optional<std::vector<Operand>> operands_of(const Plan& plan,
                                                const std::vector<std::optional<uint32_t>>& list) {
  std::vector<Operand> operands;
  for (const auto& index : list) {
    if (index && !is_sound(plan.values[*index])) return std::nullopt;
    operands.push_back(index ? operand_of(plan.values[*index]) : Operand{});
  }
  return operands;
}

std::unique_ptr<Question> question_of(const Plan& plan, const PlanInstruction& instruction) {
  auto inputs = operands_of(plan, instruction.inputs);
  auto outputs = operands_of(plan, instruction.outputs);
  const auto inferred = inferred_types(plan, instruction);
  if (!inputs || !outputs || !inferred || inferred->size() != outputs->size()) return nullptr;
  for (size_t i = 0; i < outputs->size(); ++i) {
    const auto& index = instruction.outputs[i];
    if (index && type_of(plan.values[*index]) != (*inferred)[i]) return nullptr;
    // What a kernel makes of extents like these is for the target to find out, not for its mutator.
    for (const int64_t dim : (*inferred)[i].dims) {
      if (dim > kLargest) return nullptr;
    }
  }
  if (!outputs->empty() && !outputs->front().present) return nullptr;
  auto question = std::make_unique<Question>();
  question->inputs = *std::move(inputs);
  question->outputs = *std::move(outputs);
  question->request = {.op = &instruction.op,
                       .inputs = question->inputs,
                       .outputs = question->outputs,
                       .target = plan.target};
  return question;
}

bool serves(const KernelDef* kernel, const PlanInstruction& instruction, const Question& question) {
  return kernel && kernel->op == op_kind(instruction.op) && kernel->supports(question.request);
}

bool is_served(const Plan& plan, const PlanInstruction& instruction) {
  const auto question = question_of(plan, instruction);
  return question && serves(find_kernel(instruction.kernel), instruction, *question);
}

// The kernel that is there, or any other, if it serves the operands.
const KernelDef* choose_kernel(const PlanInstruction& instruction, const Question& question,
                               Random& random) {
  const KernelDef* const present = find_kernel(instruction.kernel);
  if (serves(present, instruction, question)) return present;
  const auto kernels = kernels_for(op_kind(instruction.op));
  const size_t first = random.below(kernels.size());
  for (size_t i = 0; i < kernels.size(); ++i) {
    const KernelDef* const kernel = kernels[(first + i) % kernels.size()];
    if (serves(kernel, instruction, question)) return kernel;
  }
  return nullptr;
}

void fit_kernel(Plan& plan, PlanInstruction& instruction, Random& random) {
  const auto question = question_of(plan, instruction);
  const KernelDef* const kernel =
      question ? choose_kernel(instruction, *question, random) : nullptr;
  if (!kernel) return;
  instruction.kernel = kernel->name;
  const Result<KernelNeeds> needs =
      kernel->needs ? kernel->needs(question->request) : Result<KernelNeeds>(KernelNeeds{});
  if (!needs.ok()) return;
  if (!random.one_in(8)) instruction.scratch_bytes = needs->scratch_bytes;
  for (const PackedOperand& packed : needs->packed) {
    const auto index = instruction.inputs[static_cast<size_t>(packed.input)];
    if (!index) continue;
    PlanValue& value = plan.values[*index];
    value.layout = Layout::kPacked;
    value.strides = {};
    value.bytes = packed.bytes;
  }
}

// An alias follows its parent; a root without a place that the space has gets one.
void fit_alias(const Plan& plan, PlanValue& value) {
  const PlanValue& parent = plan.values[value.alias->parent];
  value.storage = parent.storage;
  value.dtype = parent.dtype;
  if (value.alias->whole) {
    value.offset_bytes = parent.offset_bytes;
  } else if (parent.dims.rank() == value.dims.rank()) {
    value.layout = parent.layout;
    value.strides = parent.strides;
    Dims& starts = value.alias->starts;
    starts = starts.rank() == value.dims.rank() ? starts : Dims::filled(value.dims.rank(), 0);
    uint64_t elements = 0;
    for (int i = 0; i < starts.rank() && i < parent.strides.rank(); ++i) {
      elements += static_cast<uint64_t>(starts[i]) * static_cast<uint64_t>(parent.strides[i]);
    }
    value.offset_bytes =
        static_cast<int64_t>(static_cast<uint64_t>(parent.offset_bytes) +
                             elements * static_cast<uint64_t>(dtype_bits(value.dtype)) / 8);
  }
  value.bytes = extent_bytes(value.dtype, value.dims, value.strides).value_or(0);
}

int64_t round_up(int64_t bytes) { return (std::clamp<int64_t>(bytes, 0, kLargest) + 63) / 64 * 64; }

// Storages one behind the other. With `keep`, those of the arena stay where they are (and may share
// bytes), and the arena grows to hold them.
void place(Plan& plan, bool keep) {
  int64_t arena = 0, constants = 0;
  const auto put = [](int64_t& end, int64_t& offset, int64_t bytes) {
    offset = end;
    end += round_up(bytes);
  };
  for (PlanValue& value : plan.values) {
    if (value.alias) continue;
    if (value.storage == Storage::kConstant) put(constants, value.offset_bytes, value.bytes);
    if (value.storage == Storage::kCaller) value.offset_bytes = 0;
    if (value.storage != Storage::kArena) continue;
    if (!keep)
      put(arena, value.offset_bytes, value.bytes);
    else
      arena = std::max(arena, round_up(value.offset_bytes) + round_up(value.bytes));
  }
  for (PlanInstruction& instruction : plan.instructions) {
    if (instruction.scratch_bytes > 0 && !keep) {
      put(arena, instruction.scratch_offset_bytes, instruction.scratch_bytes);
    } else if (instruction.scratch_bytes > 0) {
      arena = std::max(
          arena, round_up(instruction.scratch_offset_bytes) + round_up(instruction.scratch_bytes));
    }
  }
  plan.arena_bytes = arena;
  plan.constants_bytes = constants;
}

// A result takes the place of an operand of its size.
void overwrite(Plan& plan, Random& random) {
  if (plan.instructions.empty()) return;
  const PlanInstruction& instruction = random.any(plan.instructions);
  if (instruction.inputs.empty() || instruction.outputs.empty()) return;
  const auto from = random.any(instruction.inputs), to = random.any(instruction.outputs);
  if (from && to) plan.values[*to].offset_bytes = plan.values[*from].offset_bytes;
}

// --- who writes what ---

std::optional<uint32_t> root_within(const Plan& plan, uint32_t value) {
  for (size_t depth = 0; depth < 16; ++depth) {
    if (!plan.values[value].alias) return value;
    value = plan.values[value].alias->parent;
  }
  return std::nullopt;
}

bool is_box_inside(const PlanValue& value, const PlanValue& parent) {
  const Dims& starts = value.alias->starts;
  if (value.dims.rank() != parent.dims.rank() || starts.rank() != parent.dims.rank()) return false;
  for (int i = 0; i < starts.rank(); ++i) {
    if (starts[i] < 0 || value.dims[i] > parent.dims[i] ||
        starts[i] > parent.dims[i] - value.dims[i]) {
      return false;
    }
  }
  return true;
}

// Aliases that no parent could have become values of their own.
void check_aliases(Plan& plan) {
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    PlanValue& value = plan.values[i];
    if (!value.alias) continue;
    const PlanValue& parent = plan.values[value.alias->parent];
    const bool fits = root_within(plan, i) && parent.layout != Layout::kPacked &&
                      is_valid_type({value.dtype, value.dims}) &&
                      is_valid_type({parent.dtype, parent.dims}) &&
                      (value.alias->whole ? value.dims.count() == parent.dims.count()
                                          : is_box_inside(value, parent));
    if (!fits) value.alias.reset();
  }
}

// Follows the instructions; makes inputs of what is read and never written before, and new values
// of what would be written again.
class Flow {
 public:
  explicit Flow(Plan& plan) : plan_(plan) {}

  void run() {
    keep_inputs();
    for (PlanInstruction& instruction : plan_.instructions) {
      for (const auto& input : instruction.inputs) {
        if (input) read(*input);
      }
      for (auto& output : instruction.outputs) {
        if (output) output = write(*output);
      }
    }
    keep_outputs();
    for (uint32_t i = 0; i < plan_.values.size(); ++i) place_with_caller(i);
  }

 private:
  uint32_t root(uint32_t value) const { return *root_within(plan_, value); }
  bool is_constant(uint32_t value) const {
    return plan_.values[root(value)].storage == Storage::kConstant;
  }
  void keep_inputs() {
    std::vector<uint32_t> inputs;
    for (const uint32_t i : plan_.inputs) {
      const bool fits = !plan_.values[i].alias && !is_constant(i);
      if (fits && known_.insert(i).second) inputs.push_back(i);
    }
    plan_.inputs = std::move(inputs);
    inputs_ = known_;
  }
  void read(uint32_t value) {
    const uint32_t owner = root(value);
    if (is_constant(value) || !known_.insert(owner).second) return;
    inputs_.insert(owner);
    plan_.inputs.push_back(owner);
  }
  uint32_t write(uint32_t value) {
    const uint32_t owner = root(value);
    const bool whole = owner == value;
    const bool again = is_constant(value) || inputs_.contains(owner) ||
                       (whole ? known_.contains(owner) : !parts_.insert(value).second);
    if (again) {
      PlanValue copy = plan_.values[value];
      copy.alias.reset();
      copy.storage = Storage::kArena;
      copy.layout = copy.layout == Layout::kPacked ? Layout::kRowMajor : copy.layout;
      copy.strides = row_major_strides(Dims::filled(copy.dims.rank(), 1));
      value = static_cast<uint32_t>(plan_.values.size());
      copy.name = "v" + std::to_string(value);
      plan_.values.push_back(std::move(copy));
    }
    known_.insert(root(value));
    last_ = value;
    return value;
  }
  void keep_outputs() {
    std::vector<uint32_t> outputs;
    std::set<uint32_t> seen;
    for (const uint32_t i : plan_.outputs) {
      const bool with_caller = plan_.values[i].storage == Storage::kCaller;
      const bool fits = !is_constant(i) && known_.contains(root(i)) &&
                        !(with_caller && (plan_.values[i].alias || inputs_.contains(i)));
      if (fits && seen.insert(i).second) outputs.push_back(i);
    }
    if (outputs.empty() && last_) outputs.push_back(*last_);
    plan_.outputs = std::move(outputs);
    outputs_ = std::set<uint32_t>(plan_.outputs.begin(), plan_.outputs.end());
  }
  void place_with_caller(uint32_t i) {
    PlanValue& value = plan_.values[i];
    if (value.alias || value.storage != Storage::kCaller) return;
    if (!inputs_.contains(i) && !outputs_.contains(i)) value.storage = Storage::kArena;
  }

  Plan& plan_;
  std::set<uint32_t> known_;   // roots that hold something
  std::set<uint32_t> inputs_;  // of these, those that the caller fills
  std::set<uint32_t> parts_;   // aliases that were written
  std::set<uint32_t> outputs_;
  std::optional<uint32_t> last_;
};

// Extents that a tensor may have and a fuzzer has time for.
void check_dims(Dims& dims) {
  int64_t count = 1;
  for (int64_t& dim : dims) {
    if (dim < 0 || dim > 4096 || count * dim > (1 << 16)) dim = 1 + (dim & 3);
    count *= std::max<int64_t>(dim, 1);
  }
}

void check_spaces(Plan& plan, Random& random) {
  if (!is_power_of_two(plan.arena_alignment) || plan.arena_alignment < kArenaAlignment ||
      plan.arena_alignment > 4096) {
    plan.arena_alignment = kArenaAlignment;
  }
  plan.state_bytes = 0;
  plan.states.clear();
  plan.target.isa = std::min(plan.target.isa, host_isa());
  for (size_t i = 0; i < plan.values.size(); ++i) {
    PlanValue& value = plan.values[i];
    value.name = "v" + std::to_string(i);
    if (!random.one_in(16)) check_dims(value.dims);
    if (value.storage == Storage::kState) value.storage = Storage::kArena;
    if (value.layout == Layout::kPacked && value.storage != Storage::kConstant) {
      value.layout = Layout::kRowMajor;
    }
  }
}

// Some inputs and outputs of one type become states.
void make_states(Plan& plan, Random& random) {
  const auto is_free = [&](uint32_t i) {
    return !plan.values[i].alias && plan.values[i].storage == Storage::kArena;
  };
  for (const uint32_t input : std::vector<uint32_t>(plan.inputs)) {
    for (const uint32_t output : std::vector<uint32_t>(plan.outputs)) {
      PlanValue &before = plan.values[input], &after = plan.values[output];
      if (input == output || !is_free(input) || !is_free(output) || before.dtype != after.dtype ||
          before.dims != after.dims || before.strides != after.strides || random.one_in(2)) {
        continue;
      }
      before.storage = after.storage = Storage::kState;
      before.offset_bytes = after.offset_bytes = round_up(plan.state_bytes);
      plan.state_bytes = before.offset_bytes + before.bytes;
      plan.states.push_back({.before = input, .after = output, .initial = std::nullopt});
      std::erase(plan.inputs, input);
      std::erase(plan.outputs, output);
    }
  }
}

void keep_certificate(Plan& plan) {
  plan.certificate.naive_bytes = std::max(plan.certificate.naive_bytes, plan.arena_bytes);
  plan.certificate.lower_bound_bytes =
      std::clamp<int64_t>(plan.certificate.lower_bound_bytes, 0, plan.arena_bytes);
}

}  // namespace

void make_consistent(Plan& plan, Random& random) {
  check_spaces(plan, random);
  check_aliases(plan);
  for (PlanValue& value : plan.values) {
    if (!value.alias) fit_layout(value);
  }
  if (!random.one_in(8)) Flow(plan).run();
  for (PlanInstruction& instruction : plan.instructions) {
    fit_results(plan, instruction, random);
    fit_kernel(plan, instruction, random);
  }
  if (random.one_in(2)) {
    std::erase_if(plan.instructions, [&](const PlanInstruction& i) { return !is_served(plan, i); });
    Flow(plan).run();
  }
  place(plan, random.one_in(3));
  if (random.one_in(4)) overwrite(plan, random);
  if (random.one_in(2)) make_states(plan, random);
  for (PlanValue& value : plan.values) {
    if (value.alias) fit_alias(plan, value);
  }
  keep_certificate(plan);
}

}  // namespace memopt::fuzz
