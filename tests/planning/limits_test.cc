// Work is bounded: by what is asked for, and by the size of the problem where nothing is. Counted,
// not timed.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "passes/planning/csv.h"
#include "passes/planning/greedy.h"
#include "passes/planning/order.h"
#include "passes/planning/order_graph.h"
#include "passes/planning/order_reduce.h"
#include "passes/planning/placed.h"
#include "passes/planning/planner.h"
#include "tests/planning/order_families.h"
#include "tests/support/perfect_packing.h"

namespace memopt {
namespace {

using ordering::OrderGraph;

int64_t items_of(const OrderGraph& graph) {
  return graph.num_ops() + std::ssize(graph.preds.items) + std::ssize(graph.touches.items) +
         std::ssize(graph.in_place.items);
}

class OrderLimits : public ::testing::TestWithParam<OrderFamily> {};

TEST_P(OrderLimits, ReducingTakesWorkLinearInTheGraph) {
  std::vector<double> per_item;
  for (const int32_t ops : {500, 2000, 8000}) {
    const OrderGraph graph = *ordering::build_order_graph(GetParam().make(ops));
    int64_t work = 0;
    ordering::merge_chains(graph, {}, &work);
    per_item.push_back(static_cast<double>(work) / static_cast<double>(items_of(graph)));
    EXPECT_LT(per_item.back(), 100);
  }
  EXPECT_LT(per_item.back(), 1.5 * per_item.front() + 5);
}

TEST_P(OrderLimits, OrderingKeepsItsWorkLimits) {
  const OrderProblem problem = GetParam().make(3000);
  const int64_t items = items_of(*ordering::build_order_graph(problem));
  const OrderOptions options{.bound_work = 200'000,
                             .exact_work = 100'000,
                             .window_work = 100'000,
                             .window_work_per_op = 10,
                             .beam_width = 8,
                             .stop = {}};
  const auto result = order_ops(problem, options);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_LT(result->work, 400'000 + 200 * items);
  EXPECT_EQ(simulate_order(problem, result->order)->peak_bytes, result->peak_bytes);
}

// Every search returns once the token stops it, wherever it is: nothing polls more than about once
// an operator after that.
TEST_P(OrderLimits, AStopAtAnyPollEndsTheOrdering) {
  const OrderProblem problem = GetParam().make(300);
  const int64_t items = items_of(*ordering::build_order_graph(problem));
  for (int64_t polls = 0; polls < 100'000; polls = polls * 3 / 2 + 1) {
    std::atomic<int64_t> left = polls;
    OrderOptions options{.exact_work = 1'000'000};
    options.stop = StopToken().after(&left);
    const auto result = order_ops(problem, options);
    ASSERT_TRUE(result.ok()) << result.error().message;
    const auto simulation = simulate_order(problem, result->order);
    ASSERT_TRUE(simulation.ok()) << simulation.error().message;
    EXPECT_EQ(simulation->peak_bytes, result->peak_bytes);
    EXPECT_LE(result->peak_bytes, result->given_peak_bytes);
    EXPECT_LE(result->lower_bound_bytes, result->peak_bytes);
    EXPECT_LT(-left, 4 * items + 100) << "stopped at poll " << polls;
    if (left > 0) break;  // it ends by itself
  }
}

INSTANTIATE_TEST_SUITE_P(All, OrderLimits, ::testing::ValuesIn(order_families()),
                         [](const auto& info) { return std::string(info.param.name); });

// Sizes and alignments that let bounds creep up to the capacity a few bytes at a time.
MemoryProblem creeping_problem(uint32_t seed) {
  constexpr int64_t kSizes[] = {1, 3, 64, 127, 65537, (int64_t{1} << 31) - 1, int64_t{1} << 40};
  constexpr int64_t kAlignments[] = {1, 64, 255, (int64_t{1} << 31) - 1, int64_t{1} << 32};
  std::mt19937 random(seed);
  MemoryProblem problem;
  for (uint32_t n = 5 + random() % 8; n > 0; --n) {
    MemoryBuffer& buffer = problem.buffers.emplace_back();
    buffer.lower = static_cast<int64_t>(random() % 4);
    buffer.upper = buffer.lower + 1 + static_cast<int64_t>(random() % 5);
    buffer.size_bytes = kSizes[random() % std::size(kSizes)];
    buffer.alignment = kAlignments[random() % std::size(kAlignments)];
  }
  return problem;
}

TEST(PlacementLimits, HoldWhereBoundsCreep) {
  constexpr int64_t kWork = 2000;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const auto plan = plan_memory(creeping_problem(seed), {.work_limit = kWork});
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_LT(plan->work, 2 * kWork) << "seed " << seed;
  }
}

// Where no work is left for an attempt, there is no next one.
TEST(PlacementLimits, HoldWhateverIsLeftForTheLastAttempt) {
  for (int64_t work_limit = 0; work_limit < 40; ++work_limit) {
    for (const Objective objective : {Objective::kMinimize, Objective::kFit}) {
      MemoryProblem problem = perfect_packing(static_cast<uint32_t>(work_limit), 300, 0.9);
      problem.spaces[0].capacity_bytes = 1024 * 1024;
      const auto plan = plan_memory(problem, {.objective = objective, .work_limit = work_limit});
      ASSERT_TRUE(plan.ok()) << plan.error().message;
      EXPECT_LE(plan->work, work_limit + 20);
    }
  }
}

TEST(PlacementLimits, AStopAtAnyPollEndsThePlacement) {
  const MemoryProblem problem = perfect_packing(5, 120, 0.95);
  for (int64_t polls = 0;; polls = polls * 3 / 2 + 1) {
    for (const int threads : {1, 2}) {
      std::atomic<int64_t> left = polls;
      const auto plan = plan_memory(
          problem, {.work_limit = 20000, .threads = threads, .stop = StopToken().after(&left)});
      ASSERT_TRUE(plan.ok()) << plan.error().message;
      EXPECT_LT(-left, 2000) << "stopped at poll " << polls;
      if (left > 0) return;
    }
  }
}

// All live together, so that every placement looks at every other.
TEST(PlacementLimits, HeuristicsGiveUpWithinTheirEffort) {
  MemoryProblem problem;
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    MemoryBuffer& buffer = problem.buffers.emplace_back();
    buffer.upper = 1 + i % 7;
    buffer.size_bytes = 1 + random() % 100000;
  }
  const Instance instance = make_instance(problem, 0);
  for (const ItemOrder order : {ItemOrder::kSize, ItemOrder::kStart, ItemOrder::kPeaks}) {
    for (const Fit fit : {Fit::kFirst, Fit::kBest}) {
      Effort effort{{}, 3'000'000};
      const auto sequence = ordered_items(instance, order);
      EXPECT_TRUE(place_in_sequence(instance, sequence, fit, INT64_MAX, &effort).empty());
      EXPECT_GT(effort.steps_left, -2 * std::ssize(problem.buffers));
    }
  }
}

TEST(PlacedRectangles, VisitsWhatLivesAtTheSameTimeByAddress) {
  std::mt19937 random(1);
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  for (const int64_t longest : {5, 50, 3000}) {
    MemoryProblem problem;
    for (int i = 0; i < 3000; ++i) {
      MemoryBuffer& buffer = problem.buffers.emplace_back();
      buffer.lower = below(3000);
      buffer.upper = buffer.lower + 1 + below(longest);
      buffer.size_bytes = 1 + below(100);
    }
    const Instance instance = make_instance(problem, 0);
    PlacedRectangles placed(instance);
    std::vector<Rectangle> expected;
    for (uint32_t i = 0; i < instance.items.size(); ++i) {
      const int64_t offset = below(100000);
      placed.insert(i, 0, offset);
      const Item& item = instance.items[i];
      expected.push_back({item.lower, item.upper, offset, offset + item.size});
    }
    std::stable_sort(expected.begin(), expected.end(),
                     [](const Rectangle& a, const Rectangle& b) { return a.begin < b.begin; });
    for (int k = 0; k < 50; ++k) {
      const int64_t lower = below(3000), upper = lower + 1 + below(longest);
      std::vector<int64_t> begins, wanted;
      for (const Rectangle& r : expected) {
        if (r.lower < upper && lower < r.upper) wanted.push_back(r.begin);
      }
      placed.visit(lower, upper, [&](const Rectangle& r) {
        begins.push_back(r.begin);
        return false;
      });
      EXPECT_EQ(begins, wanted);
    }
  }
}

// Only buffers that are the same but for their names can change places.
TEST(Planner, TheOrderOfTheBuffersDoesNotMatter) {
  for (const double density : {0.8, 1.0}) {
    MemoryProblem problem = perfect_packing(3, 150, density);
    for (size_t i = 0; i < problem.buffers.size(); i += 7) problem.buffers[i].alignment = 4096;
    std::optional<MemoryPlan> first;
    std::mt19937 random(1);
    for (int k = 0; k < 4; ++k) {
      const auto plan = plan_memory(problem, {.work_limit = 3000});
      ASSERT_TRUE(plan.ok()) << plan.error().message;
      if (!first) first = *plan;
      EXPECT_EQ(plan->spaces[0].height_bytes, first->spaces[0].height_bytes);
      EXPECT_EQ(plan->spaces[0].lower_bound_bytes, first->spaces[0].lower_bound_bytes);
      EXPECT_EQ(plan->work, first->work);
      std::shuffle(problem.buffers.begin(), problem.buffers.end(), random);
    }
  }
}

}  // namespace
}  // namespace memopt
