#include "passes/planning/planner.h"

#include <gtest/gtest.h>

#include "tests/planning/random_problem.h"
#include "tests/support/perfect_packing.h"

namespace memopt {
namespace {

using testing::optimum_by_force;
using testing::random_problem;
using testing::RandomProblemOptions;

MemoryBuffer buffer(std::string name, int64_t lower, int64_t upper, int64_t size) {
  MemoryBuffer b;
  b.name = std::move(name);
  b.lower = lower;
  b.upper = upper;
  b.size_bytes = size;
  return b;
}

// One sample of every feature, by number.
RandomProblemOptions kind_of_problem(int kind) {
  RandomProblemOptions options;
  options.alignments = kind == 1 || kind == 5;
  options.fixed = kind == 2 || kind == 5;
  options.gaps = kind == 3 || kind == 5 || kind == 6;
  options.graph = kind == 4;
  options.windows = kind == 6;
  return options;
}
constexpr int kKinds = 7;
constexpr int kWindowKind = 6;

TEST(Planner, FindsTheBruteForceOptimumAndProvesIt) {
  for (int kind = 0; kind < kWindowKind; ++kind) {
    for (uint32_t seed = 0; seed < 300; ++seed) {
      const MemoryProblem problem = random_problem(seed, kind_of_problem(kind));
      const int64_t optimum = optimum_by_force(problem);
      const auto plan = plan_memory(problem);
      ASSERT_TRUE(plan.ok()) << plan.error().message;
      EXPECT_EQ(plan->spaces[0].height_bytes, optimum) << "kind " << kind << " seed " << seed;
      EXPECT_EQ(plan->spaces[0].status, ProofStatus::kOptimal)
          << "kind " << kind << " seed " << seed;
    }
  }
}

// A capacity is enough for who asks to fit it, and no end for who asks for the least.
TEST(Planner, TheObjectiveSaysWhatACapacityMeans) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    MemoryProblem problem = random_problem(seed, kind_of_problem(0));
    const int64_t optimum = optimum_by_force(problem);
    for (const int64_t more : {0, 1, 5}) {
      problem.spaces[0].capacity_bytes = optimum + more;
      const auto least = plan_memory(problem, {.objective = Objective::kMinimize});
      ASSERT_TRUE(least.ok()) << least.error().message;
      ASSERT_EQ(least->spaces[0].height_bytes, optimum) << seed;
      const auto fits = plan_memory(problem, {.objective = Objective::kFit});
      ASSERT_TRUE(fits.ok()) << fits.error().message;
      ASSERT_LE(fits->spaces[0].height_bytes, optimum + more) << seed;
    }
  }
  MemoryProblem problem = perfect_packing(1, 60, 0.95);
  problem.spaces[0].capacity_bytes = 2 * 1024 * 1024;
  EXPECT_EQ(plan_memory(problem, {.objective = Objective::kFit})->work, 0);
  EXPECT_GT(plan_memory(problem, {.objective = Objective::kMinimize, .work_limit = 100})->work, 0);
}

TEST(Planner, WithWindowsInGapsStaysBetweenBoundAndOptimum) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const MemoryProblem problem = random_problem(seed, kind_of_problem(kWindowKind));
    const int64_t optimum = optimum_by_force(problem);
    const auto plan = plan_memory(problem);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_LE(plan->spaces[0].lower_bound_bytes, optimum) << "seed " << seed;
    EXPECT_GE(plan->spaces[0].height_bytes, optimum) << "seed " << seed;
  }
}

TEST(Planner, ProvesACapacityBelowTheOptimumImpossible) {
  for (int kind = 0; kind < kWindowKind; ++kind) {
    for (uint32_t seed = 0; seed < 100; ++seed) {
      MemoryProblem problem = random_problem(seed, kind_of_problem(kind));
      const int64_t optimum = optimum_by_force(problem);
      if (optimum == 0) continue;
      problem.spaces[0].capacity_bytes = optimum - 1;
      const auto plan = plan_memory(problem, {.objective = Objective::kFit});
      ASSERT_TRUE(plan.ok()) << plan.error().message;
      EXPECT_EQ(plan->spaces[0].status, ProofStatus::kImpossible) << "kind " << kind << " " << seed;
      EXPECT_EQ(capacity_error(problem, *plan).error().code, Code::kBudgetImpossible);
      problem.spaces[0].capacity_bytes = optimum;
      EXPECT_TRUE(
          capacity_error(problem, *plan_memory(problem, {.objective = Objective::kFit})).ok());
    }
  }
}

TEST(Planner, EveryPlannerIsValidOnEveryKindOfProblem) {
  for (const Planner& planner : planners()) {
    for (int kind = 0; kind < kKinds; ++kind) {
      for (uint32_t seed = 0; seed < 100; ++seed) {
        RandomProblemOptions options = kind_of_problem(kind);
        options.max_buffers = 30;
        options.steps = 12;
        options.max_size = 20;
        const MemoryProblem problem = random_problem(seed, options);
        const auto plan =
            plan_memory(problem, {.planner = planner.name, .work_limit = 1000});  // validates
        ASSERT_TRUE(plan.ok()) << planner.name << " kind " << kind << " seed " << seed << ": "
                               << plan.error().message;
        EXPECT_GE(plan->spaces[0].height_bytes, lower_bound(problem)) << planner.name;
      }
    }
  }
}

TEST(Planner, IsNeverWorseThanNaive) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    RandomProblemOptions options{.max_buffers = 40, .steps = 20, .max_size = 50};
    const MemoryProblem problem = random_problem(seed, options);
    const auto naive = plan_memory(problem, {.planner = "naive"});
    const auto best = plan_memory(problem, {.work_limit = 1000});
    EXPECT_LE(best->spaces[0].height_bytes, naive->spaces[0].height_bytes) << "seed " << seed;
  }
}

TEST(Planner, SameProblemAndSeedGiveTheSamePlan) {
  RandomProblemOptions options{.max_buffers = 60, .steps = 30, .max_size = 1000};
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const MemoryProblem problem = random_problem(seed, options);
    const PlannerOptions limited{.work_limit = 2000};
    EXPECT_EQ(plan_memory(problem, limited)->offsets, plan_memory(problem, limited)->offsets);
  }
}

TEST(Planner, ThePlanDoesNotDependOnTheNumberOfThreads) {
  std::vector<MemoryProblem> problems;
  for (uint32_t seed = 0; seed < 20; ++seed) {
    problems.push_back(random_problem(seed, {.max_buffers = 60, .steps = 30, .max_size = 1000}));
    problems.push_back(perfect_packing(seed, 150 + 10 * seed, 0.9));
  }
  for (const MemoryProblem& problem : problems) {
    const MemoryPlan one = *plan_memory(problem, {.work_limit = 20000});
    for (const int threads : {2, 4}) {
      const MemoryPlan plan = *plan_memory(problem, {.work_limit = 20000, .threads = threads});
      EXPECT_EQ(plan.offsets, one.offsets);
      EXPECT_EQ(plan.work, one.work);
    }
  }
}

// Long enough for the lanes to part into depth first and breadth first.
TEST(Planner, ALongSearchDoesNotDependOnTheNumberOfThreads) {
  MemoryProblem problem = perfect_packing(1, 450, 0.9);
  problem.spaces[0].capacity_bytes = 1024 * 1024;
  PlannerOptions options{.objective = Objective::kFit, .work_limit = 1000000};
  const MemoryPlan one = *plan_memory(problem, options);
  EXPECT_GT(one.work, 600000) << "too easy to say something";
  for (const int threads : {2, 4}) {
    options.threads = threads;
    const MemoryPlan plan = *plan_memory(problem, options);
    EXPECT_EQ(plan.offsets, one.offsets);
    EXPECT_EQ(plan.work, one.work);
  }
}

TEST(Planner, KeepsTheWorkLimit) {
  RandomProblemOptions options{.max_buffers = 200, .steps = 40, .max_size = 100000};
  for (uint32_t seed = 0; seed < 10; ++seed) {
    EXPECT_LE(plan_memory(random_problem(seed, options), {.work_limit = 500})->work, 700);
  }
}

TEST(Planner, BuffersWithoutBytesOrLifetimeConflictWithNothing) {
  MemoryProblem problem;
  problem.buffers = {buffer("a", 0, 9, 8), buffer("empty", 0, 9, 0), buffer("unborn", 3, 3, 8)};
  const auto plan = plan_memory(problem);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->spaces[0].height_bytes, 8);
  EXPECT_EQ(plan->spaces[0].status, ProofStatus::kOptimal);
}

TEST(Planner, EmptyProblem) {
  const auto plan = plan_memory(MemoryProblem{});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->spaces[0].height_bytes, 0);
  EXPECT_EQ(plan->spaces[0].status, ProofStatus::kOptimal);
}

TEST(Planner, SpacesAreIndependent) {
  MemoryProblem problem;
  problem.spaces = {{"sram", 8}, {"dram", {}}};
  problem.buffers = {buffer("a", 0, 2, 8), buffer("b", 0, 2, 16), buffer("c", 2, 3, 8)};
  problem.buffers[1].space = 1;
  const auto plan = plan_memory(problem);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->spaces[0].height_bytes, 8);
  EXPECT_EQ(plan->spaces[1].height_bytes, 16);
}

TEST(Planner, TheLastBufferNeedsNoPaddingToItsAlignment) {
  MemoryProblem problem;
  problem.buffers = {buffer("a", 0, 2, 100), buffer("b", 0, 2, 10)};
  for (MemoryBuffer& b : problem.buffers) b.alignment = 64;
  const auto plan = plan_memory(problem);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->spaces[0].height_bytes, 138);  // 128 + 10; the other way round takes 64 + 100
}

TEST(Planner, CollidingFixedBuffersAreBadInput) {
  MemoryProblem problem;
  problem.buffers = {buffer("a", 0, 2, 100), buffer("b", 1, 2, 10)};
  problem.buffers[0].fixed_offset = 0;
  problem.buffers[1].fixed_offset = 99;
  const auto plan = plan_memory(problem);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, Code::kBadInput);
}

TEST(Planner, UnknownPlannerIsAUsageErrorThatListsThem) {
  const auto plan = plan_memory(MemoryProblem{}, {.planner = "magic"});
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, Code::kUsage);
  EXPECT_NE(plan.error().message.find("greedy_by_size"), std::string::npos);
}

TEST(CheckProblem, RejectsWhatNoPlannerCanRead) {
  const auto rejected = [](auto change) {
    MemoryProblem problem;
    problem.buffers = {buffer("a", 0, 10, 8), buffer("b", 0, 10, 8)};
    change(problem);
    return !check_problem(problem).ok();
  };
  EXPECT_FALSE(rejected([](MemoryProblem&) {}));
  EXPECT_TRUE(rejected([](auto& p) { p.buffers[0].size_bytes = -1; }));
  EXPECT_TRUE(rejected([](auto& p) { p.buffers[0].size_bytes = INT64_MAX; }));
  EXPECT_TRUE(rejected([](auto& p) { p.buffers[0].alignment = 0; }));
  EXPECT_TRUE(rejected([](auto& p) { p.buffers[0].alignment = INT64_MAX; }));
  EXPECT_TRUE(rejected([](auto& p) { p.buffers[0].upper = -1; }));
  EXPECT_TRUE(rejected([](auto& p) { p.buffers[0].space = 1; }));
  EXPECT_TRUE(rejected([](auto& p) { p.buffers[0].fixed_offset = -8; }));
  EXPECT_TRUE(rejected([](auto& p) { p.buffers[0].gaps = {{5, 5, {}}}; }));
  EXPECT_TRUE(rejected([](auto& p) { p.buffers[0].gaps = {{5, 11, {}}}; }));
  EXPECT_TRUE(rejected([](auto& p) { p.buffers[0].gaps = {{5, 7, {}}, {6, 8, {}}}; }));
  EXPECT_TRUE(rejected([](auto& p) { p.buffers[0].gaps = {{5, 7, ByteRange{0, 9}}}; }));
  EXPECT_TRUE(rejected([](auto& p) { p.spaces[0].capacity_bytes = -1; }));
  EXPECT_TRUE(rejected([](auto& p) { p.interference.emplace().edges = {{0, 0}}; }));
  EXPECT_TRUE(rejected([](auto& p) { p.interference.emplace().edges = {{0, 2}}; }));
}

}  // namespace
}  // namespace memopt
