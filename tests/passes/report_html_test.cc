#include "passes/emit/report_html.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "nlohmann/json.hpp"
#include "passes/emit/report_dot.h"
#include "passes/emit/report_json.h"
#include "passes/emit/report_paper.h"
#include "passes/emit/report_text.h"
#include "runtime/base/size_text.h"
#include "tests/support/page_text.h"
#include "tests/support/sample_plan.h"

namespace memopt {
namespace {

// The tiny plan under names that try to leave every place where a name is written.
Plan hostile_plan() {
  Plan plan = tiny_plan();
  plan.model_name = "</title></script><script>alert(1)</script><!--";
  for (PlanValue& value : plan.values) {
    value.name = "<img src=x onerror=alert(1)>\"'`${1}\\" + value.name + "\xff\x1b[2J</script>";
  }
  for (PlanInstruction& instruction : plan.instructions) instruction.name = "\"]; <b>\n{{data}}-->";
  return plan;
}

TEST(ReportHtml, IsOneFileWithTheMapTheCurveAndTheTable) {
  const std::string html = report_html(build_report(tiny_plan()));
  for (const char* part : {"<canvas id=\"map\"", "id=\"search\"", "aria-sort", "drawCurve",
                           "\"schema\":\"memopt.report/1\"", "prefers-color-scheme"}) {
    EXPECT_NE(html.find(part), std::string::npos) << part;
  }
  for (const char* outside : {"http:", "https:", "src=", "<link", "@import", "url(", "fetch("}) {
    EXPECT_EQ(html.find(outside), std::string::npos) << outside;
  }
  EXPECT_EQ(html.find("{{"), std::string::npos) << "a placeholder is left";
}

TEST(ReportHtml, NamesOfTheModelCannotBecomeMarkup) {
  const std::string plain = report_html(build_report(tiny_plan()));
  const std::string html = report_html(build_report(hostile_plan()));
  for (const char* tag : {"<script", "</script", "<!--", "<img", "<b>", "</title"}) {
    EXPECT_EQ(count_of(html, tag), count_of(plain, tag)) << tag;
  }
}

TEST(ReportHtml, TheDataIsTheJsonReport) {
  const std::string html = report_html(build_report(hostile_plan()));
  const std::string open = "id=\"data\">\n";
  const size_t begin = html.find(open) + open.size();
  const std::string data = html.substr(begin, html.find("\n</script>", begin) - begin);
  EXPECT_EQ(nlohmann::json::parse(data),
            nlohmann::json::parse(report_json(build_report(hostile_plan()), true)));
}

TEST(ReportHtml, FitsAPhoneAndPaper) {
  const std::string html = report_html(build_report(tiny_plan()));
  EXPECT_NE(html.find("name=\"viewport\" content=\"width=device-width"), std::string::npos);
  // The map and the table scroll in boxes of their own.
  EXPECT_NE(between(html, ".map-scroll {", "}").find("overflow: auto hidden"),
            std::string_view::npos);
  EXPECT_NE(between(html, ".grid {", "}").find("overflow: auto"), std::string_view::npos);
  // Paper has a map and tables of its own, which no screen shows.
  EXPECT_NE(between(html, ".paper {", "}").find("display: none"), std::string_view::npos);
  EXPECT_NE(html.find("@page {"), std::string::npos);
  for (const char* part : {"<canvas id=\"paper-map\" class=\"paper\"",
                           "<section class=\"panel paper\">", "addEventListener('beforeprint'"}) {
    EXPECT_EQ(count_of(html, part), 1u) << part;
  }
}

TEST(ReportHtml, TextHasContrastInBothThemes) {
  const std::string html = report_html(build_report(tiny_plan()));
  for (const char* theme : {":root {", ":root[data-theme=\"dark\"] {"}) {
    const std::string_view colours = between(html, theme, "}");
    for (const char* ink : {"ink", "muted", "accent", "good", "warn"}) {
      for (const char* ground : {"bg", "surface", "sunk", "accent-soft"}) {
        EXPECT_GE(contrast(colours, ink, ground), 4.5) << theme << ink << " on " << ground;
      }
    }
  }
}

TEST(ReportPaper, HasTheLargestRowsAndSaysHowManyAreLeftOut) {
  const Report report = build_report(residual_plan(20));
  const std::string html = paper_tables_html(report);
  std::vector<int64_t> sizes;
  for (uint32_t i = 0; i < report.tensors.size(); ++i) {
    const ReportTensor& tensor = report.tensors[i];
    if (tensor.storage == Storage::kArena && tensor.root == i) sizes.push_back(tensor.bytes);
  }
  std::sort(sizes.rbegin(), sizes.rend());
  const std::string_view table = between(html, "Largest tensors of the arena", "Steps with");
  const size_t shown = count_of(table, "<tr><td");
  ASSERT_GT(shown, 0u);
  ASSERT_LT(shown, sizes.size());
  EXPECT_EQ(between(table, "<p class=\"muted\">", "</p>"),
            std::to_string(sizes.size() - shown) + " of " + std::to_string(sizes.size()) +
                " tensors are left out, of " + size_text(sizes[shown]) + " or less.");
  const std::string_view steps = between(html, "Steps with", "</table>\n<p");
  const size_t step_rows = count_of(steps, "<tr><td");
  EXPECT_NE(html.find(std::to_string(report.steps.size() - step_rows) + " of " +
                      std::to_string(report.steps.size()) + " steps are left out"),
            std::string::npos);
}

TEST(ReportPaper, LeavesNothingOutOfASmallPlanAndIsEmptyWithoutSteps) {
  const Report report = build_report(tiny_plan());
  const std::string html = paper_tables_html(report);
  EXPECT_EQ(html.find("left out"), std::string::npos);
  for (const ReportStep& step : report.steps) {
    EXPECT_NE(html.find('>' + step.name + '<'), std::string::npos) << step.name;
  }
  EXPECT_EQ(paper_tables_html(Report()), "");
}

TEST(ReportPaper, LongNamesKeepTheirEndsAndTheirLines) {
  Plan plan = tiny_plan();
  for (PlanValue& value : plan.values) {
    value.name = "begin/" + std::string(400, 'x') + "\u5c42/<end of " + value.name + ">";
  }
  const std::string html = paper_tables_html(build_report(plan));
  EXPECT_NE(html.find(">begin/x"), std::string::npos);
  EXPECT_NE(html.find("\u5c42/&lt;end of a&gt;<"), std::string::npos);
  EXPECT_EQ(html.find(std::string(100, 'x')), std::string::npos);
}

TEST(ReportHtml, TheSamePlanGivesTheSameBytes) {
  EXPECT_EQ(report_html(build_report(residual_plan(5))),
            report_html(build_report(residual_plan(5))));
}

TEST(ReportText, NamesOfTheModelCannotDriveTheTerminal) {
  const Report report = build_report(hostile_plan());
  for (const std::string& text : {summary_text(report), explain_text(report), tensors_text(report),
                                  steps_text(report), report_dot(report)}) {
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\xff'), std::string::npos);
  }
}

}  // namespace
}  // namespace memopt
