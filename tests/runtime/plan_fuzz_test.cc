// Random damage to sound plans: whatever the verifier accepts must run, guarded, in an arena with a
// fence behind it, without a violation.
#include <gtest/gtest.h>

#include <random>

#include "runtime/plan/codec.h"
#include "runtime/plan/verify.h"
#include "tests/support/run_guarded.h"
#include "tests/support/test_plan.h"

namespace memopt {
namespace {

class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}

  void mutate(Plan& plan) {
    switch (below(14)) {
      case 0:
        value(plan).offset_bytes = number(plan);
        return;
      case 1:
        value(plan).bytes = number(plan);
        return;
      case 2:
        set_any(value(plan).dims, plan);
        return;
      case 3:
        set_any(value(plan).strides, plan);
        return;
      case 4:
        value(plan).storage = static_cast<Storage>(below(4));
        return;
      case 5:
        value(plan).layout = static_cast<Layout>(below(3));
        return;
      case 6: {
        PlanValue& target = value(plan);
        if (!target.alias) target.alias.emplace();
        target.alias->parent = index(plan);
        target.alias->whole = below(2) == 0;
        return;
      }
      case 7:
        value(plan).alias.reset();
        return;
      case 8:
        for (PlanValue& target : plan.values) {
          if (target.alias) set_any(target.alias->starts, plan);
        }
        return;
      case 9:
        set_operand(instruction(plan).inputs, plan);
        return;
      case 10:
        set_operand(instruction(plan).outputs, plan);
        return;
      case 11:
        instruction(plan).scratch_offset_bytes = number(plan);
        return;
      case 12:
        std::swap(instruction(plan), instruction(plan));
        return;
      case 13:
        plan.arena_bytes = number(plan);
        return;
    }
  }

  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }

 private:
  uint32_t index(const Plan& plan) { return below(static_cast<uint32_t>(plan.values.size())); }
  PlanValue& value(Plan& plan) { return plan.values[index(plan)]; }
  PlanInstruction& instruction(Plan& plan) {
    return plan.instructions[below(static_cast<uint32_t>(plan.instructions.size()))];
  }
  // Mostly numbers that occur in plans, sometimes extreme ones.
  int64_t number(const Plan& plan) {
    switch (below(4)) {
      case 0:
        return int64_t{64} * below(8);
      case 1:
        return 4 * static_cast<int64_t>(below(32));
      case 2:
        return static_cast<int64_t>(static_cast<uint64_t>(plan.values[index(plan)].offset_bytes) +
                                    uint64_t{8} * below(3) - 8);  // wraps around behind an extreme
      default: {
        static constexpr int64_t kExtremes[] = {-1, INT64_MAX, INT64_MIN, int64_t{1} << 40, 1};
        return kExtremes[below(5)];
      }
    }
  }
  void set_any(Dims& dims, const Plan& plan) {
    if (dims.empty()) return;
    dims[static_cast<int>(below(static_cast<uint32_t>(dims.size())))] =
        below(4) == 0 ? number(plan) : below(6);
  }
  void set_operand(std::vector<std::optional<uint32_t>>& operands, const Plan& plan) {
    operands[below(static_cast<uint32_t>(operands.size()))] =
        below(8) == 0 ? std::nullopt : std::optional(index(plan));
  }

  std::mt19937 random_;
};

// Loads what was accepted and runs it.
void run_accepted(const Plan& plan, uint32_t seed) {
  const auto file = file_in_memory(encode_plan(plan), plan.constants_bytes);
  const Status status = run_guarded(file, test_kernel);
  ASSERT_TRUE(status.ok()) << seed << ": " << status.error().message << '\n' << dump_plan(plan);
}

TEST(PlanFuzz, AcceptedPlansAreSafe) {
  int accepted = 0;
  for (uint32_t seed = 0; seed < 30000; ++seed) {
    Mutator mutator(seed);
    const Plan original = seed % 2 == 0 ? small_plan() : concat_plan();
    Plan plan = original;
    const uint32_t changes = 1 + mutator.below(3);
    for (uint32_t i = 0; i < changes; ++i) mutator.mutate(plan);
    if (plan == original || plan.arena_bytes > (1 << 20) || !verify_plan(plan, test_kernel).ok()) {
      continue;
    }
    ++accepted;
    ASSERT_NO_FATAL_FAILURE(run_accepted(plan, seed));
  }
  EXPECT_GT(accepted, 300);
}

}  // namespace
}  // namespace memopt
