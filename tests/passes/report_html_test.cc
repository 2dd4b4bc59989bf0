#include "passes/emit/report_html.h"

#include <gtest/gtest.h>

#include "nlohmann/json.hpp"
#include "passes/emit/report_dot.h"
#include "passes/emit/report_json.h"
#include "passes/emit/report_text.h"
#include "tests/support/sample_plan.h"

namespace memopt {
namespace {

size_t count(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

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
    EXPECT_EQ(count(html, tag), count(plain, tag)) << tag;
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
