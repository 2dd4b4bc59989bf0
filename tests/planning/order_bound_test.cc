// The bounds on the peak of every order against their definitions: exactly, so that a weaker bound
// is noticed like one that is too high.
#include "passes/planning/order_bound.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/planning/order_random.h"

namespace memopt::ordering {
namespace {

constexpr int64_t kNoLimit = INT64_MAX / 4;
constexpr size_t kMostCandidates =
    4;  // of one operator; with more, all of them are assumed to save

using Set = uint32_t;  // of operators

bool has(Set set, int32_t op) { return (set >> op & 1) != 0; }

// With everything that they wait for.
std::vector<Set> closed_sets(const OrderGraph& graph) {
  std::vector<Set> result;
  for (Set set = 0; set < Set{1} << graph.num_ops(); ++set) {
    bool closed = true;
    for (int32_t op = 0; op < graph.num_ops(); ++op) {
      if (!has(set, op)) continue;
      const auto preds = graph.preds[op];
      closed = closed && std::all_of(preds.begin(), preds.end(),
                                     [&](int32_t pred) { return has(set, pred); });
    }
    if (closed) result.push_back(set);
  }
  return result;
}

bool all_others_done(const OrderGraph& graph, int32_t storage, int32_t op, Set done) {
  const auto touchers = graph.touchers[storage];
  return std::all_of(touchers.begin(), touchers.end(),
                     [&](int32_t other) { return other == op || has(done, other); });
}

// What is live between two operators once those of `done` have run, or touched by `op`.
int64_t bytes_while(const OrderGraph& graph, int32_t op, Set done) {
  int64_t bytes = graph.outside_bytes + graph.scratch_bytes[op];
  for (int32_t storage = 0; storage < graph.num_storages(); ++storage) {
    const auto touchers = graph.touchers[storage];
    bool born = graph.live_at_start[storage] != 0, dead = graph.live_at_end[storage] == 0;
    bool touched = false;
    for (const int32_t other : touchers) {
      born = born || has(done, other);
      dead = dead && has(done, other);
      touched = touched || other == op;
    }
    if ((born && !dead) || touched) bytes += graph.storage_bytes[storage];
  }
  return bytes;
}

// The most that one candidate saves there; of operators with too many of them, what all save.
int64_t saving_while(const OrderGraph& graph, int32_t op, Set done) {
  const auto pairs = graph.in_place[op];
  const bool one_output = std::all_of(pairs.begin(), pairs.end(), [&](const InPlacePair& pair) {
    return pair.output == pairs[0].output;
  });
  const bool weak = !one_output || pairs.size() > kMostCandidates;
  int64_t most = 0, all = 0;
  for (const InPlacePair& pair : pairs) {
    all += pair.saving;
    if (graph.live_at_end[pair.input] == 0 && all_others_done(graph, pair.input, op, done)) {
      most = std::max(most, pair.saving);
    }
  }
  return weak ? all : most;
}

// The fewest bytes live while it runs, in any order.
int64_t fewest_bytes(const OrderGraph& graph, int32_t op, const std::vector<Set>& closed) {
  int64_t fewest = INT64_MAX;
  for (const Set done : closed) {
    const bool runs_next =
        !has(done, op) && std::binary_search(closed.begin(), closed.end(), done | Set{1} << op);
    if (!runs_next) continue;
    fewest = std::min(fewest, bytes_while(graph, op, done) - saving_while(graph, op, done));
  }
  return fewest;
}

std::vector<int32_t> identity(int32_t size) {
  std::vector<int32_t> result(size);
  std::iota(result.begin(), result.end(), 0);
  return result;
}

// What it touches and its scratch, less what all its candidates save.
int64_t working_set(const OrderGraph& graph, int32_t op) {
  int64_t bytes = graph.outside_bytes + graph.scratch_bytes[op];
  for (int32_t storage = 0; storage < graph.num_storages(); ++storage) {
    const auto touchers = graph.touchers[storage];
    if (std::find(touchers.begin(), touchers.end(), op) == touchers.end()) continue;
    bytes += graph.storage_bytes[storage];
  }
  for (const InPlacePair& pair : graph.in_place[op]) bytes -= pair.saving;
  return bytes;
}

int64_t largest_working_set(const OrderGraph& graph) {
  int64_t bound = edge_bytes(graph);
  for (int32_t op = 0; op < graph.num_ops(); ++op) bound = std::max(bound, working_set(graph, op));
  return bound;
}

TEST(OrderBound, IsTheFewestBytesOfTheOperatorThatNeedsMost) {
  int above_the_working_set = 0;
  for (uint32_t seed = 0; seed < 600; ++seed) {
    RandomOrderOptions options;
    options.ops = 1 + static_cast<int32_t>(seed % 9);
    options.max_inputs = seed % 2 == 0 ? 3 : 7;
    options.max_bytes = seed % 3 == 0 ? 3 : 1000;
    options.sharing = seed % 5 != 0;
    const OrderGraph graph = *build_order_graph(random_order_problem(seed + 500, options));
    const std::vector<Set> closed = closed_sets(graph);
    int64_t expected = largest_working_set(graph);
    ASSERT_EQ(working_set_bound(graph), expected) << "seed " << seed;
    for (int32_t op = 0; op < graph.num_ops(); ++op) {
      expected = std::max(expected, fewest_bytes(graph, op, closed));
    }
    ASSERT_EQ(min_cut_bound(graph, identity(graph.num_ops()), kNoLimit).bytes, expected)
        << "seed " << seed;
    above_the_working_set += expected > largest_working_set(graph);
  }
  EXPECT_GT(above_the_working_set, 100);
}

// Operator 0 makes `shared`; `readers` more read it and make something small each that lives on;
// the last of them overwrites `shared`, once all others have run. With `held`, it also reads
// something larger that lives on, which it could overwrite otherwise.
OrderProblem read_by_many(int32_t readers, int64_t small, bool held) {
  OrderProblem problem;
  problem.scratch_bytes.assign(static_cast<size_t>(readers) + 1, 0);
  const auto add = [&](int64_t bytes, int32_t producer, bool lives_on) {
    problem.storages.push_back({.bytes = bytes, .live_at_end = lives_on});
    problem.values.push_back({.storage = static_cast<int32_t>(problem.storages.size()) - 1,
                              .producer = producer,
                              .consumers = {}});
    return static_cast<int32_t>(problem.values.size()) - 1;
  };
  const int32_t shared = add(1000, 0, false);
  for (int32_t op = 1; op < readers; ++op) add(small, op, true);
  const int32_t result = add(held ? 2000 : 1000, readers, false);
  for (int32_t op = 1; op <= readers; ++op) problem.values[shared].consumers.push_back(op);
  problem.in_place.push_back({readers, result, shared});
  if (held) {
    const int32_t larger = add(1500, 0, true);
    problem.values[larger].consumers.push_back(readers);
    problem.in_place.push_back({readers, result, larger});
  }
  return problem;
}

int64_t cut_bound(const OrderProblem& problem) {
  const OrderGraph graph = *build_order_graph(problem);
  return min_cut_bound(graph, identity(graph.num_ops()), kNoLimit).bytes;
}

// It pays to hold the small results, or to have both large ones: up to 64 that touch the storage.
TEST(OrderBound, WhatOthersMustHaveRunForIsPaidForUpToALimit) {
  EXPECT_EQ(cut_bound(read_by_many(41, 20, false)), 1000 + 40 * 20);
  EXPECT_EQ(cut_bound(read_by_many(63, 20, false)), 2000);
  // With one more the saving is taken for certain: the others need as much.
  EXPECT_EQ(cut_bound(read_by_many(64, 20, false)), 1000 + 20);
}

TEST(OrderBound, CandidatesThatAreNotLookedAtMayStillSave) {
  for (const int32_t readers : {3, 63, 64, 100}) {
    const OrderProblem problem = read_by_many(readers, 0, true);
    const int64_t peak = simulate_order(problem, identity(readers + 1))->peak_bytes;
    EXPECT_LE(cut_bound(problem), peak) << readers;
  }
}

TEST(OrderBound, WithoutWorkOrWhenStoppedOnlyWorkingSetsAreLookedAt) {
  RandomOrderOptions options;
  options.ops = 300;
  options.window = 3;  // one operator has many before and behind it
  const OrderGraph graph = *build_order_graph(random_order_problem(7, options));
  std::atomic<int64_t> polls = 0;
  for (const auto& [max_work, stop] :
       {std::pair(int64_t{0}, StopToken()), std::pair(kNoLimit, StopToken().after(&polls))}) {
    const CutBound none = min_cut_bound(graph, identity(options.ops), max_work, stop);
    EXPECT_EQ(none.bytes, working_set_bound(graph));
    EXPECT_EQ(none.work, 0);
  }
  EXPECT_GT(min_cut_bound(graph, identity(options.ops), kNoLimit).bytes, working_set_bound(graph));
}

// Operators without anything between them: each looks along all of them from the source at least.
TEST(OrderBound, CountsTheArcsThatItLooksAt) {
  constexpr int32_t kOps = 40;
  OrderProblem problem;
  problem.scratch_bytes.assign(kOps, 0);
  for (int32_t op = 0; op < kOps; ++op) {
    // Given so that each has more live while it runs than it needs.
    problem.storages.push_back({.bytes = 10, .live_at_end = true});
    problem.storages.push_back({.bytes = op == 0 ? 1000 : 10});
    problem.values.push_back({.storage = 2 * op, .producer = op, .consumers = {}});
    problem.values.push_back({.storage = 2 * op + 1, .producer = op, .consumers = {}});
  }
  const OrderGraph graph = *build_order_graph(problem);
  std::vector<int32_t> order = identity(kOps);
  std::reverse(order.begin(), order.end());
  const CutBound bound = min_cut_bound(graph, order, kNoLimit);
  EXPECT_EQ(bound.bytes, 1010);
  EXPECT_GE(bound.work, kOps);
}

}  // namespace
}  // namespace memopt::ordering
