// Older and rarer forms of operators: what each becomes, and that the numbers are ONNX's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/ops/op_def.h"
#include "tests/onnx/model_builder.h"

namespace memopt::testing {
namespace {

using Ints = std::vector<int64_t>;
using Values = std::vector<double>;

// A model of one node on inputs x (and more initializers), its output called y.
class OneNode : public ::testing::Test {
 protected:
  // Imports; an empty graph and a failed expectation where that does not work.
  Graph graph_of(const Model& model) {
    auto imported = model.import();
    EXPECT_TRUE(imported.ok()) << message_of(imported);
    return imported.ok() ? std::move(imported->graph) : Graph{};
  }
  template <typename S>
  S only_op(const Graph& graph) {
    EXPECT_EQ(graph.order().size(), 1u);
    if (graph.order().size() != 1 || !std::holds_alternative<S>(graph.node(graph.order()[0]).op)) {
      ADD_FAILURE() << "another operator";
      return {};
    }
    return std::get<S>(graph.node(graph.order()[0]).op);
  }
  std::string output_type(const Graph& graph) {
    return graph.outputs().empty() ? "" : to_string(graph.type(graph.outputs()[0]));
  }
};

TEST_F(OneNode, AutoPadIsResolved) {
  for (const auto& [mode, pads] : {std::pair<const char*, Ints>{"SAME_UPPER", {0, 0, 1, 1}},
                                   {"SAME_LOWER", {1, 1, 0, 0}},
                                   {"VALID", {0, 0, 0, 0}}}) {
    Model model;
    model.input("x", {"1", "1", "4", "4"}).output("y");
    model.initializer(float_tensor("w", {1, 1, 2, 2}, {1, 1, 1, 1}));
    model.node("Conv", {"x", "w"}, {"y"}, {attr("auto_pad", mode)});
    EXPECT_EQ(only_op<Conv>(graph_of(model)).pads, pads) << mode;
  }
}

TEST_F(OneNode, ConvRefusesZeroStrides) {
  Model model;
  model.input("x", {"1", "1", "4", "4"}).output("y");
  model.initializer(float_tensor("w", {1, 1, 2, 2}, {1, 1, 1, 1}));
  model.node("Conv", {"x", "w"}, {"y"}, {attr("strides", Ints{0, 1})});
  EXPECT_TRUE(has_text(message_of(model.import()), "strides holds 0"));
}

TEST_F(OneNode, ConvTransposeReachesAnOutputShape) {
  Model model;
  model.input("x", {"1", "1", "3", "3"}).output("y");
  model.initializer(float_tensor("w", {1, 1, 3, 3}, std::vector<float>(9, 1)));
  model.node("ConvTranspose", {"x", "w"}, {"y"},
             {attr("strides", Ints{3, 2}), attr("output_shape", Ints{10, 8})});
  EXPECT_EQ(output_type(graph_of(model)), "f32[1x1x10x8]");
}

TEST_F(OneNode, FusedConvKeepsItsActivation) {
  Model model;
  model.proto.add_opset_import()->set_domain("com.microsoft");
  model.proto.mutable_opset_import(1)->set_version(1);
  model.input("x", {"1", "1", "2", "2"}).output("y");
  model.initializer(float_tensor("w", {1, 1, 1, 1}, {-1}));
  model
      .node("FusedConv", {"x", "w"}, {"y"},
            {attr("activation", "LeakyRelu"), attr("activation_params", std::vector<float>{0.5f})})
      .set_domain("com.microsoft");
  const Graph graph = graph_of(model);
  EXPECT_EQ(only_op<Conv>(graph).activation,
            (Activation{.fn = UnaryFn::kLeakyRelu, .alpha = 0.5, .beta = 0}));
  EXPECT_EQ(run(graph, {{1, -2, 3, -4}})[0], (Values{-0.5, 2, -1.5, 4}));
}

TEST_F(OneNode, GemmIsAMatMul) {
  Model model;
  model.input("x", {"1", "2"}).output("y");
  model.initializer(float_tensor("w", {3, 2}, {1, 0, 0, 1, 1, 1}));
  model.initializer(float_tensor("c", {3}, {10, 20, 30}));
  model.node("Gemm", {"x", "w", "c"}, {"y"},
             {attr("transB", 1), attr("alpha", 2.0), attr("beta", 0.5)});
  EXPECT_EQ(run(graph_of(model), {{3, 4}})[0], (Values{11, 18, 29}));
}

TEST_F(OneNode, GlobalPoolsAreReductions) {
  Model model;
  model.input("x", {"1", "1", "2", "2"}).output("y");
  model.node("GlobalAveragePool", {"x"}, {"y"});
  const Graph graph = graph_of(model);
  EXPECT_EQ(only_op<Reduce>(graph).axes, (Ints{2, 3}));
  EXPECT_EQ(run(graph, {{1, 2, 3, 6}})[0], (Values{3}));
}

TEST_F(OneNode, OldSoftmaxFlattens) {
  Model model(11);
  model.input("x", {"1", "2", "2"}).output("y");
  model.node("Softmax", {"x"}, {"y"});
  const Graph graph = graph_of(model);
  EXPECT_EQ(labels(graph), (Labels{"reshape", "softmax", "reshape"}));
  EXPECT_EQ(output_type(graph), "f32[1x2x2]");
  EXPECT_EQ(run(graph, {{0, 0, 0, 0}})[0], (Values{0.25, 0.25, 0.25, 0.25}));
}

TEST_F(OneNode, SoftmaxOverTheLastAxisStaysOne) {
  Model model(11);
  model.input("x", {"2", "3"}).output("y");
  model.node("Softmax", {"x"}, {"y"});
  EXPECT_EQ(only_op<Softmax>(graph_of(model)).axis, 1);
}

TEST_F(OneNode, DropoutIsItsOperand) {
  Model model(12);
  model.input("x", {"2"}).output("y").output("mask");
  model.node("Relu", {"x"}, {"t"});
  model.node("Dropout", {"t"}, {"y", "mask"});
  const Graph graph = graph_of(model);
  EXPECT_EQ(run(graph, {{-1, 5}}), (std::vector<Values>{{0, 5}, {1, 1}}));
}

TEST_F(OneNode, ClipTakesAttributesAndOperands) {
  Model old_model(10);
  old_model.input("x", {"3"}).output("y");
  old_model.node("Clip", {"x"}, {"y"}, {attr("min", 0.0), attr("max", 6.0)});
  Model new_model;
  new_model.input("x", {"3"}).output("y");
  new_model.initializer(float_tensor("low", {}, {0})).initializer(float_tensor("high", {}, {6}));
  new_model.node("Clip", {"x", "low", "high"}, {"y"});
  for (const Model* model : {&old_model, &new_model}) {
    const Graph graph = graph_of(*model);
    EXPECT_EQ(only_op<Unary>(graph).fn, (Activation{.fn = UnaryFn::kClip, .alpha = 0, .beta = 6}));
  }
  Model one_sided;
  one_sided.input("x", {"3"}).output("y");
  one_sided.initializer(float_tensor("high", {}, {6}));
  one_sided.node("Clip", {"x", "", "high"}, {"y"});
  EXPECT_EQ(run(graph_of(one_sided), {{-9, 3, 9}})[0], (Values{-9, 3, 6}));
  // The missing bound is the lowest finite number.
  constexpr double kLowest = std::numeric_limits<float>::lowest();
  EXPECT_EQ(run(graph_of(one_sided), {{-INFINITY, 3, INFINITY}})[0], (Values{kLowest, 3, 6}));
}

TEST_F(OneNode, VariadicOperatorsAreChains) {
  Model model;
  model.input("a", {"1"}).input("b", {"1"}).input("c", {"1"}).output("m").output("s").output("i");
  model.node("Mean", {"a", "b", "c"}, {"m"});
  model.node("Sum", {"a"}, {"s"});
  model.node("Min", {"a", "b", "c"}, {"i"});
  EXPECT_EQ(run(graph_of(model), {{1}, {2}, {6}}), (std::vector<Values>{{3}, {1}, {1}}));
}

TEST_F(OneNode, PReluTakesOneSlopePerChannel) {
  Model model;
  model.input("x", {"1", "2", "1", "3"}).output("y");
  model.initializer(float_tensor("slope", {2}, {2, 3}));
  model.node("PRelu", {"x", "slope"}, {"y"});
  EXPECT_EQ(run(graph_of(model), {{-1, 0, 1, -1, 0, 1}})[0], (Values{-2, 0, 1, -3, 0, 1}));
}

TEST_F(OneNode, SliceTakesAttributesNegativesAndSteps) {
  Model old_model(9);
  old_model.input("x", {"2", "4"}).output("y");
  old_model.node("Slice", {"x"}, {"y"},
                 {attr("axes", Ints{1}), attr("starts", Ints{1}), attr("ends", Ints{-1})});
  EXPECT_EQ(run(graph_of(old_model), {{0, 1, 2, 3, 4, 5, 6, 7}})[0], (Values{1, 2, 5, 6}));

  Model new_model;
  new_model.input("x", {"5"}).output("y");
  new_model.initializer(int_tensor("starts", {1}, {-1}));
  new_model.initializer(int_tensor("ends", {1}, {std::numeric_limits<int64_t>::min()}));
  new_model.initializer(int_tensor("axes", {1}, {0}));
  new_model.initializer(int_tensor("steps", {1}, {-2}));
  new_model.node("Slice", {"x", "starts", "ends", "axes", "steps"}, {"y"});
  EXPECT_EQ(run(graph_of(new_model), {{0, 1, 2, 3, 4}})[0], (Values{4, 2, 0}));
}

// The elements that a Slice along one axis takes, as its text (opset 13) says: from start by steps
// up to end, both from the end where negative and then clamped, start to an element.
Values sliced(int64_t extent, int64_t start, int64_t end, int64_t step) {
  if (start < 0) start += extent;
  if (end < 0) end += extent;
  Values taken;
  if (extent == 0) return taken;
  start =
      step > 0 ? std::clamp<int64_t>(start, 0, extent) : std::clamp<int64_t>(start, 0, extent - 1);
  end = step > 0 ? std::clamp<int64_t>(end, 0, extent) : std::clamp<int64_t>(end, -1, extent - 1);
  for (int64_t i = start; step > 0 ? i < end : i > end; i += step) {
    taken.push_back(static_cast<double>(i));
  }
  return taken;
}

TEST_F(OneNode, SlicesOfEveryRange) {
  for (int64_t extent = 0; extent <= 3; ++extent) {
    std::vector<float> x;
    for (int64_t i = 0; i < extent; ++i) x.push_back(static_cast<float>(i));
    for (const int64_t step : {-5, -2, -1, 1, 2, 5}) {
      for (int64_t start = -extent - 3; start <= extent + 3; ++start) {
        for (int64_t end = -extent - 3; end <= extent + 3; ++end) {
          Model model;
          model.input("x", {std::to_string(extent)}).output("y");
          model.initializer(int_tensor("starts", {1}, {start}));
          model.initializer(int_tensor("ends", {1}, {end}));
          model.initializer(int_tensor("axes", {1}, {0}));
          model.initializer(int_tensor("steps", {1}, {step}));
          model.node("Slice", {"x", "starts", "ends", "axes", "steps"}, {"y"});
          EXPECT_EQ(run(graph_of(model), {x})[0], sliced(extent, start, end, step))
              << extent << ": " << start << " to " << end << " by " << step;
        }
      }
    }
  }
}

TEST_F(OneNode, EmptySlices) {
  Model model;
  model.input("x", {"5"}).output("y");
  model.initializer(int_tensor("starts", {1}, {3})).initializer(int_tensor("ends", {1}, {1}));
  model.node("Slice", {"x", "starts", "ends"}, {"y"});
  EXPECT_EQ(output_type(graph_of(model)), "f32[0]");
}

TEST_F(OneNode, SplitsByAttributeOperandAndCount) {
  const auto sizes = [&](int64_t opset, const char* form) {
    Model model(opset);
    model.input("x", {"7"}).output("a").output("b").output("c");
    std::vector<std::string> inputs{"x"};
    std::vector<onnx::AttributeProto> attributes;
    if (std::string(form) == "attribute") attributes.push_back(attr("split", Ints{1, 2, 4}));
    if (std::string(form) == "count") attributes.push_back(attr("num_outputs", 3));
    if (std::string(form) == "operand") {
      model.initializer(int_tensor("sizes", {3}, {2, 2, 3}));
      inputs.push_back("sizes");
    }
    model.node("Split", inputs, {"a", "b", "c"}, attributes);
    return only_op<Split>(graph_of(model)).sizes;
  };
  EXPECT_EQ(sizes(11, "attribute"), (Ints{1, 2, 4}));
  EXPECT_EQ(sizes(13, "operand"), (Ints{2, 2, 3}));
  EXPECT_EQ(sizes(18, "count"), (Ints{3, 3, 1}));
}

TEST_F(OneNode, PadTakesAttributesAndAxes) {
  Model old_model(7);
  old_model.input("x", {"2"}).output("y");
  old_model.node("Pad", {"x"}, {"y"}, {attr("pads", Ints{1, 0}), attr("value", 9.0)});
  EXPECT_EQ(run(graph_of(old_model), {{1, 2}})[0], (Values{9, 1, 2}));

  Model new_model;
  new_model.input("x", {"1", "2"}).output("y");
  new_model.initializer(int_tensor("pads", {2}, {1, 1})).initializer(int_tensor("axes", {1}, {-1}));
  new_model.node("Pad", {"x", "pads", "", "axes"}, {"y"}, {attr("mode", "reflect")});
  EXPECT_EQ(run(graph_of(new_model), {{1, 2}})[0], (Values{2, 1, 2, 1}));
}

TEST_F(OneNode, SqueezeAndUnsqueezeInBothForms) {
  for (const int64_t opset : {11, 13}) {
    Model model(opset);
    model.input("x", {"1", "2", "1"}).output("y").output("z");
    if (opset < 13) {
      model.node("Squeeze", {"x"}, {"y"}, {attr("axes", Ints{-1})});
      model.node("Unsqueeze", {"x"}, {"z"}, {attr("axes", Ints{0, 4})});
    } else {
      model.initializer(int_tensor("s", {1}, {-1})).initializer(int_tensor("u", {2}, {0, 4}));
      model.node("Squeeze", {"x", "s"}, {"y"});
      model.node("Unsqueeze", {"x", "u"}, {"z"});
    }
    const Graph graph = graph_of(model);
    EXPECT_EQ(to_string(graph.type(graph.outputs()[0])), "f32[1x2]");
    EXPECT_EQ(to_string(graph.type(graph.outputs()[1])), "f32[1x1x2x1x1]");
  }
}

TEST_F(OneNode, ReshapeCopiesAndInfers) {
  Model model;
  model.input("x", {"2", "3", "4"}).output("y");
  model.initializer(int_tensor("shape", {3}, {0, -1, 2}));
  model.node("Reshape", {"x", "shape"}, {"y"});
  EXPECT_EQ(output_type(graph_of(model)), "f32[2x6x2]");
}

TEST_F(OneNode, ReshapeRefusesWhatDoesNotDivide) {
  Model model;
  model.input("x", {"2", "3"}).output("y");
  model.initializer(int_tensor("shape", {2}, {4, -1}));
  model.node("Reshape", {"x", "shape"}, {"y"});
  EXPECT_TRUE(has_text(message_of(model.import()), "do not divide"));
}

TEST_F(OneNode, ReductionAxesInBothForms) {
  Model old_model(11);
  old_model.input("x", {"2", "3"}).output("y");
  old_model.node("ReduceMean", {"x"}, {"y"}, {attr("axes", Ints{-1}), attr("keepdims", 0)});
  EXPECT_EQ(run(graph_of(old_model), {{1, 2, 3, 4, 5, 6}})[0], (Values{2, 5}));
  Model new_model;
  new_model.input("x", {"2", "3"}).output("y");
  new_model.initializer(int_tensor("axes", {1}, {0}));
  new_model.node("ReduceMax", {"x", "axes"}, {"y"});
  EXPECT_EQ(run(graph_of(new_model), {{1, 9, 3, 4, 5, 6}})[0], (Values{4, 9, 6}));
}

TEST_F(OneNode, UpsampleIsResize) {
  Model model(7);
  model.input("x", {"1", "1", "1", "2"}).output("y");
  model.node("Upsample", {"x"}, {"y"}, {attr("scales", std::vector<float>{1, 1, 2, 2})});
  EXPECT_EQ(run(graph_of(model), {{1, 2}})[0], (Values{1, 1, 2, 2, 1, 1, 2, 2}));
}

TEST_F(OneNode, ResizeKeepsTheAspectRatio) {
  Model model(18);
  model.input("x", {"1", "1", "2", "4"}).output("y");
  model.initializer(int_tensor("sizes", {2}, {7, 8}));
  model.node("Resize", {"x", "", "", "sizes"}, {"y"},
             {attr("axes", Ints{2, 3}), attr("keep_aspect_ratio_policy", "not_larger")});
  EXPECT_EQ(output_type(graph_of(model)), "f32[1x1x4x8]");
}

TEST_F(OneNode, RangesAreConstants) {
  Model model;
  model.input("x", {"4"}).output("y");
  model.initializer(float_tensor("start", {}, {1}));
  model.initializer(float_tensor("limit", {}, {3}));
  model.initializer(float_tensor("delta", {}, {0.5}));
  model.node("Range", {"start", "limit", "delta"}, {"r"});
  model.node("Add", {"x", "r"}, {"y"});
  EXPECT_EQ(run(graph_of(model), {{0, 0, 0, 0}})[0], (Values{1, 1.5, 2, 2.5}));
}

TEST_F(OneNode, HugeRangesAreRefused) {
  Model model;
  model.input("x", {"4"}).output("y");
  model.initializer(int_tensor("start", {}, {0}));
  model.initializer(int_tensor("limit", {}, {int64_t{1} << 40}));
  model.initializer(int_tensor("delta", {}, {1}));
  model.node("Range", {"start", "limit", "delta"}, {"y"});
  EXPECT_TRUE(has_text(message_of(model.import()), "--work-limit"));
}

TEST_F(OneNode, ExperimentalImageOperators) {
  Model model(7);
  model.input("x", {"1", "2", "1", "2"}).output("scaled").output("affine").output("cropped");
  model.node("ImageScaler", {"x"}, {"scaled"},
             {attr("scale", 2.0), attr("bias", std::vector<float>{10, 20})});
  model.node("Affine", {"x"}, {"affine"}, {attr("alpha", 3.0), attr("beta", 1.0)});
  model.node("Crop", {"x"}, {"cropped"}, {attr("border", Ints{1, 0, 0, 0})});
  EXPECT_EQ(run(graph_of(model), {{1, 2, 3, 4}}),
            (std::vector<Values>{{12, 14, 26, 28}, {4, 7, 10, 13}, {2, 4}}));
}

TEST_F(OneNode, TopKTakesKInBothForms) {
  Model old_model(7);
  old_model.input("x", {"4"}).output("y").output("i");
  old_model.node("TopK", {"x"}, {"y", "i"}, {attr("k", 2)});
  EXPECT_EQ(run(graph_of(old_model), {{1, 4, 3, 2}}), (std::vector<Values>{{4, 3}, {1, 2}}));
}

TEST_F(OneNode, QuantizeLinearOfOneScaleNeedsNoAxis) {
  Model model;
  model.input("x", {"2"}).output("y");
  model.initializer(float_tensor("scale", {}, {0.5}));
  model.node("QuantizeLinear", {"x", "scale"}, {"y"});
  const Graph graph = graph_of(model);
  EXPECT_EQ(only_op<QuantizeLinear>(graph).to, DType::kU8);
  EXPECT_EQ(run(graph, {{1, 300}})[0], (Values{2, 255}));
}

TEST_F(OneNode, BatchNormalizationInTrainingUpdatesItsStatistics) {
  Model model(15);
  model.input("x", {"2", "1", "1"}).output("y").output("mean").output("var");
  for (const char* name : {"scale", "bias", "m", "v"}) {
    model.initializer(float_tensor(name, {1}, {std::string(name) == "scale" ? 1.0f : 0.0f}));
  }
  model.node("BatchNormalization", {"x", "scale", "bias", "m", "v"}, {"y", "mean", "var"},
             {attr("training_mode", 1), attr("momentum", 0.5), attr("epsilon", 0.0)});
  EXPECT_EQ(run(graph_of(model), {{-1, 3}}), (std::vector<Values>{{-1, 1}, {0.5}, {2}}));
}

}  // namespace
}  // namespace memopt::testing
