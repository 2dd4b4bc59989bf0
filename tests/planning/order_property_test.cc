#include <gtest/gtest.h>

#include <numeric>

#include "tests/planning/order_random.h"

namespace memopt {
namespace {

TEST(OrderOps, FindsTheOptimumOfSmallProblems) {
  for (uint32_t seed = 0; seed < 600; ++seed) {
    RandomOrderOptions options;
    options.ops = 1 + static_cast<int32_t>(seed % 8);
    options.max_bytes = seed % 3 == 0 ? 3 : 1000;
    const OrderProblem problem = random_order_problem(seed, options);
    const Result<OrderResult> result = order_ops(problem);
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->peak_bytes, brute_force_peak(problem)) << "seed " << seed;
    EXPECT_EQ(result->proof, OrderProof::kOptimal) << "seed " << seed;
    EXPECT_EQ(result->lower_bound_bytes, result->peak_bytes) << "seed " << seed;
  }
}

TEST(OrderOps, ReportsThePeakOfItsOrderAndIsNeverWorseThanTheGivenOne) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    RandomOrderOptions options;
    options.ops = 40;
    options.window = 12;
    const OrderProblem problem = random_order_problem(seed, options);
    const Result<OrderResult> result = order_ops(problem);
    ASSERT_TRUE(result.ok()) << result.error().message;
    const Result<OrderSimulation> simulation = simulate_order(problem, result->order);
    ASSERT_TRUE(simulation.ok()) << simulation.error().message;
    std::vector<int32_t> given(options.ops);
    std::iota(given.begin(), given.end(), 0);
    EXPECT_EQ(result->peak_bytes, simulation->peak_bytes) << "seed " << seed;
    EXPECT_EQ(result->given_peak_bytes, simulate_order(problem, given)->peak_bytes);
    EXPECT_LE(result->peak_bytes, result->given_peak_bytes) << "seed " << seed;
    EXPECT_LE(result->lower_bound_bytes, result->peak_bytes) << "seed " << seed;
  }
}

TEST(OrderOps, RepeatsItself) {
  for (uint32_t seed = 0; seed < 5; ++seed) {
    RandomOrderOptions options;
    options.ops = 50;
    const OrderProblem problem = random_order_problem(seed, options);
    const Result<OrderResult> first = order_ops(problem), second = order_ops(problem);
    EXPECT_EQ(first->order, second->order);
    EXPECT_EQ(first->work, second->work);
  }
}

}  // namespace
}  // namespace memopt
