#include <gtest/gtest.h>

#include "passes/planning/order.h"

namespace memopt {
namespace {

// in(10) → a → b → out, with b's output allowed over a's: sizes 10, 4, 6, 3.
OrderProblem chain() {
  OrderProblem problem;
  problem.scratch_bytes = {0, 2, 0};
  problem.storages = {{.bytes = 10, .live_at_start = true},
                      {.bytes = 4},
                      {.bytes = 6},
                      {.bytes = 3, .live_at_end = true}};
  problem.values = {{0, kNoOp, {0}}, {1, 0, {1}}, {2, 1, {2}}, {3, 2, {}}};
  return problem;
}

TEST(SimulateOrder, CountsInputsOutputsAndScratchOfTheRunningOperator) {
  const Result<OrderSimulation> result = simulate_order(chain(), {0, 1, 2});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->running_bytes, (std::vector<int64_t>{14, 12, 9}));
  EXPECT_EQ(result->after_bytes, (std::vector<int64_t>{4, 6, 3}));
  EXPECT_EQ(result->peak_bytes, 14);
}

TEST(SimulateOrder, AnInPlaceOutputCostsTheLargerOfThePair) {
  OrderProblem problem = chain();
  problem.in_place = {{1, 2, 1}};
  const Result<OrderSimulation> result = simulate_order(problem, {0, 1, 2});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->running_bytes[1], 6 + 2);
  ASSERT_EQ(result->in_place.size(), 1u);
  EXPECT_EQ(result->in_place[0].input, 1);
}

TEST(SimulateOrder, AnInputThatIsReadLaterIsNotOverwritten) {
  OrderProblem problem = chain();
  problem.in_place = {{1, 2, 1}};
  problem.values[1].consumers.push_back(2);
  const Result<OrderSimulation> result = simulate_order(problem, {0, 1, 2});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->running_bytes[1], 4 + 6 + 2);
  EXPECT_TRUE(result->in_place.empty());
}

TEST(SimulateOrder, AStorageLivesFromItsFirstWriterThroughItsLastReader) {
  // Two operators write the halves of one storage of 8; a third reads both.
  OrderProblem problem;
  problem.scratch_bytes = {0, 0, 0};
  problem.storages = {{.bytes = 8}, {.bytes = 1, .live_at_end = true}};
  problem.values = {{0, 0, {2}}, {0, 1, {2}}, {1, 2, {}}};
  const Result<OrderSimulation> result = simulate_order(problem, {1, 0, 2});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->running_bytes, (std::vector<int64_t>{8, 8, 9}));
}

TEST(SimulateOrder, AnUnusedInputIsGoneWhenTheFirstOperatorBegins) {
  OrderProblem problem = chain();
  problem.storages.push_back({.bytes = 5, .live_at_start = true});
  problem.values.push_back({4, kNoOp, {}});
  EXPECT_EQ(simulate_order(problem, {0, 1, 2})->after_bytes,
            simulate_order(chain(), {0, 1, 2})->after_bytes);
  problem.storages.back().bytes = 500;
  EXPECT_EQ(simulate_order(problem, {0, 1, 2})->peak_bytes, 510);
  problem.storages.back().live_at_end = true;  // an output as well
  EXPECT_EQ(simulate_order(problem, {0, 1, 2})->after_bytes, (std::vector<int64_t>{504, 506, 503}));
}

TEST(SimulateOrder, RejectsOrdersThatAreNotTopologicalPermutations) {
  EXPECT_FALSE(simulate_order(chain(), {1, 0, 2}).ok());
  EXPECT_FALSE(simulate_order(chain(), {0, 1}).ok());
  EXPECT_FALSE(simulate_order(chain(), {0, 1, 1}).ok());
  EXPECT_FALSE(simulate_order(chain(), {0, 1, 3}).ok());
  EXPECT_FALSE(simulate_order(chain(), {0, 1, -1}).ok());
}

struct BadProblem {
  const char* name;
  void (*damage)(OrderProblem&);
};

class OrderOpsBadInput : public testing::TestWithParam<BadProblem> {};

TEST_P(OrderOpsBadInput, IsAnError) {
  OrderProblem problem = chain();
  problem.in_place = {{1, 2, 1}};
  problem.dependences = {{0, 2}};
  ASSERT_TRUE(order_ops(problem).ok());
  GetParam().damage(problem);
  const Result<OrderResult> result = order_ops(problem);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kBadInput);
  EXPECT_FALSE(result.error().message.empty());
}

constexpr BadProblem kBadProblems[] = {
    {"NegativeStorage", [](OrderProblem& p) { p.storages[1].bytes = -1; }},
    {"NegativeScratch", [](OrderProblem& p) { p.scratch_bytes[0] = -1; }},
    {"OverflowingSizes",
     [](OrderProblem& p) { p.storages[0].bytes = p.storages[1].bytes = INT64_MAX / 2; }},
    {"NoSuchStorage", [](OrderProblem& p) { p.values[1].storage = 4; }},
    {"NegativeStorageId", [](OrderProblem& p) { p.values[1].storage = -1; }},
    {"NoSuchProducer", [](OrderProblem& p) { p.values[1].producer = 3; }},
    {"NoSuchProducerOfWhatNobodyReads",
     [](OrderProblem& p) {
       p.values.back() = {.storage = 0, .producer = 1000, .consumers = {}};
       p.in_place.clear();
     }},
    {"NegativeProducer", [](OrderProblem& p) { p.values[1].producer = -2; }},
    {"DependenceOfNothing",
     [](OrderProblem& p) {
       p.dependences = {{0, 1000}};
     }},
    {"NoSuchConsumer", [](OrderProblem& p) { p.values[1].consumers = {3}; }},
    {"NoSuchConsumerAmongOthers", [](OrderProblem& p) { p.values[0].consumers.push_back(3); }},
    {"NoSuchConsumerFarAway", [](OrderProblem& p) { p.values[0].consumers.push_back(1 << 20); }},
    {"NegativeConsumer", [](OrderProblem& p) { p.values[0].consumers = {-1}; }},
    {"ConsumerBeforeProducer", [](OrderProblem& p) { p.values[2].consumers = {0}; }},
    {"ConsumerIsProducer", [](OrderProblem& p) { p.values[2].consumers = {1}; }},
    {"BackwardDependence",
     [](OrderProblem& p) {
       p.dependences = {{2, 0}};
     }},
    {"DependenceOnNothing",
     [](OrderProblem& p) {
       p.dependences = {{-1, 0}};
     }},
    {"InPlaceOfNoOperator", [](OrderProblem& p) { p.in_place[0].op = 7; }},
    {"InPlaceOverNoValue", [](OrderProblem& p) { p.in_place[0].input = 9; }},
    {"InPlaceOverNoInput", [](OrderProblem& p) { p.in_place[0].input = 0; }},
    {"InPlaceByNoOutput", [](OrderProblem& p) { p.in_place[0].output = 3; }},
};

INSTANTIATE_TEST_SUITE_P(All, OrderOpsBadInput, testing::ValuesIn(kBadProblems),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(OrderOps, AnEmptyProblemHasNoPeak) {
  const Result<OrderResult> result = order_ops({});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->peak_bytes, 0);
  EXPECT_EQ(result->proof, OrderProof::kOptimal);
}

}  // namespace
}  // namespace memopt
