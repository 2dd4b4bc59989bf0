// The problem that a certificate speaks about is the plan's: derived a second time here, element by
// element.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "passes/compile.h"
#include "tests/support/random_graph.h"
#include "tests/support/test_plan.h"
#include "tools/certificate/problem.h"

namespace memopt::certificate {
namespace {

// Where each element of a value lies in its root, in bits, in the order of its coordinates.
std::vector<int64_t> places_of(const Plan& plan, uint32_t index) {
  const PlanValue& value = plan.values[index];
  if (value.layout == Layout::kPacked) return {};
  const int64_t start = value.offset_bytes - plan.values[root_of(plan, index)].offset_bytes;
  std::vector<int64_t> places = {start * 8};
  for (int i = 0; i < value.dims.rank(); ++i) {
    std::vector<int64_t> more;
    for (const int64_t place : places) {
      for (int64_t k = 0; k < value.dims[i]; ++k) {
        more.push_back(place + k * value.strides[i] * dtype_bits(value.dtype));
      }
    }
    places = std::move(more);
  }
  return places;
}

class Expected {
 public:
  Expected(const Plan& plan, KernelLookup kernels) : plan_(plan), kernels_(kernels) {
    for (uint32_t i = 0; i < plan.values.size(); ++i) {
      const PlanValue& value = plan.values[i];
      if (value.storage == Storage::kArena && !value.alias) {
        storage_.emplace(i, static_cast<int32_t>(storage_.size()));
      }
      if (value.storage == Storage::kConstant && !value.alias) writes_.emplace_back(i, -1);
      places_.push_back(places_of(plan, i));
    }
    for (const uint32_t i : plan.inputs) writes_.emplace_back(i, -1);
    for (const PlanState& state : plan.states) writes_.emplace_back(state.before, -1);
    for (size_t step = 0; step < plan.instructions.size(); ++step) {
      for (const auto& output : plan.instructions[step].outputs) {
        if (output) writes_.emplace_back(*output, static_cast<int32_t>(step));
      }
    }
  }

  void compare(const Problem& found) const {
    ASSERT_EQ(found.storages.size(), storage_.size());
    ASSERT_EQ(found.steps.size(), plan_.instructions.size());
    EXPECT_EQ(found.always_bytes, 0);
    for (const auto& [value, index] : storage_) {
      const ArenaStorage& storage = found.storages[index];
      EXPECT_EQ(storage.value, value);
      EXPECT_EQ(storage.bytes, (plan_.values[value].bytes + 63) / 64 * 64);
      EXPECT_EQ(storage.at_start, is_among(plan_.inputs, value));
      EXPECT_EQ(storage.at_end, is_among(plan_.outputs, value));
      std::vector<int32_t> touching;
      for (int32_t step = 0; step < found.step_count(); ++step) {
        if (touched(step).count(index) > 0) touching.push_back(step);
      }
      EXPECT_EQ(storage.steps, touching);
    }
    for (int32_t step = 0; step < found.step_count(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      const Step& at = found.steps[step];
      const std::set<int32_t> storages = touched(step), before = waits(step);
      EXPECT_EQ(at.storages, std::vector<int32_t>(storages.begin(), storages.end()));
      EXPECT_EQ(at.before, std::vector<int32_t>(before.begin(), before.end()));
      EXPECT_EQ(at.scratch_bytes, (plan_.instructions[step].scratch_bytes + 63) / 64 * 64);
      for (int32_t other = 0; other < found.step_count(); ++other) {
        const auto& after = found.steps[other].after;
        EXPECT_EQ(std::count(after.begin(), after.end(), step), before.count(other));
      }
      std::map<std::pair<int32_t, int32_t>, int64_t> pairs;
      for (const Overwrite& pair : at.overwrites) {
        EXPECT_TRUE(pairs.try_emplace({pair.result, pair.operand}, pair.bytes).second);
      }
      EXPECT_EQ(pairs, overwrites(step));
    }
  }

 private:
  std::optional<int32_t> storage_of(uint32_t value) const {
    const auto found = storage_.find(root_of(plan_, value));
    return found == storage_.end() ? std::nullopt : std::optional(found->second);
  }

  bool is_among(const std::vector<uint32_t>& values, uint32_t root) const {
    return std::any_of(values.begin(), values.end(),
                       [&](uint32_t value) { return root_of(plan_, value) == root; });
  }

  std::set<int32_t> touched(int32_t step) const {
    std::set<int32_t> result;
    const PlanInstruction& at = plan_.instructions[step];
    for (const auto* operands : {&at.inputs, &at.outputs}) {
      for (const auto& operand : *operands) {
        if (operand && storage_of(*operand)) result.insert(*storage_of(*operand));
      }
    }
    return result;
  }

  bool is_within(uint32_t value, uint32_t whole) const {
    while (value != whole && plan_.values[value].alias) value = plan_.values[value].alias->parent;
    return value == whole;
  }

  // The steps that write the smallest thing around each input that is written completely.
  std::set<int32_t> waits(int32_t step) const {
    std::set<int32_t> result;
    for (const auto& input : plan_.instructions[step].inputs) {
      if (!input) continue;
      for (uint32_t at = *input;; at = plan_.values[at].alias->parent) {
        std::set<int64_t> left(places_[at].begin(), places_[at].end());
        std::set<int32_t> writers;
        bool packed = false;
        for (const auto& [value, writer] : writes_) {
          if (!is_within(value, at)) continue;
          packed |= plan_.values[value].layout == Layout::kPacked;
          for (const int64_t place : places_[value]) left.erase(place);
          if (writer >= 0) writers.insert(writer);
        }
        if (left.empty() &&
            (packed || !places_[at].empty() || plan_.values[at].dims.count() == 0)) {
          result.merge(writers);
          break;
        }
        if (!plan_.values[at].alias) {
          ADD_FAILURE() << "never written";
          break;
        }
      }
    }
    for (const PlanState& state : plan_.states) {
      const auto& outputs = plan_.instructions[step].outputs;
      if (std::count(outputs.begin(), outputs.end(), std::optional(state.after)) == 0) continue;
      for (int32_t other = 0; other < std::ssize(plan_.instructions); ++other) {
        for (const auto& input : plan_.instructions[other].inputs) {
          const bool reads = input && root_of(plan_, *input) == state.before && other != step &&
                             plan_.values[*input].bytes > 0;
          if (reads) result.insert(other);
        }
      }
    }
    return result;
  }

  std::map<std::pair<int32_t, int32_t>, int64_t> overwrites(int32_t step) const {
    std::map<std::pair<int32_t, int32_t>, int64_t> result;
    const PlanInstruction& at = plan_.instructions[step];
    const KernelDef* const kernel = kernels_(at.kernel);
    const InstructionRequest operands(plan_, at);
    if (kernel == nullptr || kernel->op != op_kind(at.op) || kernel->in_place == nullptr ||
        !kernel->supports(operands.request())) {
      return result;
    }
    for (size_t o = 0; o < at.outputs.size(); ++o) {
      if (!at.outputs[o] || storage_.count(*at.outputs[o]) == 0) continue;
      const PlanValue& to = plan_.values[*at.outputs[o]];
      for (size_t i = 0; i < at.inputs.size(); ++i) {
        if (!at.inputs[i] || !storage_of(*at.inputs[i])) continue;
        const uint32_t root = root_of(plan_, *at.inputs[i]);
        const PlanValue& from = plan_.values[*at.inputs[i]];
        bool may = from.dims == to.dims && places_[*at.inputs[i]] == places_[*at.outputs[o]] &&
                   dtype_bits(from.dtype) == dtype_bits(to.dtype) &&
                   plan_.values[root].bytes == to.bytes && from.bytes == to.bytes;
        for (size_t k = 0; k < at.inputs.size(); ++k) {
          if (!at.inputs[k] || root_of(plan_, *at.inputs[k]) != root) continue;
          may &= kernel->in_place(operands.request(), static_cast<int>(k), static_cast<int>(o));
        }
        if (may) {
          result[{*storage_of(*at.outputs[o]), *storage_of(*at.inputs[i])}] =
              (to.bytes + 63) / 64 * 64;
        }
      }
    }
    return result;
  }

  const Plan& plan_;
  const KernelLookup kernels_;
  std::map<uint32_t, int32_t> storage_;               // arena roots
  std::vector<std::pair<uint32_t, int32_t>> writes_;  // value, step or -1
  std::vector<std::vector<int64_t>> places_;          // per value
};

void expect_derived(const Plan& plan, KernelLookup kernels) {
  const auto found = derive_problem(plan, kernels);
  ASSERT_TRUE(found.ok()) << found.error().message;
  Expected(plan, kernels).compare(*found);
}

// The first input is in the next run what a value of its type was.
void keep_some_value(Graph& graph, uint64_t seed) {
  const ValueId before = graph.inputs()[0];
  std::vector<ValueId> candidates;
  for (const ValueId id : live_values(graph)) {
    if (graph.type(id) == graph.type(before)) candidates.push_back(id);
  }
  graph.add_output(candidates[seed % candidates.size()], "next");
  graph.add_state({.before = before, .output = graph.outputs().size() - 1, .initial = nullptr});
}

TEST(CertificateDerivation, CompiledGraphs) {
  int pairs = 0;
  for (uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    CompileOptions options;
    options.buffers.in_place = seed % 3 != 0;
    options.buffers.io_in_arena = seed % 5 != 0;
    Graph graph = random_graph(seed, 4 + static_cast<int>(seed % 20));
    if (seed % 2 == 0) keep_some_value(graph, seed);
    const auto model = compile_graph(std::move(graph), options);
    ASSERT_TRUE(model.ok()) << model.error().message;
    expect_derived((*model)->plan(), find_kernel);
    const Problem problem = *derive_problem((*model)->plan());
    for (const Step& step : problem.steps) {
      pairs += static_cast<int>(step.overwrites.size());
    }
  }
  EXPECT_GT(pairs, 50);
}

// Kernels by what they allow: "add.first" only over its first operand, "relu.any" serves whatever
// it is given.
const KernelDef* some_kernel(std::string_view name) {
  static const KernelDef kAdd = *test_kernel("test.add"), kRelu = *test_kernel("test.relu");
  static KernelDef first = kAdd, second = kAdd, none = kAdd, of_first_op = kAdd, of_last_op = kAdd;
  static KernelDef refuses = kRelu, any = kRelu;
  first.in_place = [](const KernelRequest&, int input, int) { return input == 0; };
  second.in_place = [](const KernelRequest&, int input, int) { return input == 1; };
  none.in_place = nullptr;
  of_first_op.op = 0;
  of_last_op.op = kOpCount - 1;
  refuses.supports = [](const KernelRequest&) { return false; };
  any.supports = [](const KernelRequest&) { return true; };
  if (name == "add.first") return &first;
  if (name == "add.second") return &second;
  if (name == "add.none") return &none;
  if (name == "add.first_op") return &of_first_op;
  if (name == "add.last_op") return &of_last_op;
  if (name == "relu.refuses") return &refuses;
  if (name == "relu.any") return &any;
  return test_kernel(name);
}

class Builder : public TestPlanBuilder {
 public:
  uint32_t next(const Dims& dims) {
    at_ += 1024;
    return arena("v" + std::to_string(at_), dims, at_);
  }
  int64_t at_ = 0;
};

TEST(CertificateDerivation, WhatMayBeOverwritten) {
  const Dims dims{2, 16};
  for (const char* kernel : {"test.add", "add.first", "add.second", "add.none", "add.first_op",
                             "add.last_op", "nobody"}) {
    SCOPED_TRACE(kernel);
    Builder b;
    const uint32_t x = b.next(dims), z = b.next(dims), wide = b.next({4, 16});
    const uint32_t again = b.whole("again", x, dims);
    const uint32_t flat = b.whole("flat", x, {32});
    const uint32_t part = b.box("part", wide, {0, 0}, dims);
    const uint32_t behind = b.box("behind", wide, {2, 0}, dims);
    const uint32_t c = b.constant("c", dims), mine = b.caller("mine", dims);
    b.plan.inputs = {x, z, wide, mine};
    const auto add = [&](uint32_t one, uint32_t two, uint32_t to) {
      b.add(one, two, to).kernel = kernel;
    };
    for (const uint32_t one : {x, z, again, part, behind, c, mine}) {
      for (const uint32_t two : {x, z, again, part, behind, c, mine}) add(one, two, b.next(dims));
    }
    add(x, z, b.box("inside", b.next({4, 16}), {0, 0}, dims));
    add(x, z, b.caller("out", dims));
    add(flat, flat, b.next({32}));
    // A dimension of one element has no stride; another one has.
    const uint32_t row = b.next({1, 16}), to = b.next({1, 16}), square = b.next({4, 4});
    b.plan.values[row].strides[0] = 99;
    add(row, row, to);
    const uint32_t turned = b.next({4, 4});
    b.plan.values[turned].strides = {1, 4};
    add(square, square, turned);
    const uint32_t half = b.next(dims);
    b.plan.values[half].dtype = DType::kI32;
    add(x, z, half);
    b.plan.values[half].dtype = DType::kF16;  // as many bytes: it was f32
    b.plan.inputs.insert(b.plan.inputs.end(), {row, square});
    b.plan.outputs = {turned};
    expect_derived(b.plan, some_kernel);
  }
  Builder b;
  const uint32_t x = b.next({16});
  b.plan.inputs = {x};
  b.unary("test.relu", x, b.next({16}));
  b.unary("relu.refuses", x, b.next({16}));
  // Operands that are missing, and a result of other dimensions or strides than what it is made of.
  PlanInstruction& missing = b.unary("relu.any", x, b.next({16}));
  missing.inputs.push_back(std::nullopt);
  missing.outputs.push_back(std::nullopt);
  b.unary("relu.any", x, b.next({4, 4}));
  b.unary("relu.any", x, b.next({8}));
  const uint32_t square = b.next({2, 2}), turned = b.next({2, 2}), one = b.next({1, 4});
  const uint32_t row = b.next({1, 4});
  b.plan.values[turned].strides = {1, 2};
  b.plan.values[row].strides = {9, 1};
  b.plan.inputs.insert(b.plan.inputs.end(), {square, one});
  b.unary("relu.any", square, turned);
  b.unary("relu.any", one, row);
  expect_derived(b.plan, some_kernel);
}

TEST(CertificateDerivation, WhatStepsWaitFor) {
  Builder b;
  const Dims row{1, 16};
  const uint32_t x = b.next(row), whole = b.next({4, 16}), fed = b.next({2, 16});
  b.plan.inputs = {x, fed};
  std::vector<uint32_t> rows;
  for (int64_t i = 0; i < 4; ++i) {
    rows.push_back(b.box("row" + std::to_string(i), whole, {i, 0}, row));
  }
  const uint32_t middle = b.box("middle", whole, {1, 0}, {2, 16});
  const uint32_t inner = b.box("inner", middle, {0, 0}, row);
  const uint32_t fed_row = b.box("fed_row", fed, {1, 0}, row);
  b.unary("test.copy", x, rows[0]);
  b.unary("test.copy", rows[0], rows[1]);
  b.unary("test.copy", fed_row, rows[2]);
  b.unary("test.copy", rows[1], rows[3]);
  for (const uint32_t read : {middle, inner, whole, rows[3], fed, x}) {
    b.unary("test.copy", read, b.next(b.plan.values[read].dims));
  }
  // A result of its own that is read in part: that part has no writer but the whole.
  const uint32_t y = b.next({2, 16});
  b.unary("test.copy", fed, y);
  b.unary("test.copy", b.box("y0", y, {0, 0}, row), b.next(row));
  b.unary("test.copy", b.constant("c", row), b.next(row));
  b.plan.outputs = {rows[3], y};
  b.plan.instructions.back().scratch_bytes = 65;
  expect_derived(b.plan, test_kernel);
}

Code code_of(const Plan& plan) {
  const auto found = derive_problem(plan, test_kernel);
  return found.ok() ? Code{} : found.error().code;
}

TEST(CertificateDerivation, SizesThatAddUpToMoreThan64BitsHold) {
  const auto with = [](const std::vector<int64_t>& sizes, int64_t scratch_bytes) {
    Builder b;
    const uint32_t x = b.next({16});
    b.plan.inputs = {x};
    b.unary("test.copy", x, b.next({16})).scratch_bytes = scratch_bytes;
    b.plan.values[x].bytes = b.plan.values[x + 1].bytes = 0;
    for (const int64_t size : sizes) b.plan.values[b.next({16})].bytes = size;
    return b.plan;
  };
  const int64_t quarter = (INT64_MAX / 4) / 64 * 64;
  EXPECT_EQ(code_of(with({quarter}, 0)), Code{});
  EXPECT_EQ(code_of(with({quarter + 1}, 0)), Code::kVerifyFailed);
  EXPECT_EQ(code_of(with({quarter - 64, 64}, 0)), Code{});
  EXPECT_EQ(code_of(with({quarter - 64, 65}, 0)), Code::kVerifyFailed);
  EXPECT_EQ(code_of(with({}, quarter)), Code{});
  EXPECT_EQ(code_of(with({1}, quarter)), Code::kVerifyFailed);
  EXPECT_EQ(code_of(with({INT64_MAX}, 0)), Code::kVerifyFailed);
  EXPECT_EQ(code_of(with({INT64_MAX - 63}, 0)), Code::kVerifyFailed);
}

TEST(CertificateDerivation, WhatIsReadMustBeWrittenBefore) {
  Builder never;
  const uint32_t x = never.next({16});
  never.unary("test.copy", x, never.next({16}));
  EXPECT_EQ(code_of(never.plan), Code::kVerifyFailed);

  Builder half;
  const uint32_t whole = half.next({2, 16}), in = half.next({1, 16});
  half.plan.inputs = {in};
  half.unary("test.copy", in, half.box("part", whole, {0, 0}, {1, 16}));
  half.unary("test.copy", whole, half.next({2, 16}));
  EXPECT_EQ(code_of(half.plan), Code::kVerifyFailed);

  Builder late;
  const uint32_t a = late.next({16}), c = late.next({16}), y = late.next({16});
  late.plan.inputs = {a};
  late.unary("test.copy", c, y);
  late.unary("test.copy", a, c);
  EXPECT_EQ(code_of(late.plan), Code::kVerifyFailed);

  Builder itself;
  const uint32_t own = itself.next({16});
  itself.unary("test.copy", own, own);
  EXPECT_EQ(code_of(itself.plan), Code::kVerifyFailed);
}

}  // namespace
}  // namespace memopt::certificate
