// The verifier accepts exactly the plans that its promise allows (tests/support/plan_rules.h says
// it a second time): random plans of every kind of value and operand, sound as they are made, and
// then with a field or two changed.
#include <gtest/gtest.h>

#include "runtime/plan/verify.h"
#include "tests/support/plan_rules.h"
#include "tests/support/sound_plan.h"

namespace memopt {
namespace {

bool is_small(const Plan& plan) {
  return std::max(plan.arena_bytes, plan.state_bytes) < 1 << 16 &&
         std::all_of(plan.values.begin(), plan.values.end(), [](const PlanValue& v) {
           const auto count = checked_count(v.dims);
           return !count || *count < 300;
         });
}

TEST(VerifyRules, TheVerifierAcceptsWhatTheyAllowAndNothingElse) {
  int sound = 0, kept = 0, broken = 0;
  for (uint32_t seed = 0; seed < 60000; ++seed) {
    Dice dice(seed);
    Plan plan = sound_plan(dice);
    const int64_t changes = dice.below(3);
    for (int64_t i = 0; i < changes; ++i) damage_plan(dice, plan);
    if (!is_small(plan)) continue;
    const PlanJudgement wanted = judge_plan(plan, rule_kernel);
    const Status memory = verify_memory(plan, rule_kernel), all = verify_plan(plan, rule_kernel);
    ASSERT_EQ(memory.ok(), wanted.memory)
        << "seed " << seed << ": " << (memory.ok() ? "" : memory.error().message) << '\n'
        << dump_plan(plan);
    ASSERT_EQ(all.ok(), wanted.plan)
        << "seed " << seed << ": " << (all.ok() ? "" : all.error().message) << '\n'
        << dump_plan(plan);
    (changes == 0 ? sound : wanted.plan ? kept : broken) += changes > 0 || wanted.plan ? 1 : 0;
  }
  EXPECT_GT(sound, 5000);
  EXPECT_GT(kept, 2000);
  EXPECT_GT(broken, 20000);
}

}  // namespace
}  // namespace memopt
