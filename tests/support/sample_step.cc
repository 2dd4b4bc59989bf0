#include "tests/support/sample_step.h"

#include "runtime/base/checked.h"
#include "runtime/ops/op_def.h"
#include "runtime/plan/request.h"

namespace memopt::testing {
namespace {

class StepBuilder {
 public:
  StepBuilder(const Sample& sample, const StepOptions& options)
      : sample_(sample), options_(options) {
    plan_.producer = "test";
    plan_.model_name = sample.name;
    plan_.target = options.target;
    plan_.instructions.resize(1);
    step().op = sample.op;
    step().kernel = std::string(options.kernel->name);
    step().name = sample.name;
  }

  std::optional<StepPlan> run(const std::vector<bool>& present) {
    for (size_t i = 0; i < sample_.inputs.size(); ++i) add_input(i);
    while (!step().inputs.empty() && !step().inputs.back()) step().inputs.pop_back();
    const auto types = result_types();
    if (!types.ok()) return std::nullopt;
    for (size_t i = 0; i < types->size(); ++i) {
      if (!present.empty() && !present[i]) {
        step().outputs.emplace_back();
        continue;
      }
      step().outputs.push_back(add((*types)[i].dtype, (*types)[i].dims, false));
      plan_.outputs.push_back(*step().outputs.back());
    }
    if (!ask_kernel()) return std::nullopt;
    plan_.certificate = {.naive_bytes = plan_.arena_bytes,
                         .lower_bound_bytes = 0,
                         .kind = BoundKind::kFixedOrder,
                         .method = "by hand"};
    constants_.resize(static_cast<size_t>(plan_.constants_bytes));
    return StepPlan{std::move(plan_), std::move(constants_)};
  }

 private:
  PlanInstruction& step() { return plan_.instructions[0]; }

  int64_t take(int64_t& space, int64_t bytes) {
    const int64_t offset = space;
    space = align_up(space + bytes, kConstantAlignment);
    return offset;
  }

  uint32_t add(DType dtype, const Dims& dims, bool constant) {
    PlanValue value;
    value.name = "v" + std::to_string(plan_.values.size());
    value.dtype = dtype;
    value.dims = dims;
    value.layout = dims.rank() >= 3 && !constant ? options_.layout : Layout::kRowMajor;
    value.strides = dense_strides(dims, value.layout);
    value.bytes = *extent_bytes(dtype, dims, value.strides);
    value.storage = constant ? Storage::kConstant : Storage::kArena;
    value.offset_bytes = take(constant ? plan_.constants_bytes : plan_.arena_bytes, value.bytes);
    plan_.values.push_back(std::move(value));
    return static_cast<uint32_t>(plan_.values.size() - 1);
  }

  void add_input(size_t i) {
    const SampleInput& input = sample_.inputs[i];
    if (!input.present) {
      step().inputs.emplace_back();
      return;
    }
    const bool constant = options_.constants && i > 0;
    step().inputs.push_back(add(input.dtype, input.dims, constant));
    if (!constant) plan_.inputs.push_back(*step().inputs.back());
  }

  Result<std::vector<TensorType>> result_types() {
    std::vector<TensorType> types(step().inputs.size());
    std::vector<const TensorType*> inputs(types.size());
    for (size_t i = 0; i < types.size(); ++i) {
      if (!step().inputs[i]) continue;
      types[i] = {plan_.values[*step().inputs[i]].dtype, plan_.values[*step().inputs[i]].dims};
      inputs[i] = &types[i];
    }
    return infer_types(sample_.op, inputs);
  }

  // Scratch and packed operands, as a compiler that sees the constants would ask for them.
  bool ask_kernel() {
    const InstructionRequest operands(plan_, step());
    KernelRequest request = operands.request();
    std::vector<Operand> inputs(request.inputs.begin(), request.inputs.end());
    const std::vector<std::byte> zeros(static_cast<size_t>(plan_.constants_bytes) + 64);
    for (Operand& input : inputs) {
      if (input.constant) input.data = zeros.data();
    }
    request.inputs = inputs;
    if (!options_.kernel->supports(request)) return false;
    if (!options_.kernel->needs) return true;
    const Result<KernelNeeds> needs = options_.kernel->needs(request);
    if (!needs.ok()) return false;
    for (const PackedOperand& packed : needs->packed) {
      PlanValue& value = plan_.values[*step().inputs[static_cast<size_t>(packed.input)]];
      value.layout = Layout::kPacked;
      value.strides = {};
      value.bytes = packed.bytes;
      value.offset_bytes = take(plan_.constants_bytes, packed.bytes);
      constants_.resize(static_cast<size_t>(plan_.constants_bytes));
      const auto place = std::span(constants_).subspan(static_cast<size_t>(value.offset_bytes));
      if (!options_.kernel
               ->pack(request, packed.input, place.first(static_cast<size_t>(packed.bytes)))
               .ok())
        return false;
    }
    step().scratch_bytes = needs->scratch_bytes;
    step().scratch_offset_bytes = take(plan_.arena_bytes, needs->scratch_bytes);
    return true;
  }

  const Sample& sample_;
  const StepOptions& options_;
  Plan plan_;
  std::vector<std::byte> constants_;
};

}  // namespace

std::optional<StepPlan> sample_step(const Sample& sample, const std::vector<bool>& present,
                                    const StepOptions& options) {
  return StepBuilder(sample, options).run(present);
}

}  // namespace memopt::testing
