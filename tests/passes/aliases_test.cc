// Which values share storage, and where they lie in it: views, operands, results in place.
#include "runtime/plan/limits.h"
#include "tests/passes/aliases_of.h"

namespace memopt {
namespace {

// --- views ---

TEST_F(AliasesOf, RowsAreABox) {
  const ValueId x = input(f32({4, 8}));
  const ValueId part = rows(x, 1, 2);
  const Aliases aliases = find();
  EXPECT_TRUE(moves_nothing(aliases, part));
  expect_place(aliases, part,
               {.root = x, .parent = x, .starts = {1, 0}, .offset_bytes = 32, .strides = {8, 1}});
  expect_place(aliases, x, {.root = x, .parent = {}, .starts = {}, .strides = {8, 1}});
  EXPECT_TRUE(aliases.destinations.empty());
}

TEST_F(AliasesOf, ABoxOfTheLargestRankIsOne) {
  const ValueId x = input(f32({4, 1, 1, 1, 1, 1, 1, 8}));
  const ValueId a = rows(x, 1, 3), b = rows(a, 1, 1), c = reshape(b, {8});
  const Aliases aliases = find();
  EXPECT_EQ(aliases.placement[b].parent, x);
  EXPECT_EQ(aliases.placement[b].starts, (Dims{2, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(aliases.placement[b].offset_bytes, 2 * 32);
  EXPECT_EQ(aliases.placement[c].root, x);
  const ValueId d = reshape(c, {1, 1, 1, 2, 2, 2, 1, 1}), e = reshape(d, {8});
  EXPECT_TRUE(moves_nothing(find(), d));
  EXPECT_TRUE(moves_nothing(find(), e));
}

TEST_F(AliasesOf, WhatIsReversedOrSparseIsNoBox) {
  for (const int64_t step : {-1, 2, 1}) {
    clear();
    Slice op;
    op.starts = {step < 0 ? 2 : 0, 0};
    op.sizes = {2, 8};
    op.steps = {step, 1};
    const ValueId part = apply(op, {input(f32({4, 8}))});
    EXPECT_EQ(moves_nothing(find(), part), step == 1) << step;
  }
}

TEST_F(AliasesOf, ElementsOfABoxHaveWholeBytes) {
  for (const auto& [dtype, offset] :
       {std::pair(DType::kU8, 8), std::pair(DType::kU4, -1), std::pair(DType::kF64, 64)}) {
    clear();
    const ValueId part = rows(input({.dtype = dtype, .dims = {4, 8}}), 1, 2);
    const Aliases aliases = find();
    EXPECT_EQ(moves_nothing(aliases, part), offset >= 0);
    if (offset >= 0) {
      EXPECT_EQ(aliases.placement[part].offset_bytes, offset);
    }
  }
}

TEST_F(AliasesOf, ChainsOfOneKindAreOneLink) {
  const ValueId x = input(f32({6, 8}));
  const ValueId a = rows(x, 1, 5), b = rows(a, 2, 3), c = rows(b, 1, 1);
  const ValueId d = reshape(c, {2, 4}), e = reshape(d, {8}), f = rows(e, 3, 4);
  const Aliases aliases = find();
  expect_place(
      aliases, b,
      {.root = x, .parent = x, .starts = {3, 0}, .offset_bytes = 3 * 32, .strides = {8, 1}});
  expect_place(
      aliases, c,
      {.root = x, .parent = x, .starts = {4, 0}, .offset_bytes = 4 * 32, .strides = {8, 1}});
  expect_place(aliases, d,
               {.root = x,
                .parent = c,
                .whole = true,
                .starts = {},
                .offset_bytes = 4 * 32,
                .strides = {4, 1}});
  expect_place(aliases, e,
               {.root = x,
                .parent = c,
                .whole = true,
                .starts = {},
                .offset_bytes = 4 * 32,
                .strides = {1}});
  expect_place(
      aliases, f,
      {.root = x, .parent = e, .starts = {3}, .offset_bytes = 4 * 32 + 12, .strides = {1}});
}

TEST_F(AliasesOf, AllResultsOfASplitAreViewsOrItRuns) {
  for (const bool one_is_taken : {false, true}) {
    clear();
    const ValueId x = compute(f32({4, 8}));
    const auto parts = results(Split{0, {1, 2, 1}}, {x}, kAny, 0);
    ASSERT_FALSE(parts[0]);
    // Written into a concatenation, it is no view of something else.
    if (one_is_taken) apply(Concat{0}, {parts[2], compute(f32({1, 8}))});
    const Aliases aliases = find();
    EXPECT_EQ(moves_nothing(aliases, parts[1]), !one_is_taken);
    if (one_is_taken) {
      EXPECT_FALSE(aliases.placement[parts[1]].parent);
    } else {
      EXPECT_EQ(aliases.placement[parts[1]].starts, (Dims{1, 0}));
      EXPECT_EQ(aliases.placement[parts[2]].starts, (Dims{3, 0}));
      EXPECT_EQ(aliases.placement[parts[2]].offset_bytes, 3 * 32);
    }
  }
}

TEST_F(AliasesOf, ColumnsAreABoxOnlyForWhatReadsAnyStrides) {
  struct Case {
    const char* name;
    bool transposed, computed, is_output;
    const KernelDef* kernel;
    bool is_view;
  };
  const Case cases[] = {{"one that moves them", true, false, false, &kAny, true},
                        {"one that moves dense ones", true, false, false, &kDenseOperands, false},
                        {"one that computes", false, true, false, &kAny, false},
                        {"both", true, true, false, &kAny, false},
                        {"the caller", true, false, true, &kAny, false}};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    clear();
    const ValueId part = cut(compute(f32({4, 8})), 1, 2, 4);
    if (one.transposed) apply(Transpose{{1, 0}}, {part}, *one.kernel);
    if (one.computed) compute({part}, f32({4, 4}), *one.kernel);
    if (one.is_output) graph_.add_output(part);
    const Aliases aliases = find();
    EXPECT_EQ(moves_nothing(aliases, part), one.is_view);
    if (one.is_view) {
      EXPECT_EQ(aliases.placement[part].strides, (Dims{8, 1}));
      EXPECT_EQ(aliases.placement[part].offset_bytes, 8);
    }
  }
}

TEST_F(AliasesOf, ABoxHasTheLayoutOfItsParent) {
  const ValueId x = compute(f32({4, 2, 3, 3}, Layout::kChannelsLast));
  const ValueId part = rows(x, 1, 1);
  EXPECT_TRUE(moves_nothing(find(), part));
  graph_.set_type(part, f32({1, 2, 3, 3}));
  EXPECT_FALSE(moves_nothing(find(), part));
}

// An output needs bytes of its own: not those of an input, a constant or another output.
TEST_F(AliasesOf, AnOutputIsAViewOnlyOfWhatNobodyElseOwns) {
  BufferOptions outside;
  outside.io_in_arena = false;
  const auto check = [&](const char* of, ValueId result, bool is_view) {
    SCOPED_TRACE(of);
    EXPECT_TRUE(moves_nothing(find(), result)) << "while it is no output";
    graph_.add_output(result);
    EXPECT_EQ(moves_nothing(find(), result), is_view);
    EXPECT_FALSE(moves_nothing(find(outside), result)) << "in the caller's memory";
    clear();
  };
  check("a result", reshape(compute(f32({4})), {2, 2}), true);
  check("a part of a result", rows(compute(f32({4})), 1, 2), true);
  check("an input", reshape(input(f32({4})), {2, 2}), false);
  check("a part of an input", rows(input(f32({4})), 1, 2), false);
  check("a constant", reshape(constant(f32({4})), {2, 2}), false);
  ValueId other = compute(f32({4}));
  graph_.add_output(other);
  check("an output", reshape(other, {2, 2}), false);
  other = compute(f32({4}));
  graph_.add_output(other);
  check("a view of an output", reshape(rows(other, 0, 2), {1, 2}), false);
  other = reshape(compute(f32({4})), {2, 2});
  graph_.add_output(other);
  check("a view that is an output", reshape(other, {4, 1}), false);
}

TEST_F(AliasesOf, OnlyWhatIsSwitchedOnIsDone) {
  const ValueId view = reshape(input(f32({4})), {2, 2});
  const ValueId joined = apply(Concat{0}, {compute(f32({1})), compute(f32({2}))});
  for (const bool views : {false, true}) {
    for (const bool destinations : {false, true}) {
      BufferOptions options;
      options.views = views;
      options.destinations = destinations;
      const Aliases aliases = find(options);
      EXPECT_EQ(moves_nothing(aliases, view), views);
      EXPECT_EQ(moves_nothing(aliases, joined), destinations);
      EXPECT_EQ(aliases.destinations.size(), destinations ? 1u : 0u);
    }
  }
}

TEST_F(AliasesOf, NoChainIsLongerThanAPlanHolds) {
  constexpr int64_t kLinks = kMaxPlanAliasDepth + 40;
  ValueId x = input(f32({kLinks, 4}));
  std::vector<ValueId> links;
  for (int64_t left = kLinks - 1; static_cast<int64_t>(links.size()) < kLinks; --left) {
    links.push_back(x = rows(x, 1, left));
    const bool flat = graph_.type(x).dims.rank() == 2;
    links.push_back(x = flat ? reshape(x, {left, 2, 2}) : reshape(x, {left, 4}));
  }
  const Aliases aliases = find();
  for (size_t i = 0; i < links.size(); ++i) {
    ASSERT_EQ(moves_nothing(aliases, links[i]), i != kMaxPlanAliasDepth) << i;
  }
  EXPECT_EQ(aliases.placement[links.back()].root, links[kMaxPlanAliasDepth]);
}

// --- operands ---

TEST_F(AliasesOf, OperandsAreSeenWhereTheyLie) {
  const ValueId a = compute({ValueId::none(), input(f32({2, 6}))}, f32({2, 4}));
  apply(Concat{1}, {compute(f32({2, 4})), a});
  compute({input(f32({3})), a}, f32({5}));
  const Aliases aliases = find();
  const NodeOperands maker = placed_operands(graph_, aliases, maker_of(a));
  EXPECT_FALSE(maker.inputs[0].present);
  EXPECT_EQ(maker.inputs[1].strides, (Dims{6, 1}));
  EXPECT_EQ(maker.outputs[0].strides, (Dims{8, 1}));
  const NodeOperands reader = placed_operands(graph_, aliases, graph_.order().back());
  EXPECT_EQ(reader.inputs[0].strides, (Dims{1}));
  EXPECT_EQ(reader.inputs[1].strides, (Dims{8, 1}));
  EXPECT_EQ(reader.outputs[0].strides, (Dims{1}));
}

// What is the same in both layouts is shown in that of the node, but not where it has gaps.
TEST_F(AliasesOf, OperandsAreSeenInTheLayoutOfTheNodeWhereTheyLieTheSame) {
  const TensorType pixels = f32({2, 4, 1, 1});
  const ValueId part = compute(pixels), alone = compute(pixels);
  apply(Concat{1}, {compute(pixels), part});
  const ValueId y = compute({part, alone}, f32({2, 4, 3, 3}, Layout::kChannelsLast));
  const Aliases aliases = find();
  ASSERT_EQ(aliases.destinations.size(), 1u);
  const NodeOperands operands = placed_operands(graph_, aliases, maker_of(y));
  EXPECT_EQ(operands.outputs[0].layout, Layout::kChannelsLast);
  EXPECT_EQ(operands.inputs[1].layout, Layout::kChannelsLast);
  EXPECT_EQ(operands.inputs[1].strides, dense_strides(pixels.dims, Layout::kChannelsLast));
  EXPECT_EQ(operands.inputs[0].layout, Layout::kRowMajor);
  EXPECT_EQ(operands.inputs[0].strides, (Dims{8, 1, 1, 1}));
}

// --- results in place ---

class Overwriting : public AliasesOf {
 protected:
  // Of the node that makes the value.
  bool can(ValueId result, size_t input = 0) const {
    const NodeId id = maker_of(result);
    return can_overwrite(graph_, find(), kernels()[id], {}, id, input, 0);
  }
};

TEST_F(Overwriting, TheKernelHasTheLastWord) {
  const TensorType type = f32({2, 4});
  const ValueId a = compute(type), b = compute(type);
  EXPECT_FALSE(can(compute({a, b}, type)));
  const ValueId y = compute({a, b}, type, kOver);
  EXPECT_TRUE(can(y, 0));
  EXPECT_FALSE(can(y, 1));
}

TEST_F(Overwriting, WhateverElseTheNodeReadsOfTheBytesIsOverwrittenToo) {
  const TensorType type = f32({2, 4});
  const ValueId a = compute(type);
  EXPECT_FALSE(can(compute({a, a}, type, kOver)));
  EXPECT_FALSE(can(compute({a, reshape(a, {8})}, type, kOver)));
  EXPECT_FALSE(can(compute({a, rows(a, 0, 1)}, type, kOver)));
  EXPECT_TRUE(can(compute({a, ValueId::none(), compute(type)}, type, kOver)));
}

TEST_F(Overwriting, OnlyBytesOfTheRunAre) {
  const TensorType type = f32({2, 4});
  EXPECT_TRUE(can(compute({input(type)}, type, kOver)));
  EXPECT_FALSE(can(compute({constant(type)}, type, kOver)));
  EXPECT_FALSE(can(compute({reshape(constant(f32({8})), {2, 4})}, type, kOver)));
}

TEST_F(Overwriting, BothOwnAllOfTheirBytes) {
  const TensorType type = f32({2, 4});
  const ValueId large = compute(f32({4, 4}));
  EXPECT_FALSE(can(compute({rows(large, 0, 2)}, type, kOver))) << "of something larger";
  EXPECT_TRUE(can(compute({reshape(compute(f32({8})), {2, 4})}, type, kOver))) << "all of it";
  const ValueId part = compute({compute(type)}, type, kOver);
  EXPECT_TRUE(can(part));
  ASSERT_TRUE(is_in_place(apply(Concat{0}, {part, compute(type)})));
  EXPECT_FALSE(can(part)) << "into something larger";
}

TEST_F(Overwriting, BothHaveTheSameShapeOfMemory) {
  const TensorType type = f32({2, 4});
  const ValueId a = compute(type);
  EXPECT_FALSE(can(compute({a}, f32({4, 2}), kOver)));
  EXPECT_FALSE(can(compute({a}, f32({2, 5}), kOver)));
  EXPECT_FALSE(can(compute({a}, f32({2, 3}), kOver)));
  const TensorType doubles{.dtype = DType::kF64, .dims = type.dims};
  EXPECT_FALSE(can(compute({a}, doubles, kOver)));
  EXPECT_FALSE(can(compute({compute(doubles)}, type, kOver)));
  // As large as what the operand is a part of.
  EXPECT_FALSE(can(compute({rows(compute(f32({4, 4})), 0, 2)}, doubles, kOver)));
  // The same strides and bytes.
  EXPECT_FALSE(can(compute({compute(f32({4, 4}))}, doubles, kOver)));
  const TensorType image = f32({1, 2, 3, 3}, Layout::kChannelsLast);
  EXPECT_TRUE(can(compute({compute(image)}, image, kOver)));
  EXPECT_FALSE(can(compute({compute(image)}, f32(image.dims), kOver)));
}

TEST_F(Overwriting, OneShapeOfMemoryMayHaveTwoNames) {
  const Dims pixels = {1, 4, 1, 1};
  EXPECT_TRUE(can(compute({compute(f32(pixels))}, f32(pixels, Layout::kChannelsLast), kOver)));
  EXPECT_TRUE(can(compute({compute(f32(pixels, Layout::kChannelsLast))}, f32(pixels), kOver)));
}

}  // namespace
}  // namespace memopt
