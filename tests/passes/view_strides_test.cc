// Reshapes and transposes in front of a concatenation: where their operands must lie, and that
// producers then write into the concatenation at once.
#include "passes/planning/view_strides.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "compiler/ir/text.h"
#include "tests/support/run_compiled.h"

namespace memopt {
namespace {

// The graph of one node from %x to %y.
Graph one_node(const Op& op, const TensorType& in, const TensorType& out) {
  Graph graph;
  const ValueId x = graph.add_input("x", in);
  graph.add_output(graph.add_simple(op, {{x}}, out, "y", "node"));
  return graph;
}

TensorType f32(const Dims& dims, Layout layout = Layout::kRowMajor) {
  return {.dtype = DType::kF32, .dims = dims, .layout = layout};
}

std::optional<Dims> after(const Op& op, const TensorType& in, const TensorType& out,
                          const Dims& strides) {
  const Graph graph = one_node(op, in, out);
  return strides_after(graph, graph.node(graph.order()[0]), strides);
}

std::optional<Dims> before(const Op& op, const Dims& in, const Dims& out, const Dims& strides) {
  const Graph graph = one_node(op, f32(in), f32(out));
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

// The strides that lead to these places (of the elements in row-major order), if any do; those of
// dimensions of extent 1 are 0.
std::optional<Dims> strides_to(const std::vector<int64_t>& wanted, const Dims& dims) {
  Dims strides = Dims::filled(dims.rank(), 0);
  size_t step = 1;
  for (int d = dims.rank() - 1; d >= 0; --d) {
    if (dims[d] > 1) strides[d] = wanted[step] - wanted[0];
    step *= static_cast<size_t>(dims[d]);
  }
  return places(dims, strides) == wanted ? std::optional(strides) : std::nullopt;
}

class RandomViews : public ::testing::Test {
 protected:
  int64_t below(int64_t limit) {
    return std::uniform_int_distribution<int64_t>(0, limit - 1)(random_);
  }

  std::vector<int64_t> any_factors(size_t count, int64_t most) {
    std::vector<int64_t> factors(count);
    for (int64_t& factor : factors) factor = 1 + below(most);
    return factors;
  }

  // Dimensions of these factors multiplied together, with some of extent 1.
  Dims any_grouping(const std::vector<int64_t>& factors) {
    Dims dims = {1};
    for (const int64_t factor : factors) {
      if (below(2) == 0 && dims.rank() < kMaxRank) {
        dims.push_back(factor);
      } else {
        dims[dims.rank() - 1] *= factor;
      }
    }
    return dims;
  }

  // In the order of the layout, with gaps here and there, and any stride where it means nothing.
  Dims any_strides(const Dims& dims, Layout layout, bool gaps) {
    Dims order = dense_strides(Dims::filled(dims.rank(), 2), layout);  // larger is further out
    Dims strides = Dims::filled(dims.rank(), 0);
    int64_t step = 1;
    for (int64_t rank = 1; rank < int64_t{1} << dims.rank(); rank *= 2) {
      for (int d = 0; d < dims.rank(); ++d) {
        if (order[d] != rank) continue;
        strides[d] = dims[d] == 1 && below(2) == 0 ? below(100) : step;
        step *= dims[d] + (gaps && below(3) == 0 ? below(3) : 0);
      }
    }
    return strides;
  }

  std::mt19937 random_{1};
};

// What is found names the same places in the same order, and where there is something it is found.
TEST_F(RandomViews, StridesBeforeAReshapeAreFoundExactlyWhereThereAreSome) {
  int found = 0, none = 0;
  for (int trial = 0; trial < 6000; ++trial) {
    std::vector<int64_t> factors = any_factors(5, 4);
    const Dims out = any_grouping(factors);
    // The same factors, in every other trial in another order.
    if (trial % 2 == 0) std::shuffle(factors.begin(), factors.end(), random_);
    const Dims in = any_grouping(factors);
    const Dims strides = any_strides(out, Layout::kRowMajor, trial % 4 < 3);
    const std::vector<int64_t> wanted = places(out, strides);
    const auto result = before(reshape_to(out), in, out, strides);
    ASSERT_EQ(result.has_value(), strides_to(wanted, in).has_value())
        << to_string(in) << ' ' << to_string(out) << ' ' << to_string(strides);
    ++(result ? found : none);
    if (result) {
      ASSERT_EQ(places(in, *result), wanted);
    }
  }
  EXPECT_GT(found, 1500);
  EXPECT_GT(none, 500);
}

// Of any operator that moves everything, in any layouts: the result is a view exactly where its
// elements, in the order of its own dense layout, are those of the operand.
TEST_F(RandomViews, AResultIsAViewExactlyWhereItsElementsAreThoseOfTheOperand) {
  constexpr Layout kLayouts[] = {Layout::kRowMajor, Layout::kChannelsLast};
  int views = 0, copies = 0;
  for (int trial = 0; trial < 6000; ++trial) {
    const std::vector<int64_t> factors = any_factors(4, 3);
    TensorType in = f32(any_grouping(factors)), out = in;
    std::vector<int64_t> perm(static_cast<size_t>(in.dims.rank()));
    std::iota(perm.begin(), perm.end(), 0);
    Op op = Reorder{};
    if (trial % 3 == 0) {
      out.dims = any_grouping(factors);
      op = trial % 2 == 0 ? reshape_to(out.dims) : Op(Identity{});
      if (trial % 2 != 0) out.dims = in.dims;
    } else if (trial % 3 == 1) {
      std::shuffle(perm.begin(), perm.end(), random_);
      for (int i = 0; i < in.dims.rank(); ++i) {
        out.dims[i] = in.dims[static_cast<int>(perm[static_cast<size_t>(i)])];
      }
      op = Transpose{perm};
    }
    for (TensorType* type : {&in, &out}) {
      if (type->dims.rank() >= 3) type->layout = kLayouts[below(2)];
    }
    const Dims strides = any_strides(in.dims, in.layout, trial % 4 == 0);
    // The operand's elements in row-major order of the result.
    Dims turned = strides;
    if (trial % 3 == 1) {
      for (int i = 0; i < in.dims.rank(); ++i) {
        turned[i] = strides[static_cast<int>(perm[static_cast<size_t>(i)])];
      }
    }
    const std::vector<int64_t> there = places(trial % 3 == 1 ? out.dims : in.dims, turned);
    const Dims dense = dense_strides(out.dims, out.layout);
    const auto result = after(op, in, out, strides);
    ASSERT_EQ(result.has_value(), places(out.dims, dense) == there)
        << op_label(op) << ' ' << to_string(in) << ' ' << to_string(out) << ' '
        << to_string(strides);
    ++(result ? views : copies);
    if (result) {
      ASSERT_EQ(*result, dense);
    }
  }
  EXPECT_GT(views, 1000);
  EXPECT_GT(copies, 1000);
}

TEST(ViewStrides, EmptyTensorsAreViewsOfEachOther) {
  EXPECT_TRUE(after(reshape_to({0, 7}), f32({3, 0}), f32({0, 7}), row_major_strides({3, 0})));
  EXPECT_TRUE(before(reshape_to({0, 7}), {3, 0}, {0, 7}, {7, 1}));
}

TEST(ViewStrides, ElementsAtOnePlaceAreNoDenseOnes) {
  EXPECT_TRUE(after(Identity{}, f32({4}), f32({4}), {1}));
  EXPECT_FALSE(after(Identity{}, f32({4}), f32({4}), {0}));
  EXPECT_FALSE(after(Identity{}, f32({4}), f32({4}), {2}));
}

TEST(ViewStrides, WhatComputesHasNone) {
  EXPECT_FALSE(after(Copy{}, f32({4}), f32({4}), {1}));
  EXPECT_FALSE(before(Copy{}, {4}, {4}, {1}));
  for (const Op& op : {Op(Copy{}), Op(Slice{}), Op(Concat{})}) {
    const Graph graph = one_node(op, f32({4}), f32({4}));
    EXPECT_FALSE(moves_whole(graph.node(graph.order()[0])));
  }
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
