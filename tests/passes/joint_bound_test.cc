// The bound on every choice of aliases and order: equal to what graphs made by hand need, and never
// above a plan that any setting reaches.
#include <gtest/gtest.h>

#include "passes/pipeline.h"
#include "passes/planning/joint.h"
#include "tests/passes/graphs.h"
#include "tests/support/random_graph.h"

namespace memopt {
namespace {

const KernelDef kPlain{.name = "test.plain"};
const KernelDef kOver{.name = "test.over",
                      .in_place = [](const KernelRequest&, int, int) { return true; }};

constexpr int64_t kUnit = kArenaAlignment;

TensorType units(int64_t count) { return {.dtype = DType::kF32, .dims = {count, kUnit / 4}}; }

// A graph of nodes that nothing infers: what the bound asks about is set by hand.
class JointBound : public ::testing::Test {
 protected:
  ValueId input(int64_t size) { return graph_.add_input(graph_.unique_name("x"), units(size)); }
  ValueId constant(int64_t size) {
    return graph_.add_constant(
        graph_.unique_name("c"), units(size),
        ConstantData::from_bytes(std::vector<std::byte>(static_cast<size_t>(size * kUnit))));
  }
  std::vector<ValueId> node(const Op& op, const std::vector<ValueId>& inputs,
                            const std::vector<TensorType>& types, const KernelDef* kernel,
                            int64_t scratch_bytes = 0) {
    std::vector<Value> results(types.size());
    for (size_t i = 0; i < types.size(); ++i) {
      results[i].type = types[i];
      if (types[i].dims.rank() > 0) results[i].name = graph_.unique_name("v");  // else absent
    }
    const NodeId id = graph_.add_node(op, inputs, results, "");
    kernels_.push_back({.kernel = kernel, .needs = {.scratch_bytes = scratch_bytes, .packed = {}}});
    const auto& outputs = graph_.node(id).outputs;
    return {outputs.begin(), outputs.end()};
  }
  // Nodes that compute.
  ValueId plain(const std::vector<ValueId>& inputs, int64_t size) {
    return node(Softmax{}, inputs, {units(size)}, &kPlain)[0];
  }
  ValueId over(const std::vector<ValueId>& inputs, int64_t size) {
    return node(Softmax{}, inputs, {units(size)}, &kOver)[0];
  }
  // Nodes that move bytes.
  ValueId move(const Op& op, const std::vector<ValueId>& inputs, int64_t size) {
    return node(op, inputs, {units(size)}, &kPlain)[0];
  }

  // In units.
  int64_t bound(const BufferOptions& options) const {
    NodeMap<KernelChoice> kernels(graph_);
    std::copy(kernels_.begin(), kernels_.end(), kernels.begin());
    const int64_t bytes = shared_working_set_bound(graph_, kernels, options);
    EXPECT_EQ(bytes % kUnit, 0);
    return bytes / kUnit;
  }
  int64_t bound(bool io_in_arena = true, bool in_place = true) const {
    BufferOptions options;
    options.io_in_arena = io_in_arena;
    options.in_place = in_place;
    return bound(options);
  }

  Graph graph_;
  std::vector<KernelChoice> kernels_;
};

TEST_F(JointBound, AChainNeedsItsLargestNode) {
  graph_.add_output(plain({plain({plain({input(1)}, 2)}, 3)}, 1));
  EXPECT_EQ(bound(), 2 + 3);
  EXPECT_EQ(bound(false), 2 + 3) << "of values between input and output";
}

TEST_F(JointBound, TheFirstNodeCountsLikeTheLast) {
  graph_.add_output(plain({plain({input(7)}, 5)}, 1));
  EXPECT_EQ(bound(), 7 + 5);
  EXPECT_EQ(bound(false), 5);
}

TEST_F(JointBound, AllInputsAreThereAtTheStart) {
  const ValueId a = plain({input(1)}, 1), b = plain({input(2)}, 1), c = plain({input(4)}, 1);
  graph_.add_output(plain({a, b, c}, 1));
  EXPECT_EQ(bound(), 1 + 2 + 4);
  EXPECT_EQ(bound(false), 1 + 1 + 1);
}

TEST_F(JointBound, SizesAreRoundedUp) {
  const TensorType odd{.dtype = DType::kU8, .dims = {kUnit + 1}};
  const ValueId x = graph_.add_input("x", odd), z = graph_.add_input("z", odd);
  const ValueId a = node(Softmax{}, {x}, {odd}, &kPlain, 1)[0];
  graph_.add_output(plain({a}, 1));
  EXPECT_EQ(bound(), 2 + 2 + 1) << "with a byte of scratch";
  graph_.add_output(plain({z}, 3));
  EXPECT_EQ(bound(), 2 + 3);
}

TEST_F(JointBound, AResultInPlaceOfAnOperandCostsNothing) {
  graph_.add_output(plain({over({plain({input(1)}, 3)}, 3)}, 1));
  EXPECT_EQ(bound(), 1 + 3);
  EXPECT_EQ(bound(true, false), 3 + 3);
}

TEST_F(JointBound, OnlyAKernelThatCanOverwrites) {
  graph_.add_output(plain({plain({plain({input(1)}, 3)}, 3)}, 1));
  EXPECT_EQ(bound(), 3 + 3);
}

TEST_F(JointBound, OnlyAnOperandOfTheSameSizeIsOverwritten) {
  for (const int64_t size : {5, 9}) {
    graph_ = {};
    kernels_.clear();
    graph_.add_output(plain({over({plain({input(1)}, 7)}, size)}, 1));
    EXPECT_EQ(bound(), 7 + size);
  }
}

TEST_F(JointBound, AnyOperandMayBeOverwritten) {
  const ValueId a = plain({input(1)}, 2), b = plain({input(1)}, 5);
  graph_.add_output(plain({over({ValueId::none(), a, b}, 5)}, 1));
  EXPECT_EQ(bound(), 2 + 5);
}

TEST_F(JointBound, AbsentOperandsAndResultsNeedNothing) {
  const ValueId a = plain({input(1)}, 2);
  const auto results = node(Softmax{}, {ValueId::none(), a}, {TensorType{}, units(7)}, &kOver);
  graph_.add_output(plain({results[1]}, 1));
  EXPECT_EQ(bound(), 2 + 7);
}

TEST_F(JointBound, ConstantsAreNoMemoryOfARun) {
  const ValueId c = constant(50);
  const ValueId r = move(Reshape{}, {constant(60)}, 60);
  graph_.add_output(plain({plain({input(1), c, r}, 2)}, 3));
  EXPECT_EQ(bound(), 2 + 3);
}

TEST_F(JointBound, ScratchIsNeededWhileANodeRuns) {
  const ValueId a = plain({input(1)}, 2);
  graph_.add_output(node(Softmax{}, {a}, {units(3)}, &kPlain, 10 * kUnit)[0]);
  EXPECT_EQ(bound(), 2 + 3 + 10);
}

// What only moves bytes may not run at all, and has its result where its operand is.
TEST_F(JointBound, WhatSharesMemoryCountsOnce) {
  struct Case {
    const char* name;
    Op op;
    bool shares;
  };
  const Case cases[] = {{"reshape", Reshape{}, true},     {"identity", Identity{}, true},
                        {"transpose", Transpose{}, true}, {"slice", Slice{}, true},
                        {"split", Split{}, true},         {"concat", Concat{}, true},
                        {"reorder", Reorder{}, true},     {"copy", Copy{}, false},
                        {"expand", Expand{}, false}};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    graph_ = {};
    kernels_.clear();
    const ValueId a = plain({input(1)}, 5);
    const ValueId b = node(one.op, {a}, {TensorType{}, units(4)}, &kPlain, 100 * kUnit)[1];
    const ValueId c = node(one.op, {b}, {units(3)}, &kPlain, 100 * kUnit)[0];
    graph_.add_output(plain({c, a}, 1));
    EXPECT_EQ(bound(), one.shares ? 5 + 1 : 5 + 4 + 100);
  }
}

TEST_F(JointBound, PartsOfAConcatenationCountOnce) {
  const ValueId a = plain({input(1)}, 2), b = plain({input(1)}, 5);
  const ValueId y = move(Concat{}, {a, b}, 7);
  graph_.add_output(plain({a, b}, 1));
  EXPECT_EQ(bound(), 5 + 1);
  graph_.add_output(plain({y}, 2));
  EXPECT_EQ(bound(), 7 + 2);
}

TEST_F(JointBound, AConstantIsNoPartOfAConcatenation) {
  const ValueId a = plain({input(1)}, 5);
  const ValueId y = move(Concat{}, {a, constant(2)}, 7);
  graph_.add_output(plain({y}, 1));
  EXPECT_EQ(bound(), 7 + 1) << "and leaves its memory inside";
}

TEST_F(JointBound, WhatSharesMemoryWithTheCallerMayBeOutside) {
  const ValueId x = input(5);
  const ValueId from_input = move(Reshape{}, {x}, 5);
  const ValueId between = plain({from_input}, 2);
  const ValueId to_output = plain({between}, 7);
  graph_.add_output(move(Reshape{}, {to_output}, 7));
  EXPECT_EQ(bound(), 2 + 7);
  EXPECT_EQ(bound(false), 2);
}

// --- of real graphs ---

// With what is switched off in `off`, one bit each.
BufferOptions options_without(uint32_t off) {
  BufferOptions options;
  options.in_place = (off & 1) == 0;
  options.views = (off & 2) == 0;
  options.destinations = (off & 4) == 0;
  options.order = (off & 8) == 0;
  options.io_in_arena = (off & 16) == 0;
  return options;
}
constexpr uint32_t kAllOff = 15;  // but who owns inputs and outputs, which is another problem

TEST(SharedBound, NoPlanOfAnySettingIsLower) {
  int64_t reached = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Lowered model = lowered(random_graph(seed, 4 + static_cast<int>(seed % 12)));
    for (const uint32_t caller_owns : {0u, 16u}) {
      for (uint32_t off = 0; off <= kAllOff; ++off) {
        SCOPED_TRACE("seed " + std::to_string(seed) + " without " + std::to_string(off));
        Graph graph = model.graph;
        const BufferOptions options = options_without(off | caller_owns);
        const auto planned = plan_buffers(graph, model.kernels, options);
        ASSERT_TRUE(planned.ok()) << planned.error().message;
        const SpacePlan& space = planned->plan.spaces[0];
        ASSERT_LE(space.lower_bound_bytes, space.height_bytes);
        // Whatever may be done in addition cannot make the bound hold no longer.
        for (uint32_t less = off;; less = (less - 1) & off) {
          const int64_t bound = shared_working_set_bound(model.graph, model.kernels,
                                                         options_without(less | caller_owns));
          ASSERT_LE(bound, space.height_bytes);
          reached += bound == space.height_bytes;
          if (less == 0) break;
        }
      }
    }
  }
  EXPECT_GT(reached, 100);
}

}  // namespace
}  // namespace memopt
