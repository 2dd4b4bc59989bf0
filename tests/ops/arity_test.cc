// Every operator and kernel with fewer or more operands and results than it takes: what the kernel
// may not be given is refused by the verifier and at load, and all else runs.
#include <gtest/gtest.h>

#include <set>

#include "runtime/plan/codec.h"
#include "runtime/plan/verify.h"
#include "tests/support/run_guarded.h"
#include "tests/support/sample_step.h"
#include "tests/support/subsets.h"
#include "tests/support/test_plan.h"

namespace memopt::testing {
namespace {

std::vector<std::byte> file_of(const StepPlan& step) {
  return file_in_memory(encode_plan(step.plan), step.constants);
}

void expect_refused(const StepPlan& step, const std::string& what) {
  SCOPED_TRACE(what);
  const Status verified = verify_plan(step.plan, find_kernel);
  ASSERT_FALSE(verified.ok());
  EXPECT_EQ(verified.error().code, Code::kVerifyFailed);
  EXPECT_FALSE(load_plan(file_of(step), "step").ok());
}

// Returns whether it was accepted.
bool expect_refused_or_runs(const StepPlan& step, const std::string& what) {
  SCOPED_TRACE(what);
  if (!verify_plan(step.plan, find_kernel).ok()) return false;
  const Status status = run_guarded(file_of(step), find_kernel);
  const bool is_value_refused = !status.ok() && status.error().code == Code::kBadInput;
  EXPECT_TRUE(status.ok() || is_value_refused) << status.error().message;
  return status.ok() || is_value_refused;
}

class EveryKernel : public ::testing::TestWithParam<size_t> {
 protected:
  const Sample& sample() const { return all_samples()[GetParam()]; }
  const OpDef& def() const { return op_def(sample().op); }

  // The plan of every kernel, in one form that it serves.
  template <typename F>
  void for_each_kernel(F&& body) const {
    for (const KernelDef* kernel : kernels_for(op_kind(sample().op))) {
      SCOPED_TRACE(kernel->name);
      if (const auto step = step_of(kernel, {})) body(*step);
    }
  }

  std::optional<StepPlan> step_of(const KernelDef* kernel, const std::vector<bool>& present) const {
    for (const bool constants : {false, true}) {
      for (const Layout layout : {Layout::kRowMajor, Layout::kChannelsLast}) {
        auto step = sample_step(sample(), present,
                                {kernel, layout, {.isa = host_isa(), .pieces = 2}, constants});
        if (step && verify_plan(step->plan, find_kernel).ok()) return step;
      }
    }
    return std::nullopt;
  }
};

TEST_P(EveryKernel, NeedsItsInputs) {
  for_each_kernel([&](const StepPlan& step) {
    const auto& inputs = step.plan.instructions[0].inputs;
    const auto required = static_cast<size_t>(def().min_inputs);
    for (size_t i = 0; i < inputs.size(); ++i) {
      StepPlan shorter = step, without = step;
      shorter.plan.instructions[0].inputs.resize(i);
      without.plan.instructions[0].inputs[i].reset();
      if (i < required) {
        expect_refused(shorter, std::to_string(i) + " inputs");
        expect_refused(without, "without input " + std::to_string(i));
      } else {
        expect_refused_or_runs(shorter, std::to_string(i) + " inputs");
        expect_refused_or_runs(without, "without input " + std::to_string(i));
      }
    }
    StepPlan longer = step;
    auto& list = longer.plan.instructions[0].inputs;
    for (const auto& more : {std::optional<uint32_t>(), inputs[0]}) {
      list = inputs;
      while (list.size() < 16) {
        list.push_back(more);
        const std::string what = std::to_string(list.size()) + " inputs";
        if (list.size() > static_cast<size_t>(def().max_inputs)) {
          expect_refused(longer, what);
        } else {
          expect_refused_or_runs(longer, what);
        }
      }
    }
  });
}

TEST_P(EveryKernel, HasAllResults) {
  for_each_kernel([&](const StepPlan& step) {
    const auto& outputs = step.plan.instructions[0].outputs;
    const auto expect_refused_with = [&](std::vector<std::optional<uint32_t>> list) {
      StepPlan changed = step;
      const std::string what = std::to_string(list.size()) + " results";
      changed.plan.instructions[0].outputs = std::move(list);
      changed.plan.outputs.clear();  // so that nothing else is wrong
      expect_refused(changed, what);
    };
    for (size_t i = 0; i < outputs.size(); ++i) {
      expect_refused_with({outputs.begin(), outputs.begin() + static_cast<std::ptrdiff_t>(i)});
    }
    expect_refused_with(std::vector<std::optional<uint32_t>>(outputs.size()));
    auto longer = outputs;
    longer.emplace_back();
    expect_refused_with(longer);
    longer.back() = outputs[0];
    expect_refused_with(longer);
  });
}

TEST_P(EveryKernel, MakesEverySubsetOfItsResults) {
  const std::optional<StepPlan> reference = step_of(reference_kernel(op_kind(sample().op)), {});
  ASSERT_TRUE(reference);
  const size_t results = reference->plan.instructions[0].outputs.size();
  for (const std::vector<bool>& present : subsets(results)) {
    const bool allowed = check_results(sample().op, results, present).ok();
    bool accepted = false;
    for (const KernelDef* kernel : kernels_for(op_kind(sample().op))) {
      SCOPED_TRACE(kernel->name);
      auto step = step_of(kernel, allowed ? present : std::vector<bool>());
      if (!step) continue;
      if (allowed) {
        accepted |= expect_refused_or_runs(*step, "a subset");
        continue;
      }
      step->plan.outputs.clear();
      for (size_t i = 0; i < results; ++i) {
        if (!present[i]) step->plan.instructions[0].outputs[i].reset();
      }
      expect_refused(*step, "a subset");
    }
    EXPECT_EQ(accepted, allowed);
  }
}

// What a kernel serves where it is compiled it serves where it is loaded, its constants packed.
TEST_P(EveryKernel, IsServedWhatItPacked) {
  for (const KernelDef* kernel : kernels_for(op_kind(sample().op))) {
    for (const Layout layout : {Layout::kRowMajor, Layout::kChannelsLast}) {
      const auto step =
          sample_step(sample(), {}, {kernel, layout, {.isa = host_isa(), .pieces = 2}, true});
      if (!step) continue;
      SCOPED_TRACE(kernel->name);
      const Status status = verify_plan(step->plan, find_kernel);
      EXPECT_TRUE(status.ok()) << status.error().message;
    }
  }
}

// Whatever the operands' element types: what the operator lets through, the kernel computes.
TEST_P(EveryKernel, RunsEveryTypeItAccepts) {
  std::set<DType> own;
  for (const SampleInput& input : sample().inputs) own.insert(input.dtype);
  for (const DType replaced : own) {
    for (int type = 0; type < kDTypeCount; ++type) {
      const auto dtype = static_cast<DType>(type);
      Sample retyped = sample();
      for (SampleInput& input : retyped.inputs) {
        if (input.dtype == replaced) input.dtype = dtype;
      }
      for (const KernelDef* kernel : kernels_for(op_kind(sample().op))) {
        const auto step = sample_step(retyped, {}, {.kernel = kernel});
        if (!step) continue;
        SCOPED_TRACE(std::string(kernel->name) + " on " + std::string(dtype_name(dtype)));
        expect_refused_or_runs(*step, "a type");
      }
    }
  }
}

std::vector<size_t> indices_of_samples() {
  std::vector<size_t> indices(all_samples().size());
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = i;
  return indices;
}

INSTANTIATE_TEST_SUITE_P(Arity, EveryKernel, ::testing::ValuesIn(indices_of_samples()),
                         [](const auto& info) { return all_samples()[info.param].name; });

}  // namespace
}  // namespace memopt::testing
