#include "passes/transform/rematerialize.h"

#include <gtest/gtest.h>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "tests/passes/graphs.h"

namespace memopt {
namespace {

ValueId named(const Graph& graph, std::string_view name) {
  const auto id = graph.find(name);
  EXPECT_TRUE(id) << name;
  return *id;
}

TEST(Rematerialize, LateUsesReadASecondComputation) {
  auto graph = parse_graph(kKeepsA);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const NodeId after = graph->value(named(*graph, "b")).producer;
  const auto copies = rematerialize(
      *graph, {.value = named(*graph, "a"), .inputs = {named(*graph, "x")}, .after = after});
  ASSERT_TRUE(copies.ok()) << copies.error().message;
  EXPECT_EQ(copies->size(), 1u);
  ASSERT_TRUE(verify_graph(*graph).ok()) << verify_graph(*graph).error().message;
  const auto expected = parse_graph(R"(graph "g" {
  %x = input : f32[4]
  %a = unary(%x) {fn=relu} "a" : f32[4]
  %b = unary(%a) {fn=exp} "b" : f32[4]
  %c = unary(%b) {fn=exp} "c" : f32[4]
  %"a#again" = unary(%x) {fn=relu} "a" : f32[4]
  %y = binary(%c, %"a#again") "y" : f32[4]
  return %y
}
)");
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  EXPECT_EQ(print_graph(*graph), print_graph(*expected));
}

TEST(Rematerialize, NothingHappensWhereNothingLateReadsTheValue) {
  auto graph = parse_graph(kKeepsA);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const NodeId last = graph->order().back();
  const auto copies = rematerialize(
      *graph, {.value = named(*graph, "a"), .inputs = {named(*graph, "x")}, .after = last});
  ASSERT_TRUE(copies.ok()) << copies.error().message;
  EXPECT_TRUE(copies->empty());
  EXPECT_EQ(print_graph(*graph), print_graph(*parse_graph(kKeepsA)));
}

TEST(Rematerialize, AComputationIsEverythingOnTheWay) {
  auto graph = parse_graph(kKeepsA);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto all = nodes_between(*graph, {named(*graph, "x")}, named(*graph, "y"));
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_EQ(*all, std::vector<NodeId>(graph->order().begin(), graph->order().end()));
  const auto some = nodes_between(*graph, {named(*graph, "a")}, named(*graph, "c"));
  ASSERT_TRUE(some.ok()) << some.error().message;
  EXPECT_EQ(*some, (std::vector<NodeId>{graph->order()[1], graph->order()[2]}));
  EXPECT_FALSE(nodes_between(*graph, {named(*graph, "b")}, named(*graph, "y")).ok())
      << "it starts from x as well";
}

TEST(Rematerialize, AComputationThatStartsElsewhereIsNamed) {
  auto graph = parse_graph(kKeepsA);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto nodes = nodes_between(*graph, {}, named(*graph, "a"));
  ASSERT_FALSE(nodes.ok());
  EXPECT_NE(nodes.error().message.find("'x'"), std::string::npos) << nodes.error().message;
  EXPECT_FALSE(nodes_between(*graph, {named(*graph, "a")}, named(*graph, "a")).ok());
}

}  // namespace
}  // namespace memopt
