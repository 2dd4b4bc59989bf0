// Which values share storage, and where they lie in it: decisions on graphs made by hand, with
// kernels that say what a case needs them to say.
#include "passes/planning/aliases.h"

#include <gtest/gtest.h>

#include "runtime/plan/limits.h"
#include "tests/support/first_result.h"

namespace memopt {
namespace {

bool always(const KernelRequest&) { return true; }
bool is_dense(const Operand& operand) {
  return is_dense(operand.dims, operand.strides, operand.layout);
}
Result<KernelNeeds> scratch(int64_t bytes) {
  return KernelNeeds{.scratch_bytes = bytes, .packed = {}};
}

constexpr int64_t kScratch = 100;
const KernelDef kAny{.name = "any", .supports = always};
const KernelDef kDenseResults{.name = "dense results", .supports = [](const KernelRequest& r) {
                                return is_dense(r.outputs[0]);
                              }};
const KernelDef kDenseOperands{.name = "dense operands", .supports = [](const KernelRequest& r) {
                                 return std::all_of(r.inputs.begin(), r.inputs.end(),
                                                    [](const Operand& o) { return is_dense(o); });
                               }};
const KernelDef kSameScratch{.name = "the scratch that it had",
                             .supports = always,
                             .needs = [](const KernelRequest&) { return scratch(kScratch); }};
const KernelDef kMoreScratch{.name = "more scratch",
                             .supports = always,
                             .needs = [](const KernelRequest&) { return scratch(kScratch + 1); }};
const KernelDef kLessScratch{.name = "less scratch",
                             .supports = always,
                             .needs = [](const KernelRequest&) { return scratch(kScratch - 1); }};
const KernelDef kNoNeeds{
    .name = "does not know", .supports = always, .needs = [](const KernelRequest&) {
      return Result<KernelNeeds>(internal_error("does not know"));
    }};
const KernelDef kOver{.name = "overwrites operand 0",
                      .supports = always,
                      .in_place = [](const KernelRequest&, int input, int) { return input == 0; }};

TensorType f32(const Dims& dims, Layout layout = Layout::kRowMajor) {
  return {.dtype = DType::kF32, .dims = dims, .layout = layout};
}

class AliasesOf : public ::testing::Test {
 protected:
  void clear() {
    graph_ = {};
    kernels_.clear();
  }
  // Types come by value: those of a graph move when it grows.
  ValueId input(TensorType type) { return graph_.add_input(graph_.unique_name("x"), type); }
  ValueId constant(TensorType type) {
    return graph_.add_constant(
        graph_.unique_name("c"), type,
        ConstantData::from_bytes(std::vector<std::byte>(static_cast<size_t>(type.bytes()))));
  }
  // What the operator makes of the operands; an absent result where `absent` says so.
  std::vector<ValueId> results(const Op& op, const std::vector<ValueId>& inputs,
                               const KernelDef& kernel = kAny, int absent = -1) {
    auto types = infer_results(graph_, op, inputs);
    EXPECT_TRUE(types.ok()) << types.error().message;
    std::vector<Value> outputs(types->size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      outputs[i].type = (*types)[i];
      outputs[i].type.layout = graph_.type(inputs[0]).layout;
      if (static_cast<int>(i) != absent) outputs[i].name = graph_.unique_name("v");
    }
    return add(op, inputs, outputs, kernel);
  }
  ValueId apply(const Op& op, const std::vector<ValueId>& inputs, const KernelDef& kernel = kAny) {
    return results(op, inputs, kernel)[0];
  }
  // Something computed.
  ValueId compute(const std::vector<ValueId>& inputs, TensorType type,
                  const KernelDef& kernel = kAny) {
    Value output;
    output.name = graph_.unique_name("v");
    output.type = type;
    return add(Softmax{}, inputs, {output}, kernel)[0];
  }
  ValueId compute(TensorType type, const KernelDef& kernel = kAny) {
    return compute({input(type)}, type, kernel);
  }
  ValueId reshape(ValueId x, const Dims& dims) {
    return apply(Reshape{{dims.begin(), dims.end()}}, {x});
  }
  // These rows of all.
  ValueId rows(ValueId x, int64_t begin, int64_t count) { return cut(x, 0, begin, count); }
  ValueId cut(ValueId x, int axis, int64_t begin, int64_t count) {
    Slice op;
    for (const int64_t extent : graph_.type(x).dims) op.sizes.push_back(extent);
    op.starts.assign(op.sizes.size(), 0);
    op.steps.assign(op.sizes.size(), 1);
    op.starts[static_cast<size_t>(axis)] = begin;
    op.sizes[static_cast<size_t>(axis)] = count;
    return apply(op, {x});
  }

  Aliases find(const BufferOptions& options = {}, const std::vector<NodeId>& without = {}) const {
    return find_aliases(graph_, kernels(), options, without);
  }
  NodeMap<KernelChoice> kernels() const {
    NodeMap<KernelChoice> result(graph_);
    for (size_t i = 0; i < kernels_.size(); ++i) {
      result[graph_.order()[i]] = {.kernel = kernels_[i],
                                   .needs = {.scratch_bytes = kScratch, .packed = {}}};
    }
    return result;
  }
  NodeId maker_of(ValueId id) const { return graph_.value(id).producer; }
  bool moves_nothing(const Aliases& aliases, ValueId id) const {
    return aliases.elided[maker_of(id)];
  }
  bool is_in_place(ValueId concat) const {
    const Aliases aliases = find();
    const bool elided = moves_nothing(aliases, concat);
    const auto& list = aliases.destinations;
    EXPECT_EQ(std::count(list.begin(), list.end(), maker_of(concat)), elided ? 1 : 0);
    return elided;
  }
  void expect_place(const Aliases& aliases, ValueId id, const PlaceInRoot& wanted) const {
    const PlaceInRoot& place = aliases.placement[id];
    EXPECT_EQ(place.root, wanted.root) << graph_.value(id).name;
    EXPECT_EQ(place.parent, wanted.parent) << graph_.value(id).name;
    EXPECT_EQ(place.whole, wanted.whole) << graph_.value(id).name;
    EXPECT_EQ(place.starts, wanted.starts) << graph_.value(id).name;
    EXPECT_EQ(place.offset_bytes, wanted.offset_bytes) << graph_.value(id).name;
    EXPECT_EQ(place.strides, wanted.strides) << graph_.value(id).name;
  }

  Graph graph_;
  std::vector<const KernelDef*> kernels_;  // in the order of the nodes

 private:
  std::vector<ValueId> add(const Op& op, const std::vector<ValueId>& inputs,
                           const std::vector<Value>& outputs, const KernelDef& kernel) {
    const NodeId id = graph_.add_node(op, inputs, outputs, "");
    kernels_.push_back(&kernel);
    return {graph_.node(id).outputs.begin(), graph_.node(id).outputs.end()};
  }
};

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

// --- concatenations ---

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
