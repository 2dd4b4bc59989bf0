// Rewrites of the budget, one after the other.
#include "passes/budget/moves.h"

#include <gtest/gtest.h>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "passes/emit/report_budget.h"
#include "tests/passes/graphs.h"

namespace memopt {
namespace {

Graph base() {
  auto graph = parse_graph(kKeepsA);
  EXPECT_TRUE(graph.ok()) << graph.error().message;
  return *std::move(graph);
}

ValueId named(const Graph& graph, std::string_view name) { return *graph.find(name); }

// `a` is computed again behind `b`, for `y`.
Move a_again(const Graph& graph) {
  return Rematerialization{.value = named(graph, "a"),
                           .inputs = {named(graph, "x")},
                           .after = graph.value(named(graph, "b")).producer};
}
Move in_bands(const Graph& graph, std::string_view output, const std::vector<ValueId>& inputs) {
  return TileRegion{.output = named(graph, output), .inputs = inputs, .axis = 0, .bands = 2};
}

TEST(Moves, OneAfterTheOther) {
  const Graph graph = base();
  const auto moved =
      apply_moves(graph, {a_again(graph), in_bands(graph, "c", {named(graph, "a")})});
  ASSERT_TRUE(moved.ok()) << moved.error().message;
  EXPECT_TRUE(verify_graph(moved->graph).ok());
  EXPECT_EQ(moved->made_by[graph.order()[0].index()], std::nullopt);
  EXPECT_EQ(moved->made_by[graph.node_count()], 0u);
  EXPECT_EQ(moved->made_by.back(), 1u);
}

TEST(Moves, OneDoesNotReachIntoWhatAnotherMade) {
  const Graph graph = base();
  const Move all = in_bands(graph, "y", {named(graph, "c"), named(graph, "x")});
  EXPECT_TRUE(apply_moves(graph, {all}).ok());
  const auto moved = apply_moves(graph, {a_again(graph), all});
  ASSERT_FALSE(moved.ok());
  EXPECT_EQ(moved.error().code, Code::kBadInput);
  EXPECT_NE(moved.error().message.find("overlap"), std::string::npos) << moved.error().message;
}

TEST(Moves, ACurveSaysHowManyOfEachKind) {
  BudgetCurve curve;
  curve.base = base();
  const Graph& graph = curve.base;
  TileRegion tile{.output = named(graph, "y"), .inputs = {named(graph, "x")}, .axis = 2};
  TileRegion batch = tile;
  batch.axis = 0;
  curve.points = {{.arena_bytes = 5000, .predicted_ns = 100, .moves = {}},
                  {.arena_bytes = 4000, .predicted_ns = 110, .moves = {tile, tile, batch}},
                  {.arena_bytes = 3000,
                   .predicted_ns = 150,
                   .moves = {a_again(graph), AvoidKernel{"y", "kernel"}, a_again(graph)}}};
  const std::string text = budget_text(curve);
  for (const char* part : {"no rewrite", "1 micro_batch, 2 tile",
                           "1 small_scratch, 2 rematerialize", "5,000", "4,000", "3,000"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

}  // namespace
}  // namespace memopt
