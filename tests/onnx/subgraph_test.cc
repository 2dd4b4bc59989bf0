// Local functions, and the subgraphs of If, Loop and Scan.
#include <gtest/gtest.h>

#include "tests/onnx/model_builder.h"

namespace memopt::testing {
namespace {

using Values = std::vector<double>;

// A function `name`(p) of domain "local", which `model` imports.
onnx::FunctionProto& add_function(Model& model, const std::string& name) {
  if (model.proto.functions().empty()) {
    auto& opset = *model.proto.add_opset_import();
    opset.set_domain("local");
    opset.set_version(1);
  }
  onnx::FunctionProto& function = *model.proto.add_functions();
  function.set_domain("local");
  function.set_name(name);
  function.add_input("p");
  function.add_output("q");
  function.add_opset_import()->set_version(18);
  return function;
}

onnx::NodeProto make_node(const std::string& op_type, const std::vector<std::string>& inputs,
                          const std::vector<std::string>& outputs) {
  onnx::GraphProto scratch;
  return GraphMaker(scratch).node(op_type, inputs, outputs);
}

TEST(Functions, AreInlinedWithTheirAttributes) {
  Model model;
  model.input("x", {"2"}).output("y");
  onnx::FunctionProto& leaky = add_function(model, "Leaky");
  leaky.add_attribute("slope");
  onnx::NodeProto body = make_node("LeakyRelu", {"p"}, {"q"});
  onnx::AttributeProto reference = attr("alpha", 0.0);
  reference.set_ref_attr_name("slope");
  *body.add_attribute() = reference;
  *leaky.add_node() = body;

  model.node("Leaky", {"x"}, {"t"}, {attr("slope", 0.5)}).set_domain("local");
  auto& second = model.node("Leaky", {"t"}, {"y"}, {attr("slope", 0.25)});
  second.set_domain("local");
  second.set_name("second");
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  const Graph& graph = imported->graph;
  EXPECT_EQ(run(graph, {{-8, 8}})[0], (Values{-1, 8}));
  EXPECT_EQ(graph.node(graph.order()[1]).name, "second/LeakyRelu_0");
  EXPECT_EQ(graph.value(graph.outputs()[0]).name, "y");
}

TEST(Functions, ThatCallThemselvesAreRefused) {
  Model model;
  model.input("x", {"2"}).output("y");
  for (const auto& [name, callee] : {std::pair{"A", "B"}, {"B", "A"}}) {
    onnx::NodeProto call = make_node(callee, {"p"}, {"q"});
    call.set_domain("local");
    onnx::FunctionProto& function = add_function(model, name);
    auto& opset = *function.add_opset_import();
    opset.set_domain("local");
    opset.set_version(1);
    *function.add_node() = call;
  }
  model.node("A", {"x"}, {"y"}).set_domain("local");
  EXPECT_TRUE(has_text(message_of(model.import()), "calls itself"));
}

TEST(Functions, ThatDoubleAtEveryLevelHitTheNodeLimit) {
  Model model;
  model.input("x", {"2"}).output("y");
  constexpr int kLevels = 28;
  for (int level = 0; level < kLevels; ++level) {
    onnx::FunctionProto& function = add_function(model, "F" + std::to_string(level));
    auto& opset = *function.add_opset_import();
    opset.set_domain("local");
    opset.set_version(1);
    const std::string callee = level == 0 ? "Relu" : "F" + std::to_string(level - 1);
    for (const auto& [in, out] : {std::pair{"p", "t"}, {"t", "q"}}) {
      onnx::NodeProto call = make_node(callee, {in}, {out});
      if (level > 0) call.set_domain("local");
      *function.add_node() = call;
    }
  }
  model.node("F27", {"x"}, {"y"}).set_domain("local");
  EXPECT_TRUE(has_text(message_of(model.import()), "nodes with all functions inlined"));
}

onnx::GraphProto branch(const std::string& op_type) {
  onnx::GraphProto graph;
  graph.set_name(op_type);
  GraphMaker(graph).output("branch_out").node(op_type, {"x"}, {"branch_out"});
  return graph;
}

void add_if(Model& model, const std::string& condition) {
  model.node("If", {condition}, {"y"},
             {attr("then_branch", branch("Neg")), attr("else_branch", branch("Abs"))});
}

TEST(If, WithAKnownConditionIsItsBranch) {
  for (const bool condition : {true, false}) {
    Model model;
    model.input("x", {"2"}).output("y");
    onnx::TensorProto value;
    value.set_data_type(onnx::TensorProto::BOOL);
    value.add_int32_data(condition);
    value.set_name("c");
    model.initializer(value);
    add_if(model, "c");
    const auto imported = model.import();
    ASSERT_TRUE(imported.ok()) << message_of(imported);
    EXPECT_EQ(labels(imported->graph), (Labels{condition ? "neg" : "abs"}));
    EXPECT_EQ(imported->graph.value(imported->graph.outputs()[0]).name, "y");
  }
}

TEST(If, KeepsItsBranchesAsRegions) {
  Model model;
  model.input("x", {"2"}).input("c", {}, onnx::TensorProto::BOOL).output("y");
  add_if(model, "c");
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  const Graph& graph = imported->graph;
  const Node& node = graph.node(graph.order()[0]);
  ASSERT_TRUE(std::holds_alternative<If>(node.op));
  EXPECT_EQ(node.inputs.size(), 2u);  // the condition and x
  ASSERT_EQ(node.regions.size(), 2u);
  for (const Graph& region : node.regions) {
    EXPECT_EQ(region.inputs().size(), 1u);
    EXPECT_EQ(region.outputs().size(), 1u);
  }
  EXPECT_EQ(labels(node.regions[1]), (Labels{"abs"}));
}

TEST(If, UnsupportedOperatorsInABranchNotTakenAreNoError) {
  Model model;
  model.input("x", {"2"}).output("y");
  onnx::TensorProto value;
  value.set_data_type(onnx::TensorProto::BOOL);
  value.add_int32_data(0);
  value.set_name("c");
  model.initializer(value);
  model.node("If", {"c"}, {"y"},
             {attr("then_branch", branch("NonZero")), attr("else_branch", branch("Abs"))});
  const auto imported = model.import();
  EXPECT_TRUE(imported.ok()) << message_of(imported);
}

TEST(Loop, BecomesANodeWithARegion) {
  Model model;
  model.input("x", {"2"}).input("w", {"2"}).output("final").output("all");
  model.initializer(int_tensor("trips", {}, {3}));
  onnx::GraphProto body;
  GraphMaker maker(body);
  maker.input("i", {}, onnx::TensorProto::INT64).input("go", {}, onnx::TensorProto::BOOL);
  maker.input("state", {"2"}).output("go_out").output("next").output("scan");
  maker.node("Identity", {"go"}, {"go_out"});
  maker.node("Add", {"state", "w"}, {"next"});
  maker.node("Neg", {"next"}, {"scan"});
  model.node("Loop", {"trips", "", "x"}, {"final", "all"}, {attr("body", body)});
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  const Graph& graph = imported->graph;
  const Node& node = graph.node(graph.order()[0]);
  ASSERT_TRUE(std::holds_alternative<Loop>(node.op));
  EXPECT_EQ(std::get<Loop>(node.op).carried, 1);
  EXPECT_EQ(node.regions[0].inputs().size(), 4u);  // iteration, condition, state, w
  EXPECT_EQ(to_string(graph.type(graph.outputs()[1])), "f32[3x2]");
}

}  // namespace
}  // namespace memopt::testing
