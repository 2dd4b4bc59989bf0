#include "passes/planning/validate.h"

#include <gtest/gtest.h>

#include "passes/planning/planner.h"
#include "tests/planning/random_problem.h"

namespace memopt {
namespace {

using testing::collide;
using testing::random_problem;
using testing::RandomProblemOptions;

void set_height(const MemoryProblem& problem, MemoryPlan& plan) {
  plan.spaces[0] = {};
  for (size_t i = 0; i < plan.offsets.size(); ++i) {
    plan.spaces[0].height_bytes =
        std::max(plan.spaces[0].height_bytes, plan.offsets[i] + problem.buffers[i].size_bytes);
  }
}

// Moves every buffer of a valid plan everywhere; the validator must reject exactly the moves that
// make it collide, judged step by step.
TEST(Validate, RejectsExactlyTheMovesThatCollide) {
  int rejected = 0;
  for (int kind = 0; kind < 7; ++kind) {
    for (uint32_t seed = 0; seed < 60; ++seed) {
      RandomProblemOptions options;
      options.alignments = kind == 1;
      options.gaps = kind == 2 || kind == 3;
      options.windows = kind == 3 || kind == 6;
      options.graph = kind == 4;
      options.many_gaps = kind >= 5;
      const MemoryProblem problem = random_problem(seed, options);
      const MemoryPlan plan = *plan_memory(problem);
      for (size_t i = 0; i < problem.buffers.size(); ++i) {
        for (int64_t offset = 0; offset < 20; ++offset) {
          MemoryPlan moved = plan;
          moved.offsets[i] = offset;
          set_height(problem, moved);
          bool good = offset % problem.buffers[i].alignment == 0;
          for (size_t j = 0; j < problem.buffers.size() && good; ++j) {
            good = j == i || !collide(problem, i, offset, j, moved.offsets[j]);
          }
          rejected += !good;
          ASSERT_EQ(validate(problem, moved).ok(), good)
              << "kind " << kind << " seed " << seed << " buffer " << i << " at " << offset;
        }
      }
    }
  }
  EXPECT_GT(rejected, 1000);
}

class ValidateFields : public ::testing::Test {
 protected:
  ValidateFields() {
    for (int i = 0; i < 3; ++i) {
      MemoryBuffer buffer;
      buffer.name = "b" + std::to_string(i);
      buffer.upper = 4;
      buffer.size_bytes = 8;
      buffer.alignment = 8;
      problem_.buffers.push_back(buffer);
    }
    problem_.buffers[0].fixed_offset = 8;
    problem_.spaces[0].capacity_bytes = 24;
    plan_ = *plan_memory(problem_);
  }
  Code code() const {
    const Status status = validate(problem_, plan_);
    return status.ok() ? Code{} : status.error().code;
  }
  MemoryProblem problem_;
  MemoryPlan plan_;
};

TEST_F(ValidateFields, AcceptsThePlan) { EXPECT_TRUE(validate(problem_, plan_).ok()); }

TEST_F(ValidateFields, MissingOffset) {
  plan_.offsets.pop_back();
  EXPECT_EQ(code(), Code::kVerifyFailed);
}
TEST_F(ValidateFields, OffsetOfNoBuffer) {
  plan_.offsets.push_back(0);
  EXPECT_EQ(code(), Code::kVerifyFailed);
}
TEST_F(ValidateFields, MissingSpace) {
  plan_.spaces.clear();
  EXPECT_EQ(code(), Code::kVerifyFailed);
}
TEST_F(ValidateFields, PlanOfNoSpace) {
  plan_.spaces.emplace_back();
  EXPECT_EQ(code(), Code::kVerifyFailed);
}
TEST_F(ValidateFields, NegativeOffset) {
  plan_.offsets[1] = -8;
  EXPECT_EQ(code(), Code::kVerifyFailed);
}
TEST_F(ValidateFields, OffsetThatOverflows) {
  plan_.offsets[1] = INT64_MAX - 7;
  EXPECT_EQ(code(), Code::kVerifyFailed);
}
TEST_F(ValidateFields, MisalignedOffset) {
  plan_.offsets[2] += 4;
  EXPECT_EQ(code(), Code::kVerifyFailed);
}
TEST_F(ValidateFields, MovedFixedBuffer) {
  for (const int64_t offset : {0, 16}) {  // where another one is
    std::swap(plan_.offsets[0], *std::find(plan_.offsets.begin(), plan_.offsets.end(), offset));
    EXPECT_EQ(code(), Code::kVerifyFailed) << offset;
    std::swap(plan_.offsets[0], *std::find(plan_.offsets.begin(), plan_.offsets.end(), 8));
    EXPECT_TRUE(validate(problem_, plan_).ok());
  }
}
TEST_F(ValidateFields, WrongHeight) {
  plan_.spaces[0].height_bytes += 8;
  EXPECT_EQ(code(), Code::kVerifyFailed);
}
TEST_F(ValidateFields, BoundAboveTheHeight) {
  plan_.spaces[0].lower_bound_bytes = plan_.spaces[0].height_bytes + 1;
  EXPECT_EQ(code(), Code::kVerifyFailed);
}
TEST_F(ValidateFields, FitsClaimedButCapacityExceeded) {
  problem_.spaces[0].capacity_bytes = 23;
  EXPECT_EQ(code(), Code::kVerifyFailed);
}

TEST_F(ValidateFields, EveryBorderIsInside) {
  plan_.spaces[0].lower_bound_bytes = plan_.spaces[0].height_bytes;
  EXPECT_TRUE(validate(problem_, plan_).ok());
  problem_.spaces[0].capacity_bytes = plan_.spaces[0].height_bytes;
  for (const ProofStatus status : {ProofStatus::kFits, ProofStatus::kOptimal}) {
    plan_.spaces[0].status = status;
    EXPECT_TRUE(validate(problem_, plan_).ok());
  }
  problem_.buffers[1].alignment = problem_.buffers[2].alignment = 1;
  plan_.offsets[1] = INT64_MAX - problem_.buffers[1].size_bytes;
  plan_.spaces[0].height_bytes = INT64_MAX;
  plan_.spaces[0].status = ProofStatus::kGap;
  EXPECT_TRUE(validate(problem_, plan_).ok());
  plan_.offsets[1] += 1;
  EXPECT_EQ(code(), Code::kVerifyFailed);
}

// Only what claims to fit must.
TEST_F(ValidateFields, AStatusThatPromisesNothingMayExceedTheCapacity) {
  problem_.spaces[0].capacity_bytes = 23;
  for (const auto& [status, ok] :
       std::vector<std::pair<ProofStatus, bool>>{{ProofStatus::kOptimal, false},
                                                 {ProofStatus::kFits, false},
                                                 {ProofStatus::kImpossible, true},
                                                 {ProofStatus::kGap, true},
                                                 {ProofStatus::kWorkLimitReached, true}}) {
    plan_.spaces[0].status = status;
    EXPECT_EQ(validate(problem_, plan_).ok(), ok) << to_string(status);
  }
  problem_.spaces[0].capacity_bytes = {};
  plan_.spaces[0].status = ProofStatus::kFits;
  EXPECT_TRUE(validate(problem_, plan_).ok());
}

TEST_F(ValidateFields, HeightsAreStatedForEverySpaceAndNeitherTooHighNorTooLow) {
  problem_.spaces.resize(3);
  problem_.buffers[2].space = 1;
  problem_.buffers[2].size_bytes = 16;
  plan_.offsets = {8, 0, 8};
  plan_.spaces.resize(3);
  const std::vector<int64_t> heights = {16, 24, 0};
  for (size_t s = 0; s < 3; ++s) plan_.spaces[s] = {.height_bytes = heights[s], .planner = {}};
  EXPECT_TRUE(validate(problem_, plan_).ok()) << "two spaces share no bytes";
  for (size_t s = 0; s < 3; ++s) {
    for (const int64_t by : {-8, 8}) {
      MemoryPlan wrong = plan_;
      wrong.spaces[s].height_bytes += by;
      EXPECT_FALSE(validate(problem_, wrong).ok());
    }
    MemoryPlan high = plan_;
    high.spaces[s].lower_bound_bytes = heights[s] + 1;
    EXPECT_FALSE(validate(problem_, high).ok());
  }
  problem_.buffers[2].space = 0;
  plan_.spaces[0].height_bytes = 24;
  plan_.spaces[1].height_bytes = 0;
  EXPECT_FALSE(validate(problem_, plan_).ok()) << "in one space they do";
  problem_.interference.emplace();
  EXPECT_TRUE(validate(problem_, plan_).ok()) << "but nobody says that they conflict";
  problem_.interference->edges = {{2, 0}};
  EXPECT_FALSE(validate(problem_, plan_).ok());
  problem_.buffers[2].space = 1;
  plan_.spaces[0].height_bytes = 16;
  plan_.spaces[1].height_bytes = 24;
  for (const std::pair<uint32_t, uint32_t>& edge : {std::pair(2u, 0u), std::pair(0u, 2u)}) {
    problem_.interference->edges = {edge};
    EXPECT_TRUE(validate(problem_, plan_).ok()) << "across spaces an edge means nothing";
  }
}

}  // namespace
}  // namespace memopt
