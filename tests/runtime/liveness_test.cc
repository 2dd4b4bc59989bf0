// Lifetimes and live bytes against their definitions, position by position and byte by byte.
#include "runtime/plan/liveness.h"

#include <gtest/gtest.h>

#include "runtime/plan/verify.h"
#include "tests/support/sound_plan.h"

namespace memopt {
namespace {

bool names(const std::vector<std::optional<uint32_t>>& operands, uint32_t i) {
  return std::find(operands.begin(), operands.end(), std::optional(i)) != operands.end();
}

std::optional<Lifetime> lifetime_of(const Plan& plan, uint32_t i) {
  const auto end = static_cast<int64_t>(plan.instructions.size()) + 1;
  int64_t written = -1, read = 0;
  if (std::count(plan.inputs.begin(), plan.inputs.end(), i) > 0) written = 0;
  for (const PlanState& state : plan.states) {
    if (state.before == i) written = 0;
    if (state.after == root_of(plan, i)) read = end;
  }
  for (int64_t k = 1; k < end; ++k) {
    const PlanInstruction& at = plan.instructions[static_cast<size_t>(k - 1)];
    if (names(at.outputs, i)) written = k;
    for (uint32_t other = 0; other < plan.values.size(); ++other) {
      if (root_of(plan, other) == root_of(plan, i) && names(at.inputs, other))
        read = std::max(read, k);
    }
  }
  for (const uint32_t output : plan.outputs) {
    if (root_of(plan, output) == root_of(plan, i)) read = end;
  }
  if (written < 0) return std::nullopt;
  return Lifetime{written, std::max(written, read)};
}

int64_t bytes_during(const Plan& plan, size_t step) {
  std::vector<bool> used(static_cast<size_t>(plan.arena_bytes));
  const auto use = [&](int64_t offset, int64_t bytes) {
    std::fill_n(used.begin() + offset, bytes, true);
  };
  const auto position = static_cast<int64_t>(step) + 1;
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    const auto life = lifetime_of(plan, i);
    if (!life || plan.values[i].storage != Storage::kArena) continue;
    if (life->written <= position && life->last_read >= position) {
      use(plan.values[i].offset_bytes, plan.values[i].bytes);
    }
  }
  const PlanInstruction& at = plan.instructions[step];
  use(at.scratch_offset_bytes, at.scratch_bytes);
  return std::count(used.begin(), used.end(), true);
}

TEST(Liveness, IsWhatItsDefinitionSays) {
  for (uint32_t seed = 0; seed < 4000; ++seed) {
    Dice dice(seed);
    const Plan plan = sound_plan(dice);
    if (!verify_memory(plan, rule_kernel).ok()) continue;
    const auto lives = lifetimes(plan);
    ASSERT_EQ(lives.size(), plan.values.size());
    for (uint32_t i = 0; i < lives.size(); ++i) {
      const auto wanted = lifetime_of(plan, i);
      ASSERT_EQ(lives[i].has_value(), wanted.has_value()) << seed << ": " << plan.values[i].name;
      if (!wanted) continue;
      EXPECT_EQ(lives[i]->written, wanted->written) << seed << ": " << plan.values[i].name;
      EXPECT_EQ(lives[i]->last_read, wanted->last_read) << seed << ": " << plan.values[i].name;
    }
    const std::vector<int64_t> bytes = live_bytes(plan);
    ASSERT_EQ(bytes.size(), plan.instructions.size());
    for (size_t step = 0; step < bytes.size(); ++step) {
      ASSERT_EQ(bytes[step], bytes_during(plan, step)) << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace memopt
