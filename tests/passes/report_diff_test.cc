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
  ASSERT_EQ(json["tensors"]["added"].size(), 1u);
  EXPECT_EQ(json["tensors"]["added"][0]["name"], "wide");
  ASSERT_EQ(json["tensors"]["removed"].size(), 1u);
  EXPECT_EQ(json["tensors"]["removed"][0]["name"], "b");
  EXPECT_EQ(json["tensors"]["removed"][0]["bytes"], 512);
  EXPECT_EQ(json["tensors"]["resized"].size(), 0u);
}

TEST(ReportDiff, EqualPlansHaveNoChanges) {
  const Report report = build_report(tiny_plan());
  for (const FigureChange& figure : compare_figures(report, report)) {
    EXPECT_EQ(figure.before, figure.after) << figure.name;
  }
  EXPECT_EQ(diff_text(report, report).find("added"), std::string::npos);
}

}  // namespace
}  // namespace memopt
