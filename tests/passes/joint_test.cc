// Destinations and order together, against brute force over both.
#include "passes/planning/joint.h"

#include <gtest/gtest.h>

#include <functional>

#include "compiler/ir/text.h"
#include "passes/pipeline.h"
#include "passes/planning/schedule.h"
#include "runtime/ops/op_def.h"
#include "tests/passes/graphs.h"
#include "tests/support/random_graph.h"

namespace memopt {
namespace {

std::vector<NodeId> concats_of(const Graph& graph) {
  std::vector<NodeId> result;
  for (const NodeId id : graph.order()) {
    if (op_def(graph.node(id).op).destination) result.push_back(id);
  }
  return result;
}

// Calls `visit` with the graph in every order.
void each_order(Graph& graph, const std::function<void()>& visit) {
  const std::vector<NodeId> nodes(graph.order().begin(), graph.order().end());
  std::vector<NodeId> order;
  NodeMap<bool> done(graph, false);
  const std::function<void()> extend = [&] {
    if (order.size() == nodes.size()) {
      graph.set_order(order);
      return visit();
    }
    for (const NodeId id : nodes) {
      const auto& inputs = graph.node(id).inputs;
      const bool ready = !done[id] && std::all_of(inputs.begin(), inputs.end(), [&](ValueId input) {
        return !input || graph.value(input).kind != ValueKind::kResult ||
               done[graph.value(input).producer];
      });
      if (!ready) continue;
      done[id] = true;
      order.push_back(id);
      extend();
      order.pop_back();
      done[id] = false;
    }
  };
  extend();
  graph.set_order(nodes);
}

int64_t best_peak(Lowered& model, const BufferOptions& options) {
  const std::vector<NodeId> concats = concats_of(model.graph);
  int64_t best = INT64_MAX;
  each_order(model.graph, [&] {
    for (uint32_t subset = 0; subset < 1u << concats.size(); ++subset) {
      std::vector<NodeId> without;
      for (size_t i = 0; i < concats.size(); ++i) {
        if (subset >> i & 1) without.push_back(concats[i]);
      }
      best = std::min(
          best, peak_bytes(assign_buffers(model.graph, model.kernels, options, without).problem));
    }
  });
  return best;
}

// The peak of the best order for these destinations, or of the present one.
int64_t ordered_peak(Graph graph, const NodeMap<KernelChoice>& kernels,
                     const BufferOptions& options, const std::vector<NodeId>& without) {
  const BufferAssignment given = assign_buffers(graph, kernels, options, without);
  const auto schedule = schedule_nodes(graph, kernels, given.aliases, options);
  EXPECT_TRUE(schedule.ok());
  graph.set_order(schedule->order);
  return std::min(peak_bytes(given.problem),
                  peak_bytes(assign_buffers(graph, kernels, options, without).problem));
}

TEST(Joint, ReachesTheOptimumOfSmallGraphs) {
  int graphs = 0, optimal = 0, lower_than_either = 0;
  for (uint64_t seed = 0; graphs < 200; ++seed) {
    Lowered model = lowered(random_graph(seed, 4 + static_cast<int>(seed % 5)));
    const std::vector<NodeId> concats = concats_of(model.graph);
    if (concats.empty() || model.graph.order().size() > 8) continue;
    SCOPED_TRACE("seed " + std::to_string(seed));
    ++graphs;
    const BufferOptions options;
    const int64_t optimum = best_peak(model, options);
    const int64_t alone = std::min(ordered_peak(model.graph, model.kernels, options, {}),
                                   ordered_peak(model.graph, model.kernels, options, concats));
    EXPECT_LE(shared_working_set_bound(model.graph, model.kernels, options), optimum);
    const auto joint = choose_jointly(model.graph, model.kernels, options);
    ASSERT_TRUE(joint.ok()) << joint.error().message;
    const JointChoice& choice = joint->choices[0];
    EXPECT_EQ(choice.peak_bytes, peak_bytes(choice.assignment.problem));
    EXPECT_TRUE(std::equal(choice.order.begin(), choice.order.end(), model.graph.order().begin()));
    EXPECT_LE(choice.peak_bytes, alone);
    EXPECT_GE(choice.peak_bytes, optimum);
    EXPECT_LE(choice.order_bound_bytes, choice.peak_bytes);
    optimal += choice.peak_bytes == optimum;
    lower_than_either += choice.peak_bytes < alone;
  }
  EXPECT_GE(optimal, 190);
  RecordProperty("optimal", optimal);
  RecordProperty("lower_than_either", lower_than_either);
}

// Under any options no bound is above the least that any order and choice of destinations takes,
// and that of one choice none above what any order takes with it.
TEST(Joint, BoundsAreBelowTheOptimumUnderAnyOptions) {
  int graphs = 0, reached = 0;
  for (uint64_t seed = 1000; graphs < 30; ++seed) {
    Lowered model = lowered(random_graph(seed, 3 + static_cast<int>(seed % 4)));
    const std::vector<NodeId> concats = concats_of(model.graph);
    if (concats.empty() || model.graph.order().size() > 7) continue;
    ++graphs;
    for (uint32_t off = 0; off < 16; ++off) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " without " + std::to_string(off));
      BufferOptions options;
      options.in_place = (off & 1) == 0;
      options.views = (off & 2) == 0;
      options.destinations = (off & 4) == 0;
      options.io_in_arena = (off & 8) == 0;
      const int64_t optimum = best_peak(model, options);
      const int64_t shared = shared_working_set_bound(model.graph, model.kernels, options);
      ASSERT_LE(shared, optimum);
      reached += shared == optimum;
      for (const auto& without : {std::vector<NodeId>{}, concats}) {
        const Aliases aliases = find_aliases(model.graph, model.kernels, options, without);
        const auto schedule = schedule_nodes(model.graph, model.kernels, aliases, options);
        ASSERT_TRUE(schedule.ok()) << schedule.error().message;
        int64_t least = INT64_MAX;
        each_order(model.graph, [&] {
          const auto assigned = assign_buffers(model.graph, model.kernels, options, without);
          least = std::min(least, peak_bytes(assigned.problem));
        });
        ASSERT_LE(schedule->lower_bound_bytes, least);
        ASSERT_EQ(schedule->peak_bytes, least) << "so small a problem is ordered at its optimum";
      }
    }
  }
  EXPECT_GT(reached, 10);
}

// A planner that leaves gaps, so that there is something to try.
TEST(Joint, WhereOffsetsMissThePeakOtherChoicesAreTried) {
  BufferOptions options;
  options.planner.planner = "online";
  int missed = 0, lowered_by_others = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Lowered model = lowered(random_graph(seed, 10 + static_cast<int>(seed % 20)));
    Graph copy = model.graph;
    const auto joint = choose_jointly(copy, model.kernels, options);
    ASSERT_TRUE(joint.ok()) << joint.error().message;
    const JointChoice& first = joint->choices[0];
    for (const JointChoice& other : joint->choices) EXPECT_EQ(other.peak_bytes, first.peak_bytes);
    const auto alone = plan_memory(first.assignment.problem, options.planner);
    ASSERT_TRUE(alone.ok()) << alone.error().message;
    const auto planned = plan_buffers(model.graph, model.kernels, options);
    ASSERT_TRUE(planned.ok()) << planned.error().message;
    EXPECT_LE(planned->plan.spaces[0].height_bytes, alone->spaces[0].height_bytes);
    EXPECT_LE(planned->plan.spaces[0].lower_bound_bytes, first.peak_bytes);
    std::vector<NodeId> run;  // the graph is in the order of the plan
    for (const NodeId id : model.graph.order()) {
      if (!planned->assignment.aliases.elided[id]) run.push_back(id);
    }
    EXPECT_EQ(run, planned->assignment.steps);
    missed += alone->spaces[0].height_bytes > first.peak_bytes;
    lowered_by_others += planned->plan.spaces[0].height_bytes < alone->spaces[0].height_bytes;
  }
  EXPECT_GT(missed, 0);
  EXPECT_GT(lowered_by_others, 0);
  RecordProperty("missed", missed);
  RecordProperty("lowered_by_others", lowered_by_others);
}

}  // namespace
}  // namespace memopt
