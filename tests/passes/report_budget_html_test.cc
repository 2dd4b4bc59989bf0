// The page of --pareto: a picture for wide and one for narrow screens, and a table.
#include <gtest/gtest.h>

#include <vector>

#include "compiler/ir/text.h"
#include "passes/emit/report_budget.h"
#include "tests/passes/graphs.h"
#include "tests/support/page_text.h"

namespace memopt {
namespace {

BudgetCurve curve_to(int64_t most_bytes, double most_time, int points) {
  BudgetCurve curve;
  auto graph = parse_graph(kKeepsA);
  EXPECT_TRUE(graph.ok());
  curve.base = *std::move(graph);
  const Move tile = TileRegion{
      .output = *curve.base.find("y"), .inputs = {*curve.base.find("x")}, .axis = 0, .bands = 2};
  for (int i = 0; i < points; ++i) {
    curve.points.push_back(
        {.arena_bytes = most_bytes - most_bytes / (2 * points) * i,
         .predicted_ns = 100 * (1 + (most_time - 1) * i / std::max(1, points - 1)),
         .moves = std::vector<Move>(static_cast<size_t>(i), tile)});
  }
  return curve;
}

struct Label {
  double x = 0, y = 0;
  size_t characters = 0;
};

// The texts of `svg` with that anchor, in the order in which they are written.
std::vector<Label> labels(std::string_view svg, std::string_view anchor) {
  std::vector<Label> found;
  for (size_t at = svg.find("<text "); at != std::string_view::npos;
       at = svg.find("<text ", at + 1)) {
    const std::string_view element = svg.substr(at, svg.find("</text>", at) - at);
    if (between(element, "text-anchor=\"", "\"") != anchor) continue;
    found.push_back({std::stod(std::string(between(element, "x=\"", "\""))),
                     std::stod(std::string(between(element, "y=\"", "\""))),
                     element.size() - element.find('>') - 1});
  }
  return found;
}

TEST(BudgetHtml, LabelsOfAnAxisDoNotOverlap) {
  for (int64_t bytes = 1; bytes < int64_t{1} << 50; bytes = bytes * 5 / 3 + 1) {
    for (const double time : {1.0, 1.04, 1.9, 3.0, 7.0, 12.0, 26.0, 90.0}) {
      const std::string html = budget_html(curve_to(bytes, time, 4), "m");
      for (const char* style : {"<svg class=\"wide\"", "<svg class=\"narrow\""}) {
        const std::string_view svg = between(html, style, "</svg>");
        std::vector<Label> below = labels(svg, "middle"), beside = labels(svg, "end");
        ASSERT_FALSE(below.empty());
        below.pop_back();  // the axis' title, on a line of its own
        ASSERT_GE(below.size(), 2u) << bytes;
        ASSERT_GE(beside.size(), 2u) << time;
        for (size_t i = 1; i < below.size(); ++i) {
          // Characters of 12 pixels' text are 6.6 wide on average, in wide fonts.
          const double half =
              static_cast<double>(below[i].characters + below[i - 1].characters) * 6.6 / 2;
          EXPECT_GE(below[i].x - below[i - 1].x, half) << style << ' ' << bytes;
        }
        for (size_t i = 1; i < beside.size(); ++i) {
          EXPECT_GE(beside[i - 1].y - beside[i].y, 12) << style << ' ' << time;
        }
      }
    }
  }
}

TEST(BudgetHtml, FitsAPhoneAndPaper) {
  const std::string html = budget_html(curve_to(5000, 2, 3), "m");
  for (const char* part : {"name=\"viewport\" content=\"width=device-width", "@page {",
                           "@media print {", "svg.narrow { display: none; }"}) {
    EXPECT_NE(html.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(count_of(html, "<svg "), 2u);
  for (const char* theme : {":root {", "(prefers-color-scheme: dark) {\n  :root {"}) {
    for (const char* ink : {"ink", "muted", "curve", "floor"}) {
      EXPECT_GE(contrast(between(html, theme, "}"), ink, "ground"), 4.5) << theme << ink;
    }
  }
}

TEST(BudgetHtml, EveryPointIsARowAndEveryMoveAnItem) {
  const std::string html = budget_html(curve_to(5000, 2, 4), "m");
  EXPECT_EQ(count_of(html, "<tr><td"), 4u);
  EXPECT_EQ(count_of(html, "<details>"), 3u);
  EXPECT_EQ(count_of(html, "<li>"), 1u + 2u + 3u);
  EXPECT_NE(html.find("<summary>3 micro_batch</summary>"), std::string::npos);
}

TEST(BudgetHtml, NamesOfTheModelCannotBecomeMarkup) {
  BudgetCurve curve = curve_to(5000, 2, 2);
  curve.floor_bytes = 10;
  curve.floor_reason = "\"><img src=x>";
  const std::string html = budget_html(curve, "</title><script>alert(1)</script>");
  const std::string plain = budget_html(curve_to(5000, 2, 2), "m");
  for (const char* tag : {"<script", "<img", "</title>"}) {
    EXPECT_EQ(count_of(html, tag), count_of(plain, tag)) << tag;
  }
}

}  // namespace
}  // namespace memopt
