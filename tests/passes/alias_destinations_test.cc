// Which concatenations are in place, and where their parts lie.
#include "runtime/plan/limits.h"
#include "tests/passes/aliases_of.h"

namespace memopt {
namespace {

TEST_F(AliasesOf, PartsLieInTheWhole) {
  const ValueId a = compute(f32({2, 3})), b = compute(f32({2, 5}));
  const ValueId y = apply(Concat{1}, {a, b});
  const Aliases aliases = find();
  EXPECT_EQ(aliases.destinations, std::vector{maker_of(y)});
  EXPECT_TRUE(moves_nothing(aliases, y));
  EXPECT_FALSE(moves_nothing(aliases, a));
  expect_place(aliases, y, {.root = y, .parent = {}, .starts = {}, .strides = {8, 1}});
  expect_place(aliases, a, {.root = y, .parent = y, .starts = {0, 0}, .strides = {8, 1}});
  expect_place(aliases, b,
               {.root = y, .parent = y, .starts = {0, 3}, .offset_bytes = 12, .strides = {8, 1}});
  EXPECT_FALSE(moves_nothing(find({}, {maker_of(y)}), y)) << "not asked for";
  EXPECT_TRUE(moves_nothing(find({}, {maker_of(a), maker_of(b)}), y));
}

TEST_F(AliasesOf, APartIsAResultThatIsNowhereElse) {
  const auto joined_with = [&](ValueId part) {
    const ValueId other = compute(graph_.type(part));
    return apply(Concat{0}, {other, part});
  };
  EXPECT_TRUE(is_in_place(joined_with(compute(f32({4})))));
  EXPECT_FALSE(is_in_place(joined_with(input(f32({4})))));
  EXPECT_FALSE(is_in_place(joined_with(constant(f32({4})))));
  EXPECT_FALSE(is_in_place(joined_with(compute(f32({0})))));
  EXPECT_TRUE(is_in_place(joined_with(compute({.dtype = DType::kU8, .dims = {1}}))));
  EXPECT_FALSE(is_in_place(joined_with(compute({.dtype = DType::kU4, .dims = {4}}))));
  const ValueId part = compute(f32({4}));
  graph_.add_output(part);
  EXPECT_FALSE(is_in_place(joined_with(part)));
  const ValueId twice = compute(f32({4}));
  EXPECT_TRUE(is_in_place(joined_with(twice)));
  EXPECT_FALSE(is_in_place(joined_with(twice))) << "it is in the first one already";
  const ValueId a = compute(f32({4})), b = compute(f32({4}));
  EXPECT_FALSE(is_in_place(apply(Concat{0}, {a, b, a})));
}

TEST_F(AliasesOf, APartHasTheLayoutOfTheWhole) {
  const ValueId a = compute(f32({1, 2, 3, 3}, Layout::kChannelsLast));
  const ValueId b = compute(f32({1, 2, 3, 3}, Layout::kChannelsLast));
  const ValueId y = apply(Concat{0}, {a, b});
  EXPECT_TRUE(is_in_place(y));
  graph_.set_type(b, f32({1, 2, 3, 3}));
  EXPECT_FALSE(is_in_place(y));
}

TEST_F(AliasesOf, AnOutputIsJoinedInTheArenaOnly) {
  const ValueId y = apply(Concat{0}, {compute(f32({4})), compute(f32({4}))});
  BufferOptions outside;
  outside.io_in_arena = false;
  EXPECT_TRUE(moves_nothing(find(), y));
  EXPECT_TRUE(moves_nothing(find(outside), y)) << "while it is no output";
  graph_.add_output(y);
  EXPECT_TRUE(moves_nothing(find(), y));
  EXPECT_FALSE(moves_nothing(find(outside), y));
}

// A part with gaps is what its maker and all its other readers agree to.
TEST_F(AliasesOf, KernelsAreAskedAboutStrides) {
  struct Case {
    const KernelDef* maker;
    const KernelDef* reader;
    bool agree;
  };
  const Case cases[] = {{&kAny, &kAny, true},           {&kDenseResults, &kAny, false},
                        {&kDenseOperands, &kAny, true}, {&kAny, &kDenseOperands, false},
                        {&kAny, &kDenseResults, true},  {&kSameScratch, &kSameScratch, true},
                        {&kMoreScratch, &kAny, false},  {&kAny, &kMoreScratch, false},
                        {&kLessScratch, &kAny, false},  {&kAny, &kLessScratch, false},
                        {&kNoNeeds, &kAny, false},      {&kAny, &kNoNeeds, false}};
  for (const Case& one : cases) {
    SCOPED_TRACE(std::string(one.maker->name) + ", " + std::string(one.reader->name));
    for (const int axis : {0, 1}) {
      clear();
      const ValueId a = compute(f32({2, 4}), *one.maker), b = compute(f32({2, 4}));
      const ValueId y = apply(Concat{axis}, {b, a}, kDenseOperands);  // which moves nothing then
      compute({input(f32({2, 4})), a}, f32({7}), *one.reader);
      EXPECT_EQ(is_in_place(y), one.agree || axis == 0);
    }
  }
}

std::vector<Operand> operands_seen;

// Kernels are asked about the strides of the part, and about everything else as it is.
TEST_F(AliasesOf, KernelsAreAskedAboutThePartAlone) {
  const KernelDef watching{.name = "watching", .supports = [](const KernelRequest& request) {
                             operands_seen.assign(request.inputs.begin(), request.inputs.end());
                             operands_seen.insert(operands_seen.end(), request.outputs.begin(),
                                                  request.outputs.end());
                             return true;
                           }};
  const ValueId a = compute({ValueId::none(), input(f32({2, 6}))}, f32({2, 4}), watching);
  const ValueId y = apply(Concat{1}, {compute(f32({2, 4})), a});
  operands_seen.clear();
  ASSERT_TRUE(is_in_place(y));
  ASSERT_EQ(operands_seen.size(), 3u);
  EXPECT_FALSE(operands_seen[0].present);
  EXPECT_EQ(operands_seen[1].strides, (Dims{6, 1}));
  EXPECT_EQ(operands_seen[2].strides, (Dims{8, 1}));
  // Of a reader.
  compute({a, input(f32({5})), a}, f32({3}), watching);
  operands_seen.clear();
  ASSERT_TRUE(is_in_place(y));
  ASSERT_EQ(operands_seen.size(), 4u);
  EXPECT_EQ(operands_seen[0].strides, (Dims{8, 1}));
  EXPECT_EQ(operands_seen[1].strides, (Dims{1}));
  EXPECT_EQ(operands_seen[2].strides, (Dims{8, 1}));
  EXPECT_EQ(operands_seen[3].strides, (Dims{1}));
}

TEST_F(AliasesOf, AConcatenationMovesIntoAnotherWithItsParts) {
  const ValueId a = compute(f32({2, 4})), b = compute(f32({1, 4})), c = compute(f32({3, 4}));
  const ValueId inner = apply(Concat{0}, {a, b}, kDenseResults);
  const ValueId outer = apply(Concat{0}, {c, inner});
  const Aliases aliases = find();
  ASSERT_EQ(aliases.destinations.size(), 2u);
  expect_place(
      aliases, inner,
      {.root = outer, .parent = outer, .starts = {3, 0}, .offset_bytes = 48, .strides = {4, 1}});
  expect_place(
      aliases, a,
      {.root = outer, .parent = inner, .starts = {0, 0}, .offset_bytes = 48, .strides = {4, 1}});
  expect_place(aliases, b,
               {.root = outer,
                .parent = inner,
                .starts = {2, 0},
                .offset_bytes = 48 + 32,
                .strides = {4, 1}});
}

// The strides of what lies in it would have to change as well.
TEST_F(AliasesOf, AConcatenationInPlaceIsNoPartWithGaps) {
  const ValueId inner = apply(Concat{0}, {compute(f32({2, 4})), compute(f32({1, 4}))});
  const ValueId outer = apply(Concat{1}, {compute(f32({3, 4})), inner});
  const Aliases aliases = find();
  EXPECT_EQ(aliases.destinations, std::vector{maker_of(inner)});
  EXPECT_TRUE(moves_nothing(find({}, {maker_of(inner)}), outer)) << "but it is one that runs";
}

TEST_F(AliasesOf, WhatIsMovedBeforeAPartIsWrittenInPlaceAsWell) {
  const ValueId a = compute(f32({2, 3, 4}));
  const ValueId turned = apply(Transpose{{0, 2, 1}}, {a});
  graph_.set_type(a, f32({2, 3, 4}, Layout::kChannelsLast));  // as it lies there
  const ValueId flat = reshape(turned, {2, 12});
  const ValueId y = apply(Concat{1}, {compute(f32({2, 5})), flat});
  const Aliases aliases = find();
  for (const ValueId id : {y, flat, turned}) EXPECT_TRUE(moves_nothing(aliases, id));
  EXPECT_FALSE(moves_nothing(aliases, a));
  expect_place(aliases, flat,
               {.root = y, .parent = y, .starts = {0, 5}, .offset_bytes = 20, .strides = {17, 1}});
  expect_place(aliases, turned,
               {.root = y,
                .parent = flat,
                .whole = true,
                .starts = {},
                .offset_bytes = 20,
                .strides = {17, 3, 1}});
  expect_place(aliases, a,
               {.root = y,
                .parent = flat,
                .whole = true,
                .starts = {},
                .offset_bytes = 20,
                .strides = {17, 1, 3}});
}

// A value at places that its layout does not have it at is made by a node that runs.
TEST_F(AliasesOf, DimensionsOutOfOrderEndTheWayBack) {
  const ValueId a = compute(f32({2, 3, 4}));
  const ValueId turned = apply(Transpose{{0, 2, 1}}, {a});
  const ValueId y = apply(Concat{1}, {compute(f32({2, 1, 3})), turned});
  const Aliases aliases = find();
  EXPECT_TRUE(moves_nothing(aliases, y));
  EXPECT_FALSE(moves_nothing(aliases, turned));
  EXPECT_EQ(aliases.placement[a].root, a);
}

TEST_F(AliasesOf, WhatOthersReadEndsTheWayBack) {
  const ValueId a = compute(f32({2, 6}));
  const ValueId flat = reshape(a, {12});
  const ValueId y = apply(Concat{0}, {compute(f32({5})), flat});
  EXPECT_TRUE(moves_nothing(find(), flat));
  EXPECT_EQ(find().placement[a].root, y);
  compute({flat}, f32({1}));
  EXPECT_EQ(find().placement[flat].root, y);
  EXPECT_EQ(find().placement[a].root, a);
}

// The way back goes past what does not work with gaps, where something before it does.
TEST_F(AliasesOf, TheWayBackEndsAtTheLastThatAgrees) {
  for (const KernelDef* maker : {&kAny, &kDenseResults}) {
    clear();
    const ValueId a = compute(f32({2, 2, 3}), *maker);
    const ValueId flat = apply(Reshape{{2, 6}}, {a}, kDenseResults);
    const ValueId y = apply(Concat{1}, {compute(f32({2, 5})), flat});
    const Aliases aliases = find();
    EXPECT_EQ(moves_nothing(aliases, y), maker == &kAny);
    EXPECT_EQ(moves_nothing(aliases, flat), true) << "as a view otherwise";
    EXPECT_EQ(aliases.placement[a].root, maker == &kAny ? y : a);
  }
}

TEST_F(AliasesOf, ConcatenationsWithinEachOtherLeaveLinksToTheViewsInThem) {
  for (const bool reshaped : {false, true}) {
    SCOPED_TRACE(reshaped ? "two links each" : "one link each");
    clear();
    const size_t most = kMaxPlanAliasDepth / 2 / (reshaped ? 2 : 1);
    ValueId y = compute(f32({1}));
    std::vector<ValueId> all;
    for (size_t i = 0; i < most + 3; ++i) {
      const int64_t size = graph_.type(y).count();
      if (reshaped) y = reshape(y, i % 2 == 0 ? Dims{size, 1} : Dims{size});
      const Dims one = graph_.type(y).dims.rank() == 1 ? Dims{1} : Dims{1, 1};
      // The second part is the one that counts.
      all.push_back(y = apply(Concat{0}, {y, compute(f32(one))}));
    }
    const Aliases aliases = find();
    for (size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(moves_nothing(aliases, all[i]), i != most) << i;
    }
    size_t longest = 0;
    for (const ValueId id : live_values(graph_)) {
      size_t depth = 0;
      for (ValueId at = id; aliases.placement[at].parent; at = aliases.placement[at].parent) {
        ++depth;
      }
      longest = std::max(longest, depth);
    }
    EXPECT_LE(longest, kMaxPlanAliasDepth);
    EXPECT_GE(longest, kMaxPlanAliasDepth / 2);
  }
}

}  // namespace
}  // namespace memopt
