// Graphs written as ONNX: read back, they compute the same.
#include "compiler/onnx/export.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "compiler/onnx/parse.h"
#include "runtime/ops/op_def.h"
#include "tests/onnx/model_builder.h"
#include "tests/support/first_result.h"

namespace memopt::testing {
namespace {

// The outputs of the graph after it went through a file.
std::vector<std::vector<double>> run_exported(const Graph& graph,
                                              const std::vector<std::vector<float>>& inputs,
                                              const ExportOptions& options = {}) {
  const TemporaryFolder folder;
  const Status status = export_onnx(graph, options, folder.path("out.onnx"));
  EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
  const auto imported = import_onnx(folder.path("out.onnx"));
  EXPECT_TRUE(imported.ok()) << message_of(imported);
  return imported.ok() ? run(imported->graph, inputs) : std::vector<std::vector<double>>{};
}

ValueId add_floats(Graph& graph, const std::string& name, const Dims& dims,
                   const std::vector<float>& values) {
  const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
  return graph.add_constant(
      name, {.dtype = DType::kF32, .dims = dims},
      ConstantData::from_bytes({bytes, bytes + values.size() * sizeof(float)}));
}

ValueId add_op(Graph& graph, Op op, const std::vector<ValueId>& inputs, const std::string& name) {
  const auto inferred = infer_results(graph, op, inputs);
  EXPECT_TRUE(inferred.ok()) << (inferred.ok() ? "" : inferred.error().message);
  return add_first_result(graph, std::move(op), inputs, *inferred, name, name);
}

TEST(Export, FusedConvolutionsBecomeSeveralNodes) {
  Graph graph;
  const ValueId x = graph.add_input("x", {.dtype = DType::kF32, .dims = {1, 1, 2, 2}});
  const ValueId w = add_floats(graph, "w", {1, 1, 1, 1}, {2});
  const ValueId b = add_floats(graph, "b", {1}, {1});
  Conv conv;
  conv.strides = conv.dilations = {1, 1};
  conv.pads = {0, 0, 0, 0};
  conv.activation = {.fn = UnaryFn::kClip, .alpha = 0, .beta = 6};
  graph.add_output(add_op(graph, conv, {x, w, b, x}, "y"));
  const std::vector<std::vector<float>> inputs{{-3, 0, 1, 9}};
  EXPECT_EQ(run(graph, inputs), run_exported(graph, inputs));
  EXPECT_EQ(run_exported(graph, inputs)[0], (std::vector<double>{0, 1, 4, 6}));
}

TEST(Export, MatrixProductsWithEverything) {
  for (const bool batched : {false, true}) {
    Graph graph;
    const Dims dims = batched ? Dims{2, 1, 2} : Dims{1, 2};
    const ValueId x = graph.add_input("x", {.dtype = DType::kF32, .dims = dims});
    const ValueId w = add_floats(graph, "w", {2, 2}, {1, 2, 3, 4});
    const ValueId c = add_floats(graph, "c", {2}, {10, 20});
    MatMul op{.trans_b = true, .alpha = 2, .beta = 0.5, .activation = {.fn = UnaryFn::kRelu}};
    graph.add_output(add_op(graph, op, {x, w, c, x}, "y"));
    std::vector<std::vector<float>> inputs{{1, -2}};
    if (batched) inputs[0] = {1, -2, 5, 6};
    EXPECT_EQ(run(graph, inputs), run_exported(graph, inputs));
  }
}

TEST(Export, SlicesWithNegativeSteps) {
  Graph graph;
  const ValueId x = graph.add_input("x", {.dtype = DType::kF32, .dims = {5}});
  graph.add_output(add_op(graph, Slice{.starts = {4}, .sizes = {3}, .steps = {-2}}, {x}, "y"));
  EXPECT_EQ(run_exported(graph, {{0, 1, 2, 3, 4}})[0], (std::vector<double>{4, 2, 0}));
}

TEST(Export, LargeWeightsGoBesideTheModel) {
  Graph graph;
  const ValueId x = graph.add_input("x", {.dtype = DType::kF32, .dims = {2000}});
  const ValueId w = add_floats(graph, "w", {2000}, std::vector<float>(2000, 3));
  graph.add_output(add_op(graph, Binary{}, {x, w}, "y"));
  const TemporaryFolder folder;
  ExportOptions options;
  options.external_data_above_bytes = 1000;
  ASSERT_TRUE(export_onnx(graph, options, folder.path("out.onnx")).ok());
  EXPECT_LT(std::filesystem::file_size(folder.path("out.onnx")), 1000u);
  EXPECT_GE(std::filesystem::file_size(folder.path("out.onnx.data")), 8000u);
  const auto imported = import_onnx(folder.path("out.onnx"));
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_EQ(run(imported->graph, {std::vector<float>(2000, 1)})[0], std::vector<double>(2000, 4));
}

TEST(Export, UsesTheLowestOperatorSetThatServes) {
  const auto opset_of = [](UnaryFn fn) -> int64_t {
    Graph graph;
    const ValueId x = graph.add_input("x", {.dtype = DType::kF32, .dims = {2}});
    graph.add_output(add_op(graph, Unary{.fn = {.fn = fn, .alpha = 1}}, {x}, "y"));
    const TemporaryFolder folder;
    EXPECT_TRUE(export_onnx(graph, {}, folder.path("out.onnx")).ok());
    const auto imported = import_onnx(folder.path("out.onnx"));
    return imported.ok() ? imported->opset : 0;
  };
  EXPECT_EQ(opset_of(UnaryFn::kRelu), 18);
  EXPECT_EQ(opset_of(UnaryFn::kSwish), 18);
  EXPECT_EQ(opset_of(UnaryFn::kGelu), 20);
}

TEST(Export, LayoutsAreRefused) {
  Graph graph;
  const ValueId x = graph.add_input("x", {.dtype = DType::kF32, .dims = {1, 2, 2, 2}});
  const TensorType nhwc{
      .dtype = DType::kF32, .dims = {1, 2, 2, 2}, .layout = Layout::kChannelsLast};
  graph.add_output(graph.add_simple(Reorder{.to = Layout::kChannelsLast}, {&x, 1}, nhwc, "y", ""));
  const TemporaryFolder folder;
  EXPECT_FALSE(export_onnx(graph, {}, folder.path("out.onnx")).ok());
}

TEST(Export, WritesMetadata) {
  Graph graph;
  const ValueId x = graph.add_input("x", {.dtype = DType::kF32, .dims = {2}});
  graph.add_output(add_op(graph, Identity{}, {x}, "y"));
  const TemporaryFolder folder;
  ExportOptions options;
  options.metadata["memopt.arena_bytes"] = "64";
  ASSERT_TRUE(export_onnx(graph, options, folder.path("out.onnx")).ok());
  const std::string path = folder.path("out.onnx");
  std::string text;
  ASSERT_TRUE(import_onnx(path).ok());
  const auto file = MappedFile::open(path);
  ASSERT_TRUE(file.ok());
  text.assign(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  EXPECT_TRUE(has_text(text, "memopt.arena_bytes"));
}

}  // namespace
}  // namespace memopt::testing
