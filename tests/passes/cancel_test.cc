// A compile that is stopped, at whatever point, ends soon with a plan that is valid.
#include <gtest/gtest.h>

#include "compiler/ir/text.h"
#include "passes/compile.h"
#include "tests/support/random_graph.h"

namespace memopt {
namespace {

CompileOptions searching(std::atomic<int64_t>* polls) {
  CompileOptions options;
  options.budget_bytes = 0;
  options.explore_budget = true;
  options.budget.max_evaluations = 60;
  options.buffers.planner.stop = StopToken().after(polls);
  return options;
}

TEST(Cancel, AtAnyPollGivesAPlanWithLittleMoreWork) {
  constexpr int64_t kPollsOfOnePlacement = 20'000;  // of a chosen point, planned once more
  for (const uint64_t seed : {1, 2, 3}) {
    for (int64_t polls = 0;; polls = 2 * polls + 1) {
      std::atomic<int64_t> left = polls;
      const CompileOptions options = searching(&left);
      const auto model = compile_graph(random_graph(seed, 25), options);
      ASSERT_TRUE(model.ok()) << model.error().message;  // verified
      const auto other = arena_bytes_with_io(**model, options, false);
      ASSERT_TRUE(other.ok()) << other.error().message;
      EXPECT_LT(-left, kPollsOfOnePlacement) << "stopped at poll " << polls;
      if (left > 0) break;
      EXPECT_FALSE(other->has_value());
      EXPECT_TRUE((*model)->cancelled || left > -2) << "stopped at poll " << polls;
    }
  }
}

// The walk down the ladder of targets ends where there is nothing to walk down.
TEST(Budget, EndsOnTheSmallestGraphs) {
  for (const int64_t extent : {0, 1, 3}) {
    for (const int nodes : {1, 2}) {
      for (const bool io_in_arena : {false, true}) {
        Graph graph;
        ValueId value = graph.add_input("x", {.dtype = DType::kF32, .dims = {1, extent}});
        for (int i = 0; i < nodes; ++i) {
          value = graph.add_simple(Unary{.fn = {.fn = UnaryFn::kExp}}, {{value}}, graph.type(value),
                                   "y", "exp");
        }
        graph.add_output(value);
        CompileOptions options;
        options.budget_bytes = 0;
        options.explore_budget = true;
        options.buffers.io_in_arena = io_in_arena;
        const auto model = compile_graph(std::move(graph), options);
        ASSERT_TRUE(model.ok()) << model.error().message;
        EXPECT_TRUE((*model)->curve->complete);
        EXPECT_LT((*model)->curve->evaluations, 200);
      }
    }
  }
}

}  // namespace
}  // namespace memopt
