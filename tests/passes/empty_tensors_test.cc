// Tensors without elements go through every operator, pass and kernel like others: every sample,
// with each dimension of its first operand, and what agrees with it, made 0.
#include <gtest/gtest.h>

#include "runtime/ops/op_def.h"
#include "tests/support/growing_graph.h"
#include "tests/support/run_compiled.h"

namespace memopt {
namespace {

using ::memopt::testing::all_samples;
using ::memopt::testing::GrowingGraph;
using ::memopt::testing::Sample;

// The sample with this dimension of operand 0 as 0, and, where `all`, the same one of the other
// operands that have its extent.
Sample emptied(Sample sample, int axis, bool all) {
  const int64_t extent = sample.inputs[0].dims[axis];
  for (size_t i = 0; i < (all ? sample.inputs.size() : 1); ++i) {
    auto& input = sample.inputs[i];
    if (axis < input.dims.rank() && input.dims[axis] == extent) {
      input.dims[axis] = 0;
      input.values.clear();
    }
  }
  return sample;
}

// Attributes that say the extents of the result follow.
Op with_dims(Op op, const Dims& from, int axis) {
  const auto shrink = [&](std::vector<int64_t>& dims) {
    const auto at = static_cast<size_t>(axis);
    if (at < dims.size() && dims[at] == from[axis]) dims[at] = 0;
  };
  if (auto* reshape = std::get_if<Reshape>(&op)) shrink(reshape->dims);
  if (auto* expand = std::get_if<Expand>(&op)) shrink(expand->dims);
  if (auto* slice = std::get_if<Slice>(&op)) slice->sizes[static_cast<size_t>(axis)] = 0;
  if (auto* resize = std::get_if<Resize>(&op)) resize->dims[static_cast<size_t>(axis)] = 0;
  return op;
}

bool is_accepted(const Sample& sample) {
  std::vector<TensorType> types(sample.inputs.size());
  std::vector<const TensorType*> pointers(sample.inputs.size(), nullptr);
  for (size_t i = 0; i < types.size(); ++i) {
    types[i] = {sample.inputs[i].dtype, sample.inputs[i].dims};
    if (sample.inputs[i].present) pointers[i] = &types[i];
  }
  return infer_types(sample.op, pointers).ok();
}

// Indices into an extent of 0 are out of range, as they should be.
bool has_indices(const Sample& sample) {
  const Op& op = sample.op;
  return (std::holds_alternative<Gather>(op) || std::holds_alternative<GatherElements>(op) ||
          std::holds_alternative<GatherND>(op) || std::holds_alternative<ScatterElements>(op) ||
          std::holds_alternative<ScatterND>(op) || std::holds_alternative<ReverseSequence>(op) ||
          std::holds_alternative<MaxUnpool>(op)) &&
         sample.inputs[1].dims.count() > 0;
}

// Compiles and runs under guard, with the fast kernels and without them.
void expect_runs(const Sample& sample) {
  GrowingGraph g;
  const std::vector<ValueId> results = g.add_sample(sample);
  g.graph.add_output(results[0]);
  CompileOptions plain;
  plain.kernels.reference_only = true;
  const auto expected = compile_graph(g.graph, plain);
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  const auto model = compile_graph(g.graph, {});
  ASSERT_TRUE(model.ok()) << model.error().message;
  const auto wanted = run_compiled(**expected, true, g.inputs);
  const auto found = run_compiled(**model, true, g.inputs);
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].size(), wanted[i].size());
}

TEST(EmptyTensors, GoThroughEveryOperator) {
  int accepted = 0;
  for (const Sample& sample : all_samples()) {
    if (const auto* cast = std::get_if<Cast>(&sample.op); cast && cast->to != DType::kF32) continue;
    for (int axis = 0; axis < sample.inputs[0].dims.rank(); ++axis) {
      for (const bool all : {false, true}) {
        Sample empty = emptied(sample, axis, all);
        empty.op = with_dims(empty.op, sample.inputs[0].dims, axis);
        if (!is_accepted(empty) || has_indices(empty)) continue;
        SCOPED_TRACE(sample.name + ", axis " + std::to_string(axis) + (all ? " of all" : ""));
        expect_runs(empty);
        ++accepted;
      }
    }
  }
  EXPECT_GT(accepted, 500);
}

// An image of which nothing is left, between operators that want their own layouts.
TEST(EmptyTensors, ResizedToNothingBetweenConvolutions) {
  for (const ResizeMode mode : {ResizeMode::kNearest, ResizeMode::kLinear, ResizeMode::kCubic}) {
    GrowingGraph g;
    const TensorType image{DType::kF32, {1, 4, 6, 6}};
    const ValueId x =
        g.add_input(image, std::vector<std::byte>(static_cast<size_t>(image.bytes())));
    const ValueId w = g.graph.add_constant(
        "w", {DType::kF32, {8, 4, 1, 1}},
        ConstantData::from_bytes(std::vector<std::byte>(size_t{32} * sizeof(float))));
    const ConvWindow window{{1, 1}, {1, 1}, {0, 0, 0, 0}, 1};
    const ValueId y = g.add(Conv{window, {}}, {x, w})[0];
    const ValueId z = g.add(
        Resize{.mode = mode, .dims = {1, 8, 12, 0}, .scales = {1, 1, 2, 0.1}, .roi = {}}, {y})[0];
    g.graph.add_output(g.add(Unary{{UnaryFn::kRelu}}, {z})[0]);
    const auto model = compile_graph(g.graph, {});
    ASSERT_TRUE(model.ok()) << model.error().message;
    EXPECT_TRUE(run_compiled(**model, true, g.inputs)[0].empty());
  }
}

}  // namespace
}  // namespace memopt
