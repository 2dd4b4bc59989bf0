// The whole of a model: signature, names, order, what is known at import, and what is refused.
#include "compiler/onnx/import.h"

#include <gtest/gtest.h>

#include <tuple>

#include "compiler/onnx/node_context.h"
#include "tests/onnx/model_builder.h"

namespace memopt::testing {
namespace {

TEST(Import, KeepsNamesAndTypes) {
  Model model;
  model.input("x", {"2", "3"}).output("y");
  model.node("Relu", {"x"}, {"y"}).set_name("activate");
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  const Graph& graph = imported->graph;
  ASSERT_EQ(graph.order().size(), 1u);
  EXPECT_EQ(graph.node(graph.order()[0]).name, "activate");
  EXPECT_EQ(graph.value(graph.outputs()[0]).name, "y");
  EXPECT_EQ(to_string(graph.type(graph.inputs()[0])), "f32[2x3]");
}

TEST(Import, NamesUnnamedNodesByOperatorAndPosition) {
  Model model;
  model.input("x", {"2"}).output("y");
  model.node("Abs", {"x"}, {"t"});
  model.node("Relu", {"t"}, {"y"});
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_EQ(imported->graph.node(imported->graph.order()[1]).name, "Relu_1");
}

TEST(Import, SortsNodes) {
  Model model;
  model.input("x", {"2"}).output("y");
  model.node("Relu", {"t"}, {"y"});
  model.node("Abs", {"x"}, {"t"});
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_EQ(labels(imported->graph), (Labels{"abs", "relu"}));
}

TEST(Import, RefusesCycles) {
  Model model;
  model.input("x", {"2"}).output("y");
  model.node("Add", {"x", "b"}, {"a"});
  model.node("Relu", {"a"}, {"b"});
  model.node("Relu", {"b"}, {"y"});
  EXPECT_TRUE(has_text(message_of(model.import()), "cycle"));
}

TEST(Import, RefusesNamesDefinedTwice) {
  Model model;
  model.input("x", {"2"}).output("y");
  model.node("Relu", {"x"}, {"y"});
  model.node("Abs", {"x"}, {"y"});
  EXPECT_TRUE(has_text(message_of(model.import()), "'y' is defined twice"));
}

TEST(Import, RefusesUndefinedNames) {
  Model model;
  model.input("x", {"2"}).output("y");
  model.node("Add", {"x", "nowhere"}, {"y"});
  EXPECT_TRUE(has_text(message_of(model.import()), "'nowhere', which nothing defines"));
}

TEST(Import, TreatsInitializersListedAsInputsAsConstants) {
  Model model;
  model.input("x", {"2"}).input("w", {"2"}).output("y");
  model.initializer(float_tensor("w", {2}, {1, 2}));
  model.node("Add", {"x", "w"}, {"y"});
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_EQ(imported->graph.inputs().size(), 1u);
  EXPECT_EQ(run(imported->graph, {{10, 20}})[0], (std::vector<double>{11, 22}));
}

TEST(Import, DropsUnusedInitializers) {
  Model model;
  model.input("x", {"2"}).output("y");
  model.initializer(float_tensor("unused", {2}, {1, 2}));
  model.node("Relu", {"x"}, {"y"});
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_FALSE(imported->graph.find("unused").has_value());
}

TEST(Import, PutsIdentityBeforeOutputsThatNoNodeComputes) {
  Model model;
  model.input("x", {"2"}).output("y").output("c");
  model.node("Identity", {"x"}, {"y"});
  model.node("Constant", {}, {"c"}, {attr("value_float", 3.0)});
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  const Graph& graph = imported->graph;
  EXPECT_EQ(labels(graph), (Labels{"identity", "identity"}));
  EXPECT_EQ(graph.value(graph.outputs()[0]).name, "y");
  EXPECT_EQ(graph.value(graph.outputs()[1]).name, "c");
}

TEST(Import, GivesAnOutputItsNameThroughIdentity) {
  Model model;
  model.input("x", {"2"}).output("y");
  model.node("Relu", {"x"}, {"t"});
  model.node("Identity", {"t"}, {"y"});
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_EQ(labels(imported->graph), (Labels{"relu"}));
  EXPECT_EQ(imported->graph.value(imported->graph.outputs()[0]).name, "y");
}

TEST(Import, TwoOutputsOfOneValueKeepBothNames) {
  Model model;
  model.input("x", {"2"}).output("y").output("z");
  model.node("Relu", {"x"}, {"y"});
  model.node("Identity", {"y"}, {"z"});
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_EQ(labels(imported->graph), (Labels{"relu", "identity"}));
  EXPECT_EQ(imported->graph.value(imported->graph.outputs()[1]).name, "z");
}

TEST(Import, AsksForTheExtentsOfSymbols) {
  Model model;
  model.input("x", {"N", "C", "it's wide"}).input("u", {"?"}).input("v", {"C", "2"}).output("y");
  model.node("Relu", {"x"}, {"y"});
  const auto imported = model.import();
  ASSERT_FALSE(imported.ok());
  EXPECT_EQ(imported.error().code, Code::kUsage);
  // A line for a shell; the batch is known.
  EXPECT_TRUE(has_text(imported.error().message,
                       "--dim C=64 --dim 'it'\\''s wide=64' --shape u=64, or --shapes-from"))
      << imported.error().message;
}

TEST(Import, TakesOneForTheBatch) {
  struct Case {
    std::vector<std::string> x, u;
    std::vector<std::string> assumed;  // empty: asked for
  };
  const Case cases[] = {
      {{"N", "3"}, {"N"}, {"--dim N=1"}},
      {{"N", "3"}, {"M", "2"}, {"--dim M=1", "--dim N=1"}},
      {{"?", "3"}, {"2"}, {"--shape x=1x3"}},
      {{"a b", "3"}, {"2"}, {"--dim 'a b=1'"}},
      {{"batch", "3"}, {"2", "batch"}, {"--dim batch=1"}},
      {{"N", "3"}, {"2", "N"}, {}},  // leads one, but is inside of the other
      {{"2", "N"}, {"2"}, {}},
      {{"2"}, {"N"}, {}},  // the length of a row of numbers
      {{"?", "?"}, {"2"}, {}},
  };
  for (const Case& c : cases) {
    Model model;
    model.input("x", c.x).input("u", c.u).output("y").output("v");
    model.node("Relu", {"x"}, {"y"});
    model.node("Relu", {"u"}, {"v"});
    const auto imported = model.import();
    ASSERT_EQ(imported.ok(), !c.assumed.empty()) << message_of(imported);
    if (!imported.ok()) continue;
    std::vector<std::string> assumed;
    for (const ShapeFlag& flag : imported->assumed) assumed.push_back(to_string(flag));
    EXPECT_EQ(assumed, c.assumed);
  }
}

TEST(Import, TakesShapesOfExamples) {
  Model model;
  model.input("x", {"N", "C"}).input("u", {"K"}).output("y").output("v");
  model.node("Relu", {"x"}, {"y"});
  model.node("Relu", {"u"}, {"v"});
  const auto types = [&](const std::vector<ExampleShape>& examples) -> std::string {
    ImportOptions options;
    options.examples = examples;
    const auto imported = model.import(options);
    if (!imported.ok()) return "error";
    std::string text;
    for (const ValueId input : imported->graph.inputs()) {
      text += to_string(imported->graph.type(input)) + ' ';
    }
    return text;
  };
  EXPECT_EQ(types({{"u", {7}}, {"x", {2, 3}}, {"other", {1}}}), "f32[2x3] f32[7] ");  // by name
  EXPECT_EQ(types({{"a", {2, 3}, true}, {"b", {7}, true}}), "f32[2x3] f32[7] ");      // by position
  EXPECT_EQ(types({{"a", {2, 3}, true}}), "error");  // which of the two is it?
  EXPECT_EQ(types({{"x", {2, 3, 4}}, {"u", {7}}}), "error");
}

TEST(Import, TakesExtentsFromDimsAndFromOtherShapes) {
  Model model;
  model.input("x", {"N", "C"}).input("u", {"N"}).output("y").output("v");
  model.node("Relu", {"x"}, {"y"});
  model.node("Relu", {"u"}, {"v"});
  ImportOptions options;
  options.shapes["x"] = {4, 5};
  auto imported = model.import(options);
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_EQ(to_string(imported->graph.type(imported->graph.inputs()[1])), "f32[4]");

  options = {};
  options.dims["N"] = {6, 6};
  options.dims["C"] = {7, 7};
  imported = model.import(options);
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_EQ(to_string(imported->graph.type(imported->graph.inputs()[0])), "f32[6x7]");
}

TEST(Import, RefusesOptionsThatDoNotFit) {
  Model model;
  model.input("x", {"N", "3"}).output("y");
  model.node("Relu", {"x"}, {"y"});
  const auto expect_usage = [&](const ImportOptions& options, const char* text) {
    const auto imported = model.import(options);
    ASSERT_FALSE(imported.ok());
    EXPECT_EQ(imported.error().code, Code::kUsage);
    EXPECT_TRUE(has_text(imported.error().message, text));
  };
  ImportOptions options;
  options.dims["N"] = {1, 8};
  expect_usage(options, "--dim N=8");
  options = {};
  options.dims["M"] = {1, 1};
  expect_usage(options, "--dim M");
  options = {};
  options.shapes["z"] = {1};
  expect_usage(options, "--shape z");
  options = {};
  options.shapes["x"] = {1, 4};
  expect_usage(options, "dimension 1 is 3 in the model");
  options = {};
  options.shapes["x"] = {1, 3};
  options.dims["N"] = {2, 2};
  expect_usage(options, "dimension 'N'");
}

TEST(Import, FoldsShapeArithmetic) {
  Model model;
  model.input("x", {"2", "3", "4"}).output("y");
  model.node("Shape", {"x"}, {"shape"});
  model.node("Constant", {}, {"zero"}, {attr("value_ints", std::vector<int64_t>{0})});
  model.node("Constant", {}, {"minus"}, {attr("value_ints", std::vector<int64_t>{-1})});
  model.node("Gather", {"shape", "zero"}, {"first"}, {attr("axis", 0)});
  model.node("Concat", {"first", "minus"}, {"target"}, {attr("axis", 0)});
  model.node("Reshape", {"x", "target"}, {"y"});
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_EQ(labels(imported->graph), (Labels{"reshape"}));
  EXPECT_EQ(to_string(imported->graph.type(imported->graph.outputs()[0])), "f32[2x12]");
}

TEST(Import, NamesTheInputsBehindAnUnknownShape) {
  Model model;
  model.input("x", {"6"}).input("s", {"2"}, onnx::TensorProto::INT64).output("y");
  model.node("Abs", {"s"}, {"t"});
  model.node("Reshape", {"x", "t"}, {"y"}).set_name("bend");
  const std::string message = message_of(model.import());
  EXPECT_TRUE(has_text(message, "'bend'"));
  EXPECT_TRUE(has_text(message, "depends on 's'"));
  EXPECT_TRUE(has_text(message, "--bind"));
}

TEST(Import, BindsAnInputToAConstant) {
  Model model;
  model.input("x", {"6"}).input("s", {"2"}, onnx::TensorProto::INT64).output("y");
  model.node("Reshape", {"x", "s"}, {"y"});
  ImportOptions options;
  TensorData& bound = options.bindings["s"].emplace<TensorData>();
  bound.type.dtype = DType::kI64;
  bound.type.dims = {2};
  const int64_t shape[] = {3, -1};
  const auto* bytes = reinterpret_cast<const std::byte*>(shape);
  bound.bytes.assign(bytes, bytes + sizeof(shape));
  const auto imported = model.import(options);
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_EQ(imported->graph.inputs().size(), 1u);
  EXPECT_EQ(to_string(imported->graph.type(imported->graph.outputs()[0])), "f32[3x2]");
}

TEST(Import, BindsAnInputToANumber) {
  for (const auto& [dtype, number, fits] : {std::tuple(onnx::TensorProto::INT64, 16000.0, true),
                                            std::tuple(onnx::TensorProto::INT8, 128.0, false),
                                            std::tuple(onnx::TensorProto::INT32, 0.5, false),
                                            std::tuple(onnx::TensorProto::UINT8, -1.0, false),
                                            std::tuple(onnx::TensorProto::FLOAT, 0.5, true),
                                            std::tuple(onnx::TensorProto::BOOL, 1.0, true),
                                            std::tuple(onnx::TensorProto::FLOAT16, -2.0, true)}) {
    Model model;
    model.input("x", {"2"}, dtype).output("y");
    model.node("Identity", {"x"}, {"y"});
    ImportOptions options;
    options.bindings["x"] = number;
    const auto imported = model.import(options);
    ASSERT_EQ(imported.ok(), fits) << message_of(imported);
    if (!fits) continue;
    EXPECT_TRUE(imported->graph.inputs().empty());
    std::optional<std::vector<double>> elements;
    for (const ValueId id : live_values(imported->graph)) {
      const Value& value = imported->graph.value(id);
      if (value.kind == ValueKind::kConstant) elements = floats_of(value.type, value.data->bytes());
    }
    ASSERT_TRUE(elements);
    EXPECT_EQ(*elements, std::vector<double>(2, number));
  }
}

TEST(Import, ListsEverythingUnsupportedAtOnce) {
  Model model;
  model.input("x", {"2"}).input("s", {"2"}, onnx::TensorProto::STRING).output("y");
  model.node("NonZero", {"x"}, {"a"}).set_name("first");
  model.node("NonZero", {"x"}, {"b"}).set_name("second");
  model.node("Det", {"x"}, {"y"});
  const std::string message = message_of(model.import());
  EXPECT_TRUE(has_text(message, "ai.onnx::NonZero-18: 2 ('first', 'second')"));
  EXPECT_TRUE(has_text(message, "ai.onnx::Det-18: 1 ('Det_2')"));
  EXPECT_TRUE(has_text(message, "STRING: 1 ('s')"));
}

TEST(Import, RefusesOldAndFutureOperatorSets) {
  for (const int64_t opset : {0, 1000}) {
    Model model(opset);
    model.input("x", {"2"}).output("y");
    model.node("Relu", {"x"}, {"y"});
    EXPECT_TRUE(has_text(message_of(model.import()), "1 to "));
  }
}

TEST(Import, DoesNotFoldAboveTheCap) {
  Model model;
  model.input("x", {"1"}).output("y");
  model.initializer(int_tensor("shape", {1}, {1 << 20}));
  model.node("ConstantOfShape", {"shape"}, {"big"});
  model.node("Add", {"x", "big"}, {"y"});
  ImportOptions options;
  auto imported = model.import(options);
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_EQ(labels(imported->graph), (Labels{"full", "add"}));
  options.fold_cap_bytes = int64_t{8} << 20;
  imported = model.import(options);
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_EQ(labels(imported->graph), (Labels{"add"}));
}

TEST(Import, WrongAttributeTypesAreErrors) {
  Model model;
  model.input("x", {"2", "3"}).output("y");
  model.node("Softmax", {"x"}, {"y"}, {attr("axis", 1.0)});
  EXPECT_TRUE(has_text(message_of(model.import()), "'axis' has type FLOAT, needed INT"));
}

TEST(Import, OutputsThatNobodyReadsAreNotComputed) {
  Model model;
  model.input("x", {"1", "1", "4"}).output("y");
  model.node("MaxPool", {"x"}, {"y", "indices"}, {attr("kernel_shape", std::vector<int64_t>{2})});
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  const Graph& graph = imported->graph;
  const Node& node = graph.node(graph.order()[0]);
  EXPECT_TRUE(node.outputs.size() < 2 || !node.outputs[1]);
}

}  // namespace
}  // namespace memopt::testing
