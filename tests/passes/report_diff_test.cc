#include "passes/emit/report_diff.h"

#include <gtest/gtest.h>

#include "nlohmann/json.hpp"
#include "tests/support/sample_plan.h"

namespace memopt {
namespace {

Plan larger_plan() {
  Plan plan = tiny_plan();
  plan.arena_bytes += 64;
  plan.values[3].name = "wide";
  plan.values[4].offset_bytes = 64;
  return plan;
}

TEST(ReportDiff, NamesWhatGrewCameWentAndMoved) {
  const std::string text = diff_text(build_report(tiny_plan()), build_report(larger_plan()));
  for (const char* part : {"arena_bytes", "1,024", "+64 B", "+6.7 %", "added: 1\n  wide",
                           "removed: 1\n  b", "moved: 1\n  c  offset 0 -> 64"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  const auto json =
      nlohmann::json::parse(diff_json(build_report(tiny_plan()), build_report(larger_plan())));
  EXPECT_EQ(json["figures"]["arena_bytes"]["after"], 1024);
  EXPECT_EQ(json["tensors"]["moved"][0]["name"], "c");
}

TEST(ReportDiff, EqualPlansHaveNoChanges) {
  const Report report = build_report(tiny_plan());
  for (const FigureChange& figure : compare_figures(report, report)) {
    EXPECT_EQ(figure.before, figure.after) << figure.name;
  }
  EXPECT_EQ(diff_text(report, report).find("added"), std::string::npos);
}

TEST(ReportLock, OneByteMoreIsARegressionAndOneLessIsNot) {
  Plan plan = tiny_plan();
  const std::string lock = lock_text(build_report(plan));
  const auto check = [&](const Plan& changed) {
    const Report report = build_report(changed);
    const auto figures = compare_with_lock(lock, report);
    EXPECT_TRUE(figures.ok());
    return check_growth(*figures, report);
  };
  EXPECT_TRUE(check(plan).ok());
  plan.arena_bytes -= 1;
  EXPECT_TRUE(check(plan).ok());
  plan.arena_bytes += 2;
  const Status grown = check(plan);
  ASSERT_FALSE(grown.ok());
  EXPECT_EQ(grown.error().code, Code::kRegression);
  EXPECT_NE(grown.error().message.find("arena_bytes grew from 960 B to 961 B, by 1 B"),
            std::string::npos)
      << grown.error().message;
  EXPECT_NE(grown.error().message.find("conv2"), std::string::npos);
  plan = tiny_plan();
  plan.constants_bytes += 64;
  EXPECT_FALSE(check(plan).ok());
}

TEST(ReportLock, OtherFilesAreRefused) {
  const Report report = build_report(tiny_plan());
  for (const char* text :
       {"", "{", "[]", "{}", "{\"schema\":\"memopt.lock/2\"}", "{\"schema\":\"memopt.lock/1\"}",
        "{\"schema\":\"memopt.lock/1\",\"arena_bytes\":-1,\"constants_bytes\":0,\"io_bytes\":0,"
        "\"state_bytes\":0}",
        "{\"schema\":\"memopt.lock/1\",\"arena_bytes\":\"960\",\"constants_bytes\":0,"
        "\"io_bytes\":0,\"state_bytes\":0}"}) {
    const auto figures = compare_with_lock(text, report);
    ASSERT_FALSE(figures.ok()) << text;
    EXPECT_EQ(figures.error().code, Code::kBadInput);
  }
}

}  // namespace
}  // namespace memopt
