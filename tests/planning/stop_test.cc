// A stopped search returns at once, with a valid result that says that it was cancelled.
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <thread>

#include "passes/planning/order.h"
#include "passes/planning/planner.h"
#include "tests/planning/order_random.h"
#include "tests/support/perfect_packing.h"
#include "tests/support/sanitizer.h"

namespace memopt {
namespace {

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Sets a flag a moment after it was made, and notes the CPU time at which it did.
class StopSoon {
 public:
  StopSoon()
      : thread_([this] {
          std::this_thread::sleep_for(std::chrono::milliseconds(100));
          at_ = cpu_seconds();
          flag_ = true;
        }) {}
  ~StopSoon() { thread_.join(); }
  StopToken token() const { return StopToken(&flag_); }
  double cpu_seconds_since() const { return cpu_seconds() - at_; }

 private:
  std::atomic<bool> flag_ = false;
  std::atomic<double> at_ = 0;
  std::thread thread_;
};
constexpr double kPromptSeconds = 0.5 * testing::kSanitizerFactor;
constexpr int64_t kEndless = int64_t{1} << 50;

TEST(Stop, EndsThePlacementWithAValidPlan) {
  for (const size_t buffers : {1000, 20000}) {
    const MemoryProblem problem = perfect_packing(1, buffers, 0.9);
    const StopSoon stop;
    const auto plan = plan_memory(problem, {.work_limit = kEndless, .stop = stop.token()});
    EXPECT_LT(stop.cpu_seconds_since(), kPromptSeconds) << buffers;
    ASSERT_TRUE(plan.ok()) << plan.error().message;  // it was validated
    EXPECT_TRUE(plan->cancelled) << buffers;
    EXPECT_EQ(plan->spaces[0].status, ProofStatus::kGap) << buffers;
  }
}

TEST(Stop, BeforeTheStartStillGivesAPlanByEveryPlanner) {
  const std::atomic<bool> flag = true;
  const MemoryProblem problem = perfect_packing(1, 300, 0.9);
  for (const Planner& planner : planners()) {
    const auto plan = plan_memory(problem, {.planner = planner.name, .stop = StopToken(&flag)});
    ASSERT_TRUE(plan.ok()) << planner.name << ": " << plan.error().message;
    EXPECT_TRUE(plan->cancelled) << planner.name;
  }
}

TEST(Stop, WhatIsProvedIsNotCancelled) {
  const std::atomic<bool> flag = true;
  const auto plan = plan_memory(MemoryProblem{}, {.stop = StopToken(&flag)});
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->cancelled);
  EXPECT_EQ(plan->spaces[0].status, ProofStatus::kOptimal);
}

TEST(Stop, EndsTheOrderingWithAnOrderNoWorseThanTheGiven) {
  const OrderProblem problem =
      random_order_problem(3, {.ops = 1000, .max_bytes = 1 << 20, .window = 80});
  OrderOptions options{.bound_work = kEndless,
                       .exact_work = kEndless,
                       .window_work = kEndless,
                       .window_work_per_op = 0,
                       .beam_width = 1 << 20};
  const StopSoon stop;
  options.stop = stop.token();
  const Result<OrderResult> result = order_ops(problem, options);
  EXPECT_LT(stop.cpu_seconds_since(), kPromptSeconds);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(result->cancelled);
  EXPECT_LE(result->peak_bytes, result->given_peak_bytes);
  const auto simulation = simulate_order(problem, result->order);
  ASSERT_TRUE(simulation.ok()) << simulation.error().message;
  EXPECT_EQ(simulation->peak_bytes, result->peak_bytes);
}

}  // namespace
}  // namespace memopt
