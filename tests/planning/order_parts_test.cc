// The parts of the ordering search, each against every order of small random problems.
#include <gtest/gtest.h>

#include <numeric>

#include "passes/planning/order_bound.h"
#include "passes/planning/order_graph.h"
#include "passes/planning/order_greedy.h"
#include "passes/planning/order_reduce.h"
#include "passes/planning/order_search.h"
#include "passes/planning/order_window.h"
#include "tests/planning/order_random.h"

namespace memopt::ordering {
namespace {

constexpr int64_t kNoLimit = INT64_MAX / 4;

OrderProblem small_problem(uint32_t seed) {
  RandomOrderOptions options;
  options.ops = 1 + static_cast<int32_t>(seed % 8);
  options.max_bytes = seed % 3 == 0 ? 3 : 1000;
  return random_order_problem(seed + 10'000, options);
}

OrderProblem large_problem(uint32_t seed, int32_t ops) {
  RandomOrderOptions options;
  options.ops = ops;
  options.window = 20;
  return random_order_problem(seed, options);
}

std::vector<int32_t> identity(int32_t size) {
  std::vector<int32_t> result(size);
  std::iota(result.begin(), result.end(), 0);
  return result;
}

TEST(OrderParts, TheExactSearchFindsTheOptimumFromEitherEnd) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const OrderProblem problem = small_problem(seed);
    const OrderGraph graph = *build_order_graph(problem);
    const OrderGraph mirror = reversed(graph);
    const int64_t optimum = brute_force_peak(problem);
    for (const OrderGraph* side : {&graph, &mirror}) {
      const SearchResult result = search_order(*side, {0, kNoLimit, kNoLimit});
      EXPECT_TRUE(result.finished);
      EXPECT_EQ(peak_of(*side, result.order), optimum) << "seed " << seed;
      EXPECT_LE(result.lower_bound_bytes, optimum) << "seed " << seed;
      const SearchResult none = search_order(*side, {0, optimum, kNoLimit});
      EXPECT_TRUE(none.finished && none.order.empty()) << "seed " << seed;
      EXPECT_EQ(none.lower_bound_bytes, optimum) << "seed " << seed;
    }
  }
}

TEST(OrderParts, TheMirrorOfAnOrderHasThePeakOfTheOrder) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const OrderGraph graph = *build_order_graph(large_problem(seed, 30));
    const std::vector<int32_t> order = greedy_order(graph, GreedyKey::kGrowth);
    EXPECT_EQ(peak_of(reversed(graph), mirror_order(order)), peak_of(graph, order));
  }
}

TEST(OrderParts, MergingChainsKeepsTheOptimumAndThePeakOfEveryOrder) {
  int32_t merged = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const OrderProblem problem = small_problem(seed);
    const OrderGraph graph = *build_order_graph(problem);
    int64_t work = 0;
    const ReducedGraph reduced = merge_chains(graph, {}, &work);
    merged += graph.num_ops() - reduced.graph.num_ops();
    const SearchResult result = search_order(reduced.graph, {0, kNoLimit, kNoLimit});
    const int64_t peak = peak_of(reduced.graph, result.order);
    EXPECT_EQ(peak, brute_force_peak(problem)) << "seed " << seed;
    const std::vector<int32_t> order = expand_order(reduced, result.order);
    EXPECT_EQ(simulate_order(problem, order)->peak_bytes, peak) << "seed " << seed;
  }
  EXPECT_GT(merged, 100);
}

TEST(OrderParts, AReducedOrderCostsWhatItsExpansionCosts) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const OrderGraph graph = *build_order_graph(large_problem(seed, 60));
    int64_t work = 0;
    const ReducedGraph reduced = merge_chains(graph, {}, &work);
    for (GreedyKey key : {GreedyKey::kGrowth, GreedyKey::kRunning}) {
      const std::vector<int32_t> order = greedy_order(reduced.graph, key);
      EXPECT_EQ(peak_of(reduced.graph, order), peak_of(graph, expand_order(reduced, order)))
          << "seed " << seed;
    }
  }
}

// An operator that everything before it leads to, and that leads to everything after it.
std::vector<int32_t> block_ends_by_paths(const OrderGraph& graph) {
  const int32_t ops = graph.num_ops();
  std::vector<std::vector<bool>> leads_to(ops, std::vector<bool>(ops, false));
  for (int32_t op = 0; op < ops; ++op) {
    leads_to[op][op] = true;
    for (int32_t pred : graph.preds[op]) {
      for (int32_t from = 0; from < ops; ++from) {
        if (leads_to[from][pred]) leads_to[from][op] = true;
      }
    }
  }
  std::vector<int32_t> ends;
  for (int32_t op = 0; op < ops; ++op) {
    bool passes = true;
    for (int32_t other = 0; other < ops; ++other) {
      passes = passes && (other <= op ? leads_to[other][op] : leads_to[op][other]);
    }
    if (passes || op == ops - 1) ends.push_back(op + 1);
  }
  return ends;
}

TEST(OrderParts, BlocksEndExactlyWhereEveryPathPasses) {
  size_t blocks = 0;
  for (uint32_t seed = 0; seed < 400; ++seed) {
    RandomOrderOptions options;
    options.ops = 1 + static_cast<int32_t>(seed % 12);
    options.window = 1 + static_cast<int32_t>(seed % 4);
    const OrderGraph graph = *build_order_graph(random_order_problem(seed, options));
    const std::vector<int32_t> ends = block_ends_by_paths(graph);
    ASSERT_EQ(block_ends(graph), ends) << "seed " << seed;
    blocks += ends.size();
  }
  EXPECT_GT(blocks, 500u);
}

TEST(OrderParts, BlocksEndWhereEveryOrderPasses) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    const OrderGraph graph = *build_order_graph(large_problem(seed, 20));
    for (const std::vector<int32_t>& order :
         {post_order(graph, true), greedy_order(graph, GreedyKey::kGrowth)}) {
      int32_t begin = 0;
      for (int32_t end : block_ends(graph)) {
        for (; begin < end; ++begin) EXPECT_LT(order[begin], end);
      }
      EXPECT_EQ(begin, graph.num_ops());
    }
  }
}

TEST(OrderParts, NoBoundIsAboveTheOptimum) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const OrderProblem problem = small_problem(seed);
    const OrderGraph graph = *build_order_graph(problem);
    const int64_t optimum = brute_force_peak(problem);
    const int64_t simple = working_set_bound(graph);
    const CutBound cut = min_cut_bound(graph, identity(graph.num_ops()), kNoLimit);
    EXPECT_LE(cut.bytes, optimum) << "seed " << seed;
    EXPECT_GE(cut.bytes, simple) << "seed " << seed;
    for (int64_t work : {0, 10, 50}) {
      EXPECT_LE(min_cut_bound(graph, identity(graph.num_ops()), work).bytes, cut.bytes);
    }
  }
}

TEST(OrderParts, AnExtractedPartCostsWhatItCostsInTheWhole) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const OrderGraph graph = *build_order_graph(large_problem(seed, 30));
    const std::vector<int32_t> order = greedy_order(graph, GreedyKey::kGrowth);
    OrderState state(graph);
    for (int32_t i = 0; i < 10; ++i) state.run(order[i]);
    const OrderGraph part =
        extract_ops(graph, order, inverse_of(order), 10, 20, state.live_bytes());
    OrderState part_state(part);
    for (int32_t i = 0; i < 10; ++i) {
      EXPECT_EQ(part_state.live_bytes(), state.live_bytes());
      ASSERT_TRUE(part_state.is_ready(i));
      EXPECT_EQ(part_state.running_bytes(i), state.running_bytes(order[10 + i]));
      part_state.run(i);
      state.run(order[10 + i]);
    }
  }
}

TEST(OrderParts, BeamsAndWindowsGiveTopologicalOrdersThatAreNeverWorse) {
  for (uint32_t seed = 0; seed < 10; ++seed) {
    const OrderProblem problem = large_problem(seed, 200);
    const OrderGraph graph = *build_order_graph(problem);
    std::vector<int32_t> order = greedy_order(graph, GreedyKey::kGrowth);
    const int64_t before = simulate_order(problem, order)->peak_bytes;
    const int64_t bound = working_set_bound(graph);
    const SearchResult beam = beam_search(graph, {bound, before, 1'000'000}, 8);
    if (!beam.order.empty()) {
      EXPECT_LT(simulate_order(problem, beam.order)->peak_bytes, before);
    }
    improve_windows(graph, {bound, 8, 1'000'000}, &order);
    const Result<OrderSimulation> after = simulate_order(problem, order);
    ASSERT_TRUE(after.ok()) << after.error().message;
    EXPECT_LE(after->peak_bytes, before);
  }
}

}  // namespace
}  // namespace memopt::ordering
