#include "compiler/ir/text.h"

#include <gtest/gtest.h>

#include "compiler/ir/verify.h"

namespace memopt {
namespace {

constexpr std::string_view kEveryFeature = R"(graph "a \"quoted\" name" {
  %x = input : f32[1x3x8x8]
  %"odd name, with comma" = constant : f32[4x3x1x1] splat 0.5
  %bias = constant : f32[4] [1, 2.5, -3, 1e-30]
  %half = constant : f16[2] hex "003c0040"
  %y = conv(%x, %"odd name, with comma", %bias) {strides=[1,1] dilations=[1,1] pads=[0,0,0,0] activation=clip(0,6)} "Conv_0" : f32[1x4x8x8]@nhwc
  %a, _ = top_k(%y) {k=2 axis=3} : f32[1x4x8x2], _
  return %a, %y
}
)";

TEST(IrText, PrintsWhatItParsed) {
  auto graph = parse_graph(kEveryFeature);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const std::string text = print_graph(*graph);
  auto again = parse_graph(text);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(print_graph(*again), text);
  EXPECT_TRUE(verify_graph(*graph).ok()) << verify_graph(*graph).error().message;
}

TEST(IrText, KeepsAttributesTypesAndLayouts) {
  auto graph = parse_graph(kEveryFeature);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const Node& conv = graph->node(graph->order()[0]);
  EXPECT_EQ(std::get<Conv>(conv.op).activation, (Activation{UnaryFn::kClip, 0, 6}));
  EXPECT_EQ(conv.name, "Conv_0");
  EXPECT_EQ(graph->type(conv.outputs[0]).layout, Layout::kChannelsLast);
  EXPECT_FALSE(graph->node(graph->order()[1]).outputs[1]);
}

TEST(IrText, NamesOfAnyBytesPrintVisiblyAndParse) {
  std::string name;
  for (int c = 0; c < 256; ++c) name += static_cast<char>(c);
  name += "\u202e\u200b\\x41 \"";
  Graph graph;
  graph.name = name;
  graph.add_output(graph.add_input(name, {.dtype = DType::kF32, .dims = {2}}));
  const std::string text = print_graph(graph);
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << int{c};
  const auto again = parse_graph(text);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->name, name);
  EXPECT_EQ(again->value(again->inputs()[0]).name, name);
}

TEST(IrText, StatesPrintAndParse) {
  constexpr std::string_view kText = R"(graph "g" {
  %h = state : f32[2]
  %k = state : f32[2] [1, 2]
  %x = input : f32[2]
  %n = unary(%h) {fn=exp} : f32[2]
  return %x as "y", %n into %k, %n as "m" into %h
}
)";
  const auto graph = parse_graph(kText);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  EXPECT_EQ(print_graph(*graph), kText);
  EXPECT_TRUE(verify_graph(*graph).ok()) << verify_graph(*graph).error().message;
  EXPECT_EQ(graph->states().size(), 2U);
}

TEST(IrText, StatesThatAreNoneAreErrors) {
  const auto message_of = [](const std::string& returned) {
    const auto graph = parse_graph("graph {\n %h = state : f32[2]\n %x = input : f32[3]\n return " +
                                   returned + " }");
    return graph.ok() ? std::string() : graph.error().message;
  };
  EXPECT_EQ(message_of("%h into %h"), "");
  EXPECT_EQ(message_of("%h"), "line 4: no output goes into state '%h'");
  EXPECT_EQ(message_of("%x into %h"), "line 4: a state of f32[2] cannot take f32[3]");
  EXPECT_EQ(message_of("%h into %x"), "line 4: needed a state that nothing goes into yet");
  EXPECT_EQ(message_of("%h into %h, %h into %h"),
            "line 4: needed a state that nothing goes into yet");
  EXPECT_EQ(message_of("%h into _"), "line 4: needed a state that nothing goes into yet");
}

TEST(IrText, RegionsPrintAndParse) {
  constexpr std::string_view kText = R"(graph "g" {
  %c = input : bool[]
  %x = input : f32[2]
  %y = if(%c, %x) "branch" : f32[2]
    graph "then" {
      %t = input : f32[2]
      %u = unary(%t) {fn=relu} : f32[2]
      return %u
    }
    graph "else" {
      %t = input : f32[2]
      return %t
    }
  return %y
}
)";
  auto graph = parse_graph(kText);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  EXPECT_EQ(graph->node(graph->order()[0]).regions.size(), 2u);
  EXPECT_EQ(print_graph(*graph), kText);
}

struct BadText {
  std::string_view text;
  std::string_view message;
};

TEST(IrText, ErrorsNameLineAndCause) {
  const BadText cases[] = {
      {"", "line 1: needed 'graph'"},
      {"graph {\n  %x = input : f33[1]\n}", "line 2: unknown element type 'f33'"},
      {"graph {\n  %x = input : f32[1x]\n}", "line 2: malformed dimensions"},
      {"graph {\n  %x = input : f32[99999999999x9999999999]\n}", "is not possible"},
      {"graph {\n  %y = unary(%x) {fn=relu} : f32[1]\n}", "'%x' is not defined above"},
      {"graph {\n  %x = input : f32[1]\n  %x = input : f32[1]\n}", "defined twice"},
      {"graph {\n  %x = input : f32[1]\n  %y = unray(%x) : f32[1]\n}", "unknown operator 'unray'"},
      {"graph {\n  %x = input : f32[1]\n  %y = unary(%x) {fm=relu} : f32[1]\n}",
       "no attribute 'fm'"},
      {"graph {\n  %w = constant : f32[2] [1]\n}", "line 2"},
      {"graph {\n  %w = constant : f32[2] hex \"00\"\n}", "needs 8 bytes, found 1"},
      {"graph {\n  return\n} more", "behind the graph"},
      {"graph {", "needed 'return'"},
  };
  for (const BadText& bad : cases) {
    auto graph = parse_graph(bad.text);
    ASSERT_FALSE(graph.ok()) << bad.text;
    EXPECT_NE(graph.error().message.find(bad.message), std::string::npos)
        << bad.text << "\n gave: " << graph.error().message;
  }
}

TEST(IrText, EveryTruncationIsAnErrorAndNoCrash) {
  for (size_t length = 0; length + 2 < kEveryFeature.size(); ++length) {
    EXPECT_FALSE(parse_graph(kEveryFeature.substr(0, length)).ok()) << length;
  }
}

TEST(IrVerify, FindsUseBeforeDefinition) {
  auto graph = parse_graph(R"(graph "g" {
  %x = input : f32[2]
  %a = unary(%x) {fn=relu} : f32[2]
  %b = unary(%a) {fn=exp} : f32[2]
  return %b
})");
  ASSERT_TRUE(graph.ok());
  graph->set_order({graph->order()[1], graph->order()[0]});
  const Status status = verify_graph(*graph);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("before it is defined"), std::string::npos);
}

TEST(IrVerify, FindsATypeThatTheOperatorDoesNotGive) {
  auto graph = parse_graph(R"(graph "g" {
  %x = input : f32[2]
  %a = unary(%x) {fn=relu} : f32[3]
  return %a
})");
  ASSERT_TRUE(graph.ok());
  EXPECT_FALSE(verify_graph(*graph).ok());
}

TEST(Graph, SortsTopologicallyAndKeepsASortedOrder) {
  auto graph = parse_graph(R"(graph "g" {
  %x = input : f32[2]
  %a = unary(%x) {fn=relu} : f32[2]
  %b = unary(%x) {fn=exp} : f32[2]
  %c = binary(%a, %b) {fn=mul} : f32[2]
  return %c
})");
  ASSERT_TRUE(graph.ok());
  const std::vector<NodeId> sorted(graph->order().begin(), graph->order().end());
  ASSERT_TRUE(sort_topologically(*graph).ok());
  EXPECT_TRUE(std::equal(sorted.begin(), sorted.end(), graph->order().begin()));
  graph->set_order({sorted[2], sorted[1], sorted[0]});
  ASSERT_TRUE(sort_topologically(*graph).ok());
  EXPECT_TRUE(verify_graph(*graph).ok());
}

}  // namespace
}  // namespace memopt
