#include "passes/planning/order_text.h"

#include <gtest/gtest.h>

namespace memopt {
namespace {

constexpr char kChain[] = "3 2 1 1\n8 4 4\n0\n2\n-1 1 0 1 1\n1 1 1 1 2\n";

TEST(OrderText, ReadsAProblem) {
  const Result<OrderProblem> problem = parse_order_problem(kChain);
  ASSERT_TRUE(problem.ok()) << problem.error().message;
  EXPECT_EQ(problem->storages[0].bytes, 8);
  EXPECT_TRUE(problem->storages[0].live_at_start);
  EXPECT_TRUE(problem->storages[2].live_at_end);
  EXPECT_EQ(problem->values[1].producer, 0);
  EXPECT_EQ(problem->values[1].consumers, (std::vector<int32_t>{1}));
  ASSERT_EQ(problem->in_place.size(), 1u);
  EXPECT_EQ(problem->in_place[0].op, 1);
  EXPECT_EQ(simulate_order(*problem, {0, 1})->peak_bytes, 12);
}

TEST(OrderText, TheFirstOutputIsTheOneInPlace) {
  const Result<OrderProblem> problem =
      parse_order_problem("4 1 1 2\n8 4 4 4\n0\n2 3\n0 1 0 3 1 2 3\n");
  ASSERT_TRUE(problem.ok()) << problem.error().message;
  ASSERT_EQ(problem->in_place.size(), 1u);
  EXPECT_EQ(problem->in_place[0].output, 1);
  EXPECT_EQ(problem->in_place[0].input, 0);
}

TEST(OrderText, EveryTruncationIsAnErrorThatNamesALine) {
  // Without the last line break the problem is still complete.
  for (size_t size = 0; size + 2 < sizeof(kChain) - 1; ++size) {
    const Result<OrderProblem> problem = parse_order_problem(std::string(kChain, size));
    ASSERT_FALSE(problem.ok()) << size;
    EXPECT_NE(problem.error().message.find("line "), std::string::npos);
  }
}

TEST(OrderText, RejectsWhatIsOutOfRange) {
  for (const char* text :
       {"-1 0 0 0", "99999999999999999999 0 0 0", "1000000 0 0 0", "1 0 2 0\n8\n0 0\n",
        "1 0 0 0\n-8\n\n\n", "1 0 0 0\nx\n\n\n", "1 0 1 0\n8\n1\n\n", "1 0 0 1\n8\n\n7\n",
        "1 1 0 0\n8\n\n\n-2 0 1 0\n", "1 1 0 0\n8\n\n\n-1 0 2 0 0\n", "1 0 0 0\n8\n\n\n5\n",
        "1 2 0 0\n8\n\n\n-1 0 1 0\n-1 0 1 0\n", "1 1 1 0\n8\n0\n\n-1 0 1 0\n"}) {
    EXPECT_FALSE(parse_order_problem(text).ok()) << text;
  }
}

}  // namespace
}  // namespace memopt
