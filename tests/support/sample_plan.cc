#include "tests/support/sample_plan.h"

#include <algorithm>

#include "passes/planning/planner.h"
#include "runtime/base/check.h"
#include "runtime/base/checked.h"

namespace memopt {
namespace {

// Places every root of the arena and every scratch block of a plan whose offsets are all zero.
void place(Plan& plan) {
  const auto steps = static_cast<int64_t>(plan.instructions.size());
  std::vector<int64_t> begin(plan.values.size(), steps), end(plan.values.size(), 0);
  for (const uint32_t i : plan.inputs) begin[i] = 0;
  for (const uint32_t i : plan.outputs) end[root_of(plan, i)] = steps;
  for (int64_t step = 0; step < steps; ++step) {
    const PlanInstruction& at = plan.instructions[static_cast<size_t>(step)];
    for (const auto* operands : {&at.inputs, &at.outputs}) {
      for (const auto& operand : *operands) {
        const uint32_t root = root_of(plan, *operand);
        begin[root] = std::min(begin[root], step);
        end[root] = std::max(end[root], step + 1);
      }
    }
  }
  MemoryProblem problem;
  std::vector<int64_t*> offsets;
  const auto add = [&](int64_t lower, int64_t upper, int64_t bytes, int64_t* offset) {
    MemoryBuffer& buffer = problem.buffers.emplace_back();
    buffer.lower = lower;
    buffer.upper = upper;
    buffer.size_bytes = bytes;
    buffer.alignment = 64;
    offsets.push_back(offset);
  };
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    PlanValue& value = plan.values[i];
    if (value.storage != Storage::kArena || value.alias || begin[i] >= end[i]) continue;
    add(begin[i], end[i], value.bytes, &value.offset_bytes);
    plan.certificate.naive_bytes += align_up(value.bytes, 64);
  }
  for (int64_t step = 0; step < steps; ++step) {
    PlanInstruction& at = plan.instructions[static_cast<size_t>(step)];
    if (at.scratch_bytes == 0) continue;
    add(step, step + 1, at.scratch_bytes, &at.scratch_offset_bytes);
    plan.certificate.naive_bytes += align_up(at.scratch_bytes, 64);
  }
  const Result<MemoryPlan> placed = plan_memory(problem);
  MEMOPT_CHECK(placed.ok());
  for (size_t i = 0; i < offsets.size(); ++i) *offsets[i] = placed->offsets[i];
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    if (plan.values[i].alias)
      plan.values[i].offset_bytes = plan.values[root_of(plan, i)].offset_bytes;
  }
  plan.arena_bytes = align_up(placed->spaces[0].height_bytes, 64);
  plan.certificate.lower_bound_bytes = align_up(placed->spaces[0].lower_bound_bytes, 64);
  plan.certificate.method = placed->spaces[0].planner;
}

}  // namespace

uint32_t PlanBuilder::add(std::string name, Dims dims, Storage storage, int64_t offset_bytes) {
  PlanValue value;
  value.name = std::move(name);
  value.dims = dims;
  value.strides = row_major_strides(dims);
  value.storage = storage;
  value.offset_bytes = offset_bytes;
  value.bytes = 4 * dims.count();
  plan.values.push_back(std::move(value));
  return static_cast<uint32_t>(plan.values.size() - 1);
}

uint32_t PlanBuilder::input(std::string name, Dims dims, Storage storage, int64_t offset_bytes) {
  plan.inputs.push_back(add(std::move(name), dims, storage, offset_bytes));
  return plan.inputs.back();
}

uint32_t PlanBuilder::constant(std::string name, Dims dims) {
  const uint32_t index = add(std::move(name), dims, Storage::kConstant, plan.constants_bytes);
  plan.constants_bytes += align_up(plan.values[index].bytes, 64);
  return index;
}

uint32_t PlanBuilder::reshape(std::string name, Dims dims, uint32_t parent) {
  const uint32_t index =
      add(std::move(name), dims, plan.values[parent].storage, plan.values[parent].offset_bytes);
  plan.values[index].alias = PlanAlias{.parent = parent, .whole = true, .starts = {}};
  return index;
}

void PlanBuilder::step(std::string name, Op op, std::vector<uint32_t> inputs,
                       std::vector<uint32_t> outputs, int64_t scratch_bytes,
                       int64_t scratch_offset_bytes) {
  PlanInstruction instruction;
  instruction.kernel = std::string(op_name(op)) + ".reference";
  instruction.op = std::move(op);
  instruction.inputs.assign(inputs.begin(), inputs.end());
  instruction.outputs.assign(outputs.begin(), outputs.end());
  instruction.scratch_bytes = scratch_bytes;
  instruction.scratch_offset_bytes = scratch_offset_bytes;
  instruction.name = std::move(name);
  plan.instructions.push_back(std::move(instruction));
}

Plan tiny_plan() {
  PlanBuilder b;
  b.plan.producer = "memopt test";
  b.plan.model_name = "tiny";
  b.plan.options = {"network=0123456789abcdef"};
  const uint32_t x = b.input("x", {1, 1, 64}, Storage::kCaller);
  const uint32_t w = b.constant("w", {1, 1, 100});
  const uint32_t a = b.add("a", {1, 1, 60}, Storage::kArena, 0);
  const uint32_t wide = b.add("b", {1, 1, 128}, Storage::kArena, 256);
  const uint32_t c = b.add("c", {1, 1, 60}, Storage::kArena, 0);
  const uint32_t v = b.reshape("v", {6, 10}, c);
  const uint32_t y = b.add("y", {6, 10}, Storage::kCaller);
  const auto conv = [](int64_t pad_begin, int64_t pad_end) {
    Conv op;
    op.strides = op.dilations = {1};
    op.pads = {pad_begin, pad_end};
    return op;
  };
  b.step("conv1", conv(47, 48), {x, w}, {a});
  b.step("conv2", conv(83, 84), {a, w}, {wide}, 128, 768);
  b.step("slice", Slice{{0, 0, 0}, {1, 1, 60}, {1, 1, 1}}, {wide}, {c});
  b.step("mul", Binary{BinaryFn::kMul, {}}, {v, v}, {y});
  b.output(y);
  b.plan.arena_bytes = 960;
  b.plan.certificate = {.naive_bytes = 1120,
                        .lower_bound_bytes = 896,
                        .kind = BoundKind::kFixedOrder,
                        .method = "by hand"};
  return b.plan;
}

Plan residual_plan(int blocks) {
  PlanBuilder b;
  b.plan.producer = "memopt test";
  b.plan.model_name = "residual" + std::to_string(blocks);
  int64_t channels = 16, size = 56;
  uint32_t x = b.input("image", {1, channels, size, size}, Storage::kArena);
  for (int i = 0; i < blocks; ++i) {
    const std::string stem = "/layer" + std::to_string(i);
    const Dims shape = {1, channels, size, size};
    const uint32_t w = b.constant(stem + "/weight", {channels, channels, 3, 3});
    const uint32_t hidden =
        b.add(stem + "/conv1_output", {1, 4 * channels, size, size}, Storage::kArena);
    b.step(stem + "/conv1", Conv{}, {x, w}, {hidden}, i % 3 == 0 ? 4 * 9 * channels * size : 0);
    const uint32_t small = b.add(stem + "/conv2_output", shape, Storage::kArena);
    b.step(stem + "/conv2", Conv{}, {hidden, w}, {small});
    const uint32_t sum = b.add(stem + "/add_output", shape, Storage::kArena);
    b.step(stem + "/add", Binary{}, {small, x}, {sum});
    x = sum;
    if (i % 8 == 7 && size > 7) {
      size /= 2;
      const uint32_t pooled =
          b.add(stem + "/pool_output", {1, channels, size, size}, Storage::kArena);
      b.step(stem + "/pool", Pool{}, {x}, {pooled});
      x = pooled;
    }
  }
  const uint32_t flat = b.reshape("flat", {1, channels * size * size}, x);
  const uint32_t y = b.add("logits", {1, 1000}, Storage::kArena);
  b.step("fc", MatMul{}, {flat, b.constant("fc_weight", {channels * size * size, 1000})}, {y});
  b.output(y);
  place(b.plan);
  return b.plan;
}

}  // namespace memopt
