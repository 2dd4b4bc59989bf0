// Reshapes and transposes in front of a concatenation: where their operands must lie, and that
// producers then write into the concatenation at once.
#include "passes/planning/view_strides.h"

#include <gtest/gtest.h>

#include <random>

#include "compiler/ir/text.h"
#include "tests/support/run_compiled.h"

namespace memopt {
namespace {

// The graph of one node from %x to %y.
Graph one_node(const Op& op, const Dims& in, const Dims& out) {
  Graph graph;
  const ValueId x = graph.add_input("x", {.dtype = DType::kF32, .dims = in});
  graph.add_output(graph.add_simple(op, {{x}}, {.dtype = DType::kF32, .dims = out}, "y", "node"));
  return graph;
}

std::optional<Dims> before(const Op& op, const Dims& in, const Dims& out, const Dims& strides) {
  const Graph graph = one_node(op, in, out);
  return strides_before(graph, graph.node(graph.order()[0]), strides);
}

// The places of the elements in row-major order of the coordinates.
std::vector<int64_t> places(const Dims& dims, const Dims& strides) {
  std::vector<int64_t> result;
  for (int64_t i = 0; i < dims.count(); ++i) {
    int64_t rest = i, place = 0;
    for (int d = dims.rank() - 1; d >= 0; --d) {
      place += rest % dims[d] * strides[d];
      rest /= dims[d];
    }
    result.push_back(place);
  }
  return result;
}

Op reshape_to(const Dims& dims) { return Reshape{.dims = {dims.begin(), dims.end()}}; }

TEST(ViewStrides, APartOfWiderRowsIsFoundThroughItsReshape) {
  const Dims in = {1, 64, 40, 40}, out = {1, 64, 1600};
  const auto strides = before(reshape_to(out), in, out, {134400, 2100, 1});
  ASSERT_TRUE(strides);
  EXPECT_EQ(places(in, *strides), places(out, {134400, 2100, 1}));
}

TEST(ViewStrides, RowsWithGapsCannotBecomeOne) {
  EXPECT_FALSE(before(reshape_to({4, 6}), {24}, {4, 6}, {10, 1}));
  EXPECT_FALSE(before(reshape_to({4, 6}), {8, 3}, {4, 6}, {6, 2}));
  EXPECT_TRUE(before(reshape_to({4, 6}), {4, 2, 3}, {4, 6}, {10, 1}));
}

// Whatever is found names the same places in the same order.
TEST(ViewStrides, ReshapesOfRandomBoxes) {
  std::mt19937 random(1);
  const auto below = [&](int64_t limit) {
    return std::uniform_int_distribution<int64_t>(0, limit - 1)(random);
  };
  int found = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    // Both shapes are groupings of the same factors.
    Dims in = {1}, out = {1};
    for (int factor = 0; factor < 5; ++factor) {
      const int64_t extent = 1 + below(4);
      for (Dims* dims : {&in, &out}) {
        if (below(2) == 0 && dims->rank() < kMaxRank) {
          dims->push_back(extent);
        } else {
          (*dims)[dims->rank() - 1] *= extent;
        }
      }
    }
    Dims strides = out;
    int64_t step = 1;
    for (int d = out.rank() - 1; d >= 0; --d) {
      strides[d] = step;
      step *= out[d] + (below(3) == 0 ? below(3) : 0);
    }
    const auto result = before(reshape_to(out), in, out, strides);
    if (!result) continue;
    ++found;
    ASSERT_EQ(places(in, *result), places(out, strides)) << to_string(in) << to_string(out);
  }
  EXPECT_GT(found, 500);
}

TEST(ViewStrides, ATransposeTurnsThem) {
  const Dims in = {2, 3, 4}, out = {4, 2, 3};
  EXPECT_EQ(before(Transpose{.perm = {2, 0, 1}}, in, out, {60, 9, 2}), (Dims{9, 2, 60}));
}

// Two heads of a detector: all that runs are the convolutions and what brings channels-last to
// row-major; every byte is written where the result wants it.
void expect_no_copies(const std::string& heads) {
  const auto graph = parse_graph(R"(graph "g" {
  %x = input : f32[1x4x12x12]
  %w = constant : f32[6x4x3x3] splat 0.125
  %a = conv(%x, %w) {strides=[1,1] dilations=[1,1] pads=[1,1,1,1]} "a" : f32[1x6x12x12]
  %b = conv(%x, %w) {strides=[2,2] dilations=[1,1] pads=[1,1,1,1]} "b" : f32[1x6x6x6]
)" + heads + "  return %y\n}");
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto model = compile_graph(*graph, {});
  ASSERT_TRUE(model.ok()) << model.error().message;
  for (const PlanInstruction& instruction : (*model)->plan().instructions) {
    EXPECT_TRUE(std::holds_alternative<Conv>(instruction.op) ||
                std::holds_alternative<Reorder>(instruction.op))
        << instruction.name << ": " << op_label(instruction.op);
  }
  CompileOptions apart;
  apart.buffers.views = apart.buffers.destinations = false;
  const auto expected = compile_graph(*graph, apart);
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  EXPECT_EQ(run_compiled(**model, true), run_compiled(**expected, false));
}

TEST(ViewStrides, HeadsJoinedBehindATransposeAreWrittenInPlace) {
  expect_no_copies(R"(  %at = transpose(%a) {perm=[0,2,3,1]} "at" : f32[1x12x12x6]
  %bt = transpose(%b) {perm=[0,2,3,1]} "bt" : f32[1x6x6x6]
  %ar = reshape(%at) {dims=[1,144,6]} "ar" : f32[1x144x6]
  %br = reshape(%bt) {dims=[1,36,6]} "br" : f32[1x36x6]
  %y = concat(%ar, %br) {axis=1} "y" : f32[1x180x6]
)");
}

TEST(ViewStrides, HeadsJoinedAlongThePixelsAreWrittenInPlace) {
  expect_no_copies(R"(  %ar = reshape(%a) {dims=[1,6,144]} "ar" : f32[1x6x144]
  %br = reshape(%b) {dims=[1,6,36]} "br" : f32[1x6x36]
  %y = concat(%ar, %br) {axis=2} "y" : f32[1x6x180]
)");
}

}  // namespace
}  // namespace memopt
