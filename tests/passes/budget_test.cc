// The memory budget: its curve, its techniques, and that they leave the results alone.
#include "passes/budget/budget.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "compiler/ir/text.h"
#include "passes/pipeline.h"
#include "runtime/ops/op_def.h"
#include "tests/support/deep_chain.h"
#include "tests/support/first_result.h"
#include "tests/support/random_graph.h"
#include "tests/support/run_compiled.h"

namespace memopt {
namespace {

constexpr int kEvaluations = 120;  // enough for networks of this size

BudgetOptions brief() {
  BudgetOptions options;
  options.max_evaluations = kEvaluations;
  return options;
}

BudgetTechniques only(bool BudgetTechniques::*technique) {
  BudgetTechniques techniques{
      .tile = false, .micro_batch = false, .rematerialize = false, .small_scratch = false};
  techniques.*technique = true;
  return techniques;
}

// Networks of 3 x 3 convolutions with narrow ends: what is between is for the budget to lower.
class NetworkBuilder {
 public:
  NetworkBuilder(uint64_t seed, int64_t batch) : random_(seed) {
    value_ = graph_.add_input("x", {.dtype = DType::kF32, .dims = {batch, 2, 24, 24}});
  }

  Graph build(int blocks) {
    convolve(8, 1);
    for (int i = 0; i < blocks; ++i) add_block();
    convolve(1, 1);
    graph_.add_output(value_);
    return std::move(graph_);
  }

 private:
  int64_t below(int64_t limit) {
    return std::uniform_int_distribution<int64_t>(0, limit - 1)(random_);
  }

  void add_block() {
    const ValueId before = value_;
    switch (below(5)) {
      case 0:
        return convolve(4 + 4 * below(4), 1);
      case 1:
        return convolve(8, 1 + below(2));
      case 2:  // residual
        convolve(16, 1);
        convolve(graph_.type(before).dims[1], 1);
        return apply(Binary{.fn = BinaryFn::kAdd, .activation = {}}, {value_, before});
      case 3:  // skip
        convolve(8, 1);
        apply(Unary{.fn = {.fn = UnaryFn::kExp}}, {value_});
        return apply(Concat{1}, {before, value_});
      default:
        return apply(Unary{.fn = {.fn = UnaryFn::kRelu}}, {value_});
    }
  }

  void convolve(int64_t channels, int64_t stride) {
    Dims dims = {channels, graph_.type(value_).dims[1], 3, 3};
    std::vector<std::byte> bytes(static_cast<size_t>(dims.count()) * sizeof(float));
    for (int64_t i = 0; i < dims.count(); ++i) {
      const float weight = std::uniform_real_distribution<float>(-0.1f, 0.1f)(random_);
      std::memcpy(bytes.data() + i * 4, &weight, sizeof(weight));
    }
    const ValueId weights =
        graph_.add_constant(graph_.unique_name("w"), {.dtype = DType::kF32, .dims = dims},
                            ConstantData::from_bytes(std::move(bytes)));
    Conv conv;
    conv.strides = {stride, stride};
    conv.dilations = {1, 1};
    conv.pads = {1, 1, 1, 1};
    apply(std::move(conv), {value_, weights});
  }

  void apply(Op op, const std::vector<ValueId>& inputs) {
    const auto results = infer_results(graph_, op, inputs);
    MEMOPT_CHECK(results.ok());
    value_ = add_first_result(graph_, std::move(op), inputs, *results, "v", "n");
  }

  std::mt19937_64 random_;
  Graph graph_;
  ValueId value_;
};

Graph random_network(uint64_t seed, int64_t batch = 1) {
  return NetworkBuilder(seed, batch).build(2 + static_cast<int>(seed % 5));
}

CompileOptions with_budget(int64_t bytes, const BudgetTechniques& techniques) {
  CompileOptions options;
  options.budget_bytes = bytes;
  options.budget = brief();
  options.budget.techniques = techniques;
  return options;
}

TEST(Budget, TilingHalvesTheArenaOfAConvolutionalNetwork) {
  const auto whole = compile_graph(random_network(1), {});
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  const int64_t budget = (*whole)->plan().arena_bytes / 2;
  const auto tiled =
      compile_graph(random_network(1), with_budget(budget, only(&BudgetTechniques::tile)));
  ASSERT_TRUE(tiled.ok()) << tiled.error().message;
  EXPECT_LE((*tiled)->plan().arena_bytes, budget);
  ASSERT_FALSE((*tiled)->moves.empty());
  EXPECT_EQ(technique_name((*tiled)->moves[0]), "tile");
  EXPECT_LT(relative_error(run_compiled(**tiled, true), run_compiled(**whole, false)), 1e-5);
}

TEST(Budget, DeepRegionsKeepWhatTheirBandsShare) {
  const auto graph = parse_graph(deep_chain_text());
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto whole = compile_graph(*graph, {});
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  const auto tiled = compile_graph(*graph, with_budget(0, only(&BudgetTechniques::tile)));
  ASSERT_TRUE(tiled.ok()) << tiled.error().message;
  EXPECT_LE((*tiled)->plan().arena_bytes, (*whole)->plan().arena_bytes / 3);
  const auto keeps = [](const Move& move) {
    const auto* region = std::get_if<TileRegion>(&move);
    return region != nullptr && region->overlap == Overlap::kKeep;
  };
  EXPECT_TRUE(std::any_of((*tiled)->moves.begin(), (*tiled)->moves.end(), keeps));
  EXPECT_LT(relative_error(run_compiled(**tiled, true), run_compiled(**whole, false)), 1e-5);
}

TEST(Budget, MicroBatchesKeepTheBits) {
  const auto whole = compile_graph(random_network(1, 8), {});
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  const int64_t budget = (*whole)->plan().arena_bytes / 2;
  const auto split = compile_graph(random_network(1, 8),
                                   with_budget(budget, only(&BudgetTechniques::micro_batch)));
  ASSERT_TRUE(split.ok()) << split.error().message;
  EXPECT_LE((*split)->plan().arena_bytes, budget);
  ASSERT_FALSE((*split)->moves.empty());
  EXPECT_EQ(technique_name((*split)->moves[0]), "micro_batch");
  EXPECT_EQ(run_compiled(**split, true), run_compiled(**whole, false));
}

// %a is wide, cheap to make from %x, and needed at both ends of a chain that is wide in the middle.
constexpr const char* kKeepsWide = R"(graph "g" {
  %x = input : f32[64x1]
  %one = constant : f32[1x256] splat 1
  %a = binary(%x, %one) {fn=mul} "a" : f32[64x256]
  %b = unary(%a) {fn=relu} "b" : f32[64x256]
  %s = reduce(%b) {fn=sum axes=[1] keep_dims=1} "s" : f32[64x1]
  %wide = binary(%s, %one) {fn=add} "wide" : f32[64x256]
  %t = unary(%wide) {fn=exp} "t" : f32[64x256]
  %u = binary(%t, %wide) {fn=mul} "u" : f32[64x256]
  %r = reduce(%u) {fn=sum axes=[1] keep_dims=1} "r" : f32[64x1]
  %c = binary(%a, %r) {fn=add} "c" : f32[64x256]
  %y = reduce(%c) {fn=sum axes=[1] keep_dims=1} "y" : f32[64x1]
  return %y
}
)";

TEST(Budget, RematerializationKeepsTheBits) {
  auto graph = parse_graph(kKeepsWide);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto whole = compile_graph(*graph, {});
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  const int64_t budget = (*whole)->plan().arena_bytes * 3 / 4;
  const auto again =
      compile_graph(*graph, with_budget(budget, only(&BudgetTechniques::rematerialize)));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_LE((*again)->plan().arena_bytes, budget);
  ASSERT_FALSE((*again)->moves.empty());
  EXPECT_EQ(technique_name((*again)->moves[0]), "rematerialize");
  EXPECT_EQ(run_compiled(**again, true), run_compiled(**whole, false));
}

Graph optimized(const Graph& graph) {
  Graph result = graph;
  EXPECT_TRUE(run_passes(result, optimization_pipeline()).ok());
  return result;
}

TEST(Budget, ALargerBudgetIsNeverSlowerAndEveryPointKeepsItsBytes) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto curve = explore_budget(optimized(random_network(seed)), {}, brief());
    ASSERT_TRUE(curve.ok()) << curve.error().message;
    double last_ns = 0;
    for (int64_t budget = curve->points.front().arena_bytes; budget > 0; budget -= 64) {
      const BudgetPoint* point = point_within(*curve, budget);
      if (point == nullptr) break;
      EXPECT_LE(point->arena_bytes, budget);
      EXPECT_GE(point->arena_bytes, curve->floor_bytes);
      EXPECT_GE(point->predicted_ns, last_ns);
      last_ns = point->predicted_ns;
    }
  }
}

TEST(Budget, TheSmallestPlanOfRandomGraphsComputesTheSame) {
  int lowered = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Graph graph = random_network(seed);
    const auto whole = compile_graph(graph, {});
    ASSERT_TRUE(whole.ok()) << whole.error().message;
    const auto least = compile_graph(graph, with_budget(0, {}));
    ASSERT_TRUE(least.ok()) << least.error().message;
    EXPECT_LE((*least)->plan().arena_bytes, (*whole)->plan().arena_bytes);
    lowered += (*least)->moves.empty() ? 0 : 1;
    EXPECT_LT(relative_error(run_compiled(**least, true), run_compiled(**whole, false)), 1e-4);
  }
  EXPECT_GT(lowered, 6);
}

TEST(Budget, WithTheReferenceKernelsTheSmallestPlanKeepsTheBits) {
  for (uint64_t seed = 13; seed <= 14; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Graph graph = random_network(seed);
    CompileOptions options;
    options.kernels.reference_only = true;
    const auto whole = compile_graph(graph, options);
    ASSERT_TRUE(whole.ok()) << whole.error().message;
    options.budget_bytes = 0;
    options.budget = brief();
    const auto least = compile_graph(graph, options);
    ASSERT_TRUE(least.ok()) << least.error().message;
    EXPECT_EQ(run_compiled(**least, true), run_compiled(**whole, false));
  }
}

// Without a budget and with one that nothing reaches: what compile_graph() returns has passed the
// verifier of plans.
TEST(Budget, EveryRandomGraphMakesAPlanThatItsVerifierAccepts) {
  for (uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Graph graph = random_graph(seed, 4 + static_cast<int>(seed % 30));
    CompileOptions options;
    options.buffers.io_in_arena = seed % 5 != 0;
    const auto whole = compile_graph(graph, options);
    ASSERT_TRUE(whole.ok()) << whole.error().message;
    if (seed % 3 != 0) continue;
    options.budget_bytes = 0;
    options.budget.max_evaluations = 20;
    const auto least = compile_graph(graph, options);
    ASSERT_TRUE(least.ok()) << least.error().message;
    EXPECT_LE((*least)->plan().arena_bytes, (*whole)->plan().arena_bytes);
  }
}

TEST(Budget, TheSameGraphGivesTheSameCurve) {
  const Graph graph = optimized(random_network(5));
  const auto first = explore_budget(graph, {}, brief());
  const auto second = explore_budget(graph, {}, brief());
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_EQ(first->points.size(), second->points.size());
  for (size_t i = 0; i < first->points.size(); ++i) {
    EXPECT_EQ(first->points[i].arena_bytes, second->points[i].arena_bytes);
    EXPECT_EQ(first->points[i].predicted_ns, second->points[i].predicted_ns);
  }
}

TEST(Budget, WithoutTechniquesThereIsOnePoint) {
  BudgetOptions options;
  options.techniques = {
      .tile = false, .micro_batch = false, .rematerialize = false, .small_scratch = false};
  const auto curve = explore_budget(optimized(random_network(3)), {}, options);
  ASSERT_TRUE(curve.ok()) << curve.error().message;
  EXPECT_EQ(curve->points.size(), 1u);
  EXPECT_TRUE(curve->points[0].moves.empty());
}

}  // namespace
}  // namespace memopt
