// States: written where the old value lies, behind all that read it; the same bits as with a caller
// who feeds them from run to run.
#include "passes/planning/states.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "passes/compile.h"
#include "tests/support/random_graph.h"
#include "tests/support/run_compiled.h"

namespace memopt {
namespace {

using Bytes = std::vector<std::byte>;

std::unique_ptr<CompiledModel> compiled(const char* text, const CompileOptions& options = {}) {
  auto graph = parse_graph(text);
  EXPECT_TRUE(graph.ok()) << graph.error().message;
  auto model = compile_graph(*std::move(graph), options);
  EXPECT_TRUE(model.ok()) << model.error().message;
  return *std::move(model);
}

std::vector<std::string> steps_of(const CompiledModel& model) {
  std::vector<std::string> steps;
  for (const PlanInstruction& step : model.plan().instructions) {
    steps.emplace_back(op_name(step.op));
  }
  return steps;
}

Bytes bytes_of(const std::vector<float>& numbers) {
  const auto bytes = std::as_bytes(std::span(numbers));
  return {bytes.begin(), bytes.end()};
}

// The only output of each run, whose only input is these numbers.
std::vector<std::vector<float>> stream(const CompiledModel& model,
                                       const std::vector<std::vector<float>>& runs) {
  std::vector<std::vector<Bytes>> inputs;
  inputs.reserve(runs.size());
  for (const std::vector<float>& run : runs) inputs.push_back({bytes_of(run)});
  std::vector<std::vector<float>> outputs;
  for (const std::vector<Bytes>& output : run_stream(model, true, inputs)) {
    outputs.emplace_back(output[0].size() / sizeof(float));
    std::memcpy(outputs.back().data(), output[0].data(), output[0].size());
  }
  return outputs;
}

using Steps = std::vector<std::string>;
using Runs = std::vector<std::vector<float>>;

TEST(States, AKernelThatWorksInPlaceUpdatesThem) {
  const auto model = compiled(R"(graph "sum" {
  %h = state : f32[2] [10, 20]
  %x = input : f32[2]
  %n = binary(%h, %x) : f32[2]
  %y = unary(%n) {fn=neg} : f32[2]
  return %y, %n into %h
})");
  EXPECT_EQ(steps_of(*model), (Steps{"binary", "unary"}));
  EXPECT_EQ(model->plan().state_bytes, 64);
  EXPECT_EQ(model->plan().inputs.size(), 1U);
  EXPECT_EQ(stream(*model, {{1, 2}, {3, 4}, {5, 6}}), (Runs{{-11, -22}, {-14, -26}, {-19, -32}}));
}

TEST(States, WhoReadsTheOldValueRunsBeforeItIsOverwritten) {
  // In this order `z` would read the new value.
  const auto model = compiled(R"(graph "last" {
  %h = state : f32[1x2x1]
  %x = input : f32[1x2x1]
  %n = unary(%x) {fn=exp} : f32[1x2x1]
  %v = reshape(%h) {dims=[2]} : f32[2]
  %z = unary(%v) {fn=neg} : f32[2]
  return %z, %n into %h
})");
  EXPECT_EQ(steps_of(*model), (Steps{"unary", "unary"}));
  EXPECT_EQ(stream(*model, {{0, 0}, {0, 0}}), (Runs{{0, 0}, {-1, -1}}));
}

TEST(States, WhatCannotBeWrittenOverTheOldValueIsCopiedAtTheEnd) {
  // `z` needs both values.
  const auto model = compiled(R"(graph "delta" {
  %h = state : f32[2]
  %x = input : f32[2]
  %n = unary(%x) {fn=neg} : f32[2]
  %z = binary(%n, %h) {fn=sub} : f32[2]
  return %z, %n into %h
})");
  EXPECT_EQ(steps_of(*model), (Steps{"unary", "binary", "copy"}));
  EXPECT_EQ(stream(*model, {{1, 2}, {3, 5}}), (Runs{{-1, -2}, {-2, -3}}));
}

TEST(States, MayTakeEachOthersValues) {
  const auto model = compiled(R"(graph "swap" {
  %a = state : f32[2] [1, 2]
  %b = state : f32[2] [3, 4]
  %x = input : f32[2]
  %y = binary(%a, %x) : f32[2]
  return %y, %b into %a, %a into %b
})");
  EXPECT_EQ(stream(*model, {{0, 0}, {0, 0}, {10, 10}}), (Runs{{1, 2}, {3, 4}, {11, 12}}));
}

TEST(States, AShiftRegisterMovesOnByOne) {
  const auto model = compiled(R"(graph "shift" {
  %a = state : f32[1]
  %b = state : f32[1]
  %c = state : f32[1]
  %x = input : f32[1]
  %y = unary(%c) {fn=neg} : f32[1]
  return %y, %x into %a, %a into %b, %b into %c
})");
  // What each holds is read before it is overwritten.
  EXPECT_EQ(steps_of(*model), (Steps{"unary", "copy", "copy", "copy"}));
  EXPECT_EQ(stream(*model, {{1}, {2}, {3}, {4}, {5}}),
            (Runs{{-0.0F}, {-0.0F}, {-0.0F}, {-1}, {-2}}));
}

TEST(States, AreReturnedAsTheyWereWhereTheyAreOutputsToo) {
  for (const bool io_in_arena : {true, false}) {
    CompileOptions options;
    options.buffers.io_in_arena = io_in_arena;
    const auto model = compiled(R"(graph "old" {
  %h = state : f32[2] [1, 2]
  %x = input : f32[2]
  %n = binary(%h, %x) : f32[2]
  return %h as "y", %n into %h
})",
                                options);
    ASSERT_EQ(model->plan().outputs.size(), 1U);
    EXPECT_EQ(model->plan().values[model->plan().outputs[0]].name, "y");
    EXPECT_EQ(stream(*model, {{1, 1}, {1, 1}}), (Runs{{1, 2}, {2, 3}}));
  }
}

TEST(States, MayBeConstantsOrStayAsTheyAre) {
  const auto model = compiled(R"(graph "constant" {
  %h = state : f32[2] [1, 2]
  %k = state : f32[2] [5, 6]
  %x = input : f32[2]
  %c = constant : f32[2] [7, 8]
  %s = binary(%h, %k) : f32[2]
  %y = binary(%s, %x) : f32[2]
  return %y, %c into %h, %k into %k
})");
  EXPECT_EQ(stream(*model, {{0, 0}, {0, 0}}), (Runs{{6, 8}, {12, 14}}));
}

TEST(States, CachesThatLieInOneAreWrittenPartByPart) {
  const auto model = compiled(R"(graph "caches" {
  %c = state : f32[6] [1, 2, 3, 4, 5, 6]
  %x = input : f32[2]
  %a = slice(%c) {starts=[0] sizes=[3] steps=[1]} : f32[3]
  %ax = concat(%a, %x) {axis=0} : f32[5]
  %na = slice(%ax) {starts=[2] sizes=[3] steps=[1]} : f32[3]
  %u = unary(%ax) {fn=neg} : f32[5]
  %ux = slice(%u) {starts=[0] sizes=[2] steps=[1]} : f32[2]
  %b = slice(%c) {starts=[3] sizes=[3] steps=[1]} : f32[3]
  %bx = concat(%b, %ux) {axis=0} : f32[5]
  %nb = slice(%bx) {starts=[2] sizes=[3] steps=[1]} : f32[3]
  %y = unary(%bx) {fn=neg} : f32[5]
  %n = concat(%na, %nb) {axis=0} : f32[6]
  return %y, %n into %c
})");
  // Each slice writes its cache once that is read; nothing joins them.
  EXPECT_EQ(steps_of(*model), (Steps{"concat", "unary", "slice", "concat", "slice", "unary"}));
  EXPECT_EQ(stream(*model, {{0, 0}, {0, 0}}), (Runs{{-4, -5, -6, 1, 2}, {-6, 1, 2, 3, 0}}));
}

TEST(States, ACacheThatIsReadBehindAnothersUpdateIsNotWrittenPartByPart) {
  // `nb` would overwrite what `y` reads behind it.
  const auto model = compiled(R"(graph "crossed" {
  %c = state : f32[6] [1, 2, 3, 4, 5, 6]
  %x = input : f32[3]
  %a = slice(%c) {starts=[0] sizes=[3] steps=[1]} : f32[3]
  %b = slice(%c) {starts=[3] sizes=[3] steps=[1]} : f32[3]
  %na = binary(%a, %x) : f32[3]
  %nb = unary(%na) {fn=neg} : f32[3]
  %n = concat(%na, %nb) {axis=0} : f32[6]
  %y = binary(%nb, %b) : f32[3]
  return %y, %n into %c
})");
  EXPECT_EQ(std::ranges::count(steps_of(*model), "concat"), 1);
  EXPECT_EQ(stream(*model, {{1, 1, 1}, {1, 1, 1}}), (Runs{{2, 2, 2}, {-5, -7, -9}}));
}

// A random graph one or both of whose inputs are fed with values of its own.
struct Fed {
  Graph with_states;
  Graph by_hand;               // its last outputs are what is fed
  std::vector<size_t> fed;     // inputs
  std::vector<Bytes> initial;  // of each of them
};

Bytes random_bytes(std::mt19937& random, int64_t bytes) {
  std::vector<float> numbers(static_cast<size_t>(bytes) / sizeof(float));
  for (float& number : numbers) number = std::uniform_real_distribution<float>(-1, 1)(random);
  return bytes_of(numbers);
}

Fed fed_graph(uint32_t seed) {
  std::mt19937 random(seed);
  Fed fed{.with_states = random_graph(seed, 3 + static_cast<int>(seed % 20)),
          .by_hand = {},
          .fed = {},
          .initial = {}};
  Graph& graph = fed.with_states;
  std::vector<State> states;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    if (random() % 4 == 0) continue;
    const ValueId before = graph.inputs()[i];
    std::vector<ValueId> candidates;
    for (const ValueId id : live_values(graph)) {
      if (graph.type(id) == graph.type(before)) candidates.push_back(id);
    }
    graph.add_output(candidates[random() % candidates.size()], "next" + std::to_string(i));
    fed.fed.push_back(i);
    const bool zeros = random() % 2 == 0;
    const int64_t bytes = graph.type(before).bytes();
    fed.initial.push_back(zeros ? Bytes(static_cast<size_t>(bytes)) : random_bytes(random, bytes));
    states.push_back({.before = before,
                      .output = graph.outputs().size() - 1,
                      .initial = zeros ? nullptr : ConstantData::from_bytes(fed.initial.back())});
  }
  fed.by_hand = graph;
  for (State& state : states) graph.add_state(std::move(state));
  return fed;
}

// Several caches in one state, read and made in any order, some of them by copying another.
Fed cache_graph(uint32_t seed) {
  std::mt19937 random(seed);
  const auto any = [&](const std::vector<ValueId>& list) { return list[random() % list.size()]; };
  Fed fed;
  Graph& graph = fed.with_states;
  graph.name = "caches";
  const auto caches = static_cast<int64_t>(2 + random() % 4);
  const TensorType part{.dtype = DType::kF32, .dims = {1, 16, 2}};
  const TensorType all{.dtype = DType::kF32, .dims = {1, 16, 2 * caches}};
  const ValueId state = graph.add_input("state", all);
  std::vector<ValueId> values = {graph.add_input("x", part)}, made;
  for (int64_t i = 0; i < caches; ++i) {
    Slice slice;
    slice.starts = {0, 0, 2 * i};
    slice.sizes = {1, 16, 2};
    slice.steps = {1, 1, 1};
    values.push_back(graph.add_simple(slice, {{state}}, part, "cache", "slice"));
  }
  for (int64_t i = 0; i < 2 * caches; ++i) {
    const ValueId a = any(values), b = any(values);
    made.push_back(random() % 2 == 0
                       ? graph.add_simple(Binary{}, {{a, b}}, part, "sum", "sum")
                       : graph.add_simple(Unary{{UnaryFn::kNeg, 0, 0}}, {{a}}, part, "neg", "neg"));
    values.push_back(made.back());
  }
  std::vector<ValueId> parts;
  for (int64_t i = 0; i < caches; ++i) parts.push_back(random() % 6 == 0 ? any(values) : any(made));
  graph.add_output(graph.add_simple(Binary{}, {{made.back(), values[1]}}, part, "y", "y"));
  graph.add_output(graph.add_simple(Concat{2}, parts, all, "next", "next"));
  fed.fed = {0};
  fed.initial = {random_bytes(random, all.bytes())};
  fed.by_hand = graph;
  graph.add_state(
      {.before = state, .output = 1, .initial = ConstantData::from_bytes(fed.initial[0])});
  return fed;
}

// Compiles both forms and compares some runs.
std::unique_ptr<CompiledModel> expect_bits_of_feeding_by_hand(const Fed& fed,
                                                              const CompileOptions& options,
                                                              uint32_t seed) {
  constexpr int kRuns = 3;
  EXPECT_TRUE(verify_graph(fed.with_states).ok());
  auto model = compile_graph(fed.with_states, options);
  const auto by_hand = compile_graph(fed.by_hand, options);
  EXPECT_TRUE(model.ok()) << model.error().message;
  EXPECT_TRUE(by_hand.ok()) << by_hand.error().message;
  std::mt19937 random(seed);
  std::vector<std::vector<Bytes>> streamed, expected;
  std::vector<Bytes> kept = fed.initial;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<Bytes> all, given;
    for (size_t i = 0, k = 0; i < fed.by_hand.inputs().size(); ++i) {
      const bool is_fed = k < fed.fed.size() && fed.fed[k] == i;
      const int64_t bytes = fed.by_hand.type(fed.by_hand.inputs()[i]).bytes();
      all.push_back(is_fed ? kept[k++] : random_bytes(random, bytes));
      if (!is_fed) given.push_back(all.back());
    }
    streamed.push_back(given);
    std::vector<Bytes> outputs = run_compiled(**by_hand, false, all);
    const auto next = outputs.end() - static_cast<std::ptrdiff_t>(fed.fed.size());
    kept.assign(next, outputs.end());
    outputs.erase(next, outputs.end());
    expected.push_back(std::move(outputs));
  }
  EXPECT_EQ(run_stream(**model, true, streamed), expected) << dump_plan((*model)->plan());
  return *std::move(model);
}

CompileOptions varied_options(uint32_t seed) {
  CompileOptions options;
  options.buffers.io_in_arena = seed % 3 != 0;
  options.buffers.order = seed % 5 != 0;
  options.buffers.views = seed % 7 != 0;
  options.buffers.destinations = seed % 11 != 0;
  options.buffers.in_place = seed % 13 != 0;
  return options;
}

TEST(States, OfRandomGraphsGiveTheBitsOfFeedingThemByHand) {
  int without_copies = 0;
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    const auto model = expect_bits_of_feeding_by_hand(fed_graph(seed), varied_options(seed), seed);
    without_copies += std::ranges::count(steps_of(*model), "copy") == 0 ? 1 : 0;
  }
  EXPECT_GT(without_copies, 50);
}

TEST(States, OfManyCachesGiveTheBitsOfFeedingThemByHand) {
  int in_parts = 0;
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    const auto model =
        expect_bits_of_feeding_by_hand(cache_graph(seed), varied_options(seed), seed);
    in_parts += std::ranges::count(steps_of(*model), "concat") == 0 ? 1 : 0;
  }
  EXPECT_GT(in_parts, 20);
}

}  // namespace
}  // namespace memopt
