#include "passes/emit/report.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "nlohmann/json.hpp"
#include "passes/emit/report_dot.h"
#include "passes/emit/report_html.h"
#include "passes/emit/report_json.h"
#include "passes/emit/report_map.h"
#include "passes/emit/report_picture.h"
#include "passes/emit/report_text.h"
#include "tests/support/sample_plan.h"

namespace memopt {
namespace {

using nlohmann::json;

const Suggestion* find_suggestion(const Report& report, std::string_view part) {
  const auto found =
      std::find_if(report.suggestions.begin(), report.suggestions.end(),
                   [&](const Suggestion& s) { return s.action.find(part) != std::string::npos; });
  return found == report.suggestions.end() ? nullptr : &*found;
}

TEST(Report, ClassesOfTheTinyPlanAreThoseThatAReaderCounts) {
  const Report report = build_report(tiny_plan());
  EXPECT_EQ(report.peak_step, 1);
  EXPECT_EQ(report.peak_live_bytes, 880);
  EXPECT_EQ(report.bytes.arena_activations, 752);
  EXPECT_EQ(report.bytes.arena_scratch, 128);
  EXPECT_EQ(report.bytes.arena_padding, 16);
  EXPECT_EQ(report.bytes.arena_fragmentation, 64);
  EXPECT_EQ(report.bytes.constants, 448);
  EXPECT_EQ(report.bytes.io, 496);
  EXPECT_EQ(report.bytes.io_in_arena, 0);
  EXPECT_EQ(report.bytes.total(), 448 + 960 + 496);
  EXPECT_EQ(report.gap_bytes(), 64);
  ASSERT_EQ(report.steps.size(), 4u);
  EXPECT_EQ(report.steps[0].live_bytes, 240);
  EXPECT_EQ(report.steps[2].live_bytes, 752);
  EXPECT_EQ(report.steps[3].live_bytes, 240);
}

TEST(Report, TheWorkingSetOfAStepIsItsOperandsAndItsScratch) {
  const Report report = build_report(tiny_plan());
  ASSERT_EQ(report.steps.size(), 4u);
  EXPECT_EQ(report.steps[0].working_set_bytes, 240);
  EXPECT_EQ(report.steps[1].working_set_bytes, 240 + 512 + 128);
  EXPECT_EQ(report.steps[2].working_set_bytes, 512 + 240);
  EXPECT_EQ(report.steps[3].working_set_bytes, 240);
}

// An alias fills nothing that its root does not; what is behind the last block is padding too.
TEST(Report, BytesAreCountedOncePerRootUpToTheEndOfTheArena) {
  for (const bool with_alias : {false, true}) {
    PlanBuilder b;
    const uint32_t x = b.input("x", {1, 20}, Storage::kCaller);
    const uint32_t a = b.add("a", {1, 20}, Storage::kArena, 0);
    const uint32_t seen = with_alias ? b.reshape("v", {20, 1}, a) : a;
    const uint32_t y = b.add("y", {1, 20}, Storage::kArena, 128);
    b.step("first", Unary{}, {x}, {a});
    b.step("second", Unary{}, {seen}, {y});
    b.output(y);
    b.plan.arena_bytes = 256;
    const Report report = build_report(b.plan);
    EXPECT_EQ(report.peak_step, 1);
    EXPECT_EQ(report.peak_live_bytes, 80 + 80);
    EXPECT_EQ(report.bytes.arena_activations, 80 + 80);
    EXPECT_EQ(report.bytes.arena_padding, 48 + 48);
    EXPECT_EQ(report.bytes.arena_fragmentation, 0);
  }
}

TEST(Report, LifetimeOfARootCoversItsAliases) {
  const Report report = build_report(tiny_plan());
  const ReportTensor& c = report.tensors[4];
  const ReportTensor& v = report.tensors[5];
  EXPECT_EQ(c.begin, 2);
  EXPECT_EQ(c.end, 4);
  EXPECT_EQ(v.begin, 3);
  EXPECT_EQ(v.root, 4u);
  EXPECT_TRUE(v.whole_alias);
  EXPECT_EQ(c.producer, 2u);
}

TEST(Report, PartsOfTheArenaAddUpOnPlannedNetworks) {
  for (const int blocks : {1, 2, 9, 40}) {
    const Report report = build_report(residual_plan(blocks));
    const ReportBytes& bytes = report.bytes;
    EXPECT_EQ(bytes.arena_activations + bytes.arena_scratch + bytes.arena_padding +
                  bytes.arena_fragmentation,
              bytes.arena);
    EXPECT_GE(bytes.arena_padding, 0);
    EXPECT_GE(bytes.arena_fragmentation, 0);
    for (const ReportStep& step : report.steps) {
      EXPECT_LE(step.live_bytes, report.peak_live_bytes);
      EXPECT_LE(step.working_set_bytes, step.live_bytes);
    }
  }
}

TEST(Report, BytesSharedInPlaceCountOnce) {
  PlanBuilder b;
  const uint32_t x = b.input("x", {64}, Storage::kArena, 0);
  const uint32_t y = b.add("y", {64}, Storage::kArena, 0);  // overwrites x
  b.step("relu", Unary{}, {x}, {y});
  b.output(y);
  b.plan.arena_bytes = 256;
  const Report report = build_report(b.plan);
  EXPECT_EQ(report.peak_live_bytes, 256);
  EXPECT_EQ(report.bytes.io_in_arena, 512);
}

TEST(Report, SuggestionsSayWhatTheLiveBytesWouldBe) {
  const Report report = build_report(tiny_plan());
  const Suggestion* tiles = find_suggestion(report, "'b' in tiles");
  ASSERT_NE(tiles, nullptr);
  EXPECT_EQ(tiles->saves_bytes, 880 - 368);  // step 1 without b: a and scratch
  EXPECT_FALSE(tiles->estimate);
  const Suggestion* scratch = find_suggestion(report, "less scratch");
  ASSERT_NE(scratch, nullptr);
  EXPECT_EQ(scratch->saves_bytes, 128);
  const Suggestion* placement = find_suggestion(report, "placement");
  ASSERT_NE(placement, nullptr);
  EXPECT_EQ(placement->saves_bytes, 64);
  const Suggestion* fp16 = find_suggestion(report, "activations as fp16");
  ASSERT_NE(fp16, nullptr);
  EXPECT_EQ(fp16->saves_bytes, 376);
  EXPECT_TRUE(fp16->estimate);
  EXPECT_EQ(find_suggestion(report, "caller"), nullptr);  // its io is the caller's already
}

TEST(Report, CallerBoundIoIsSuggestedWhereTheArenaHoldsIt) {
  PlanBuilder b;
  const uint32_t x = b.input("x", {1, 256}, Storage::kArena, 0);
  const uint32_t y = b.add("y", {1, 64}, Storage::kArena, 1024);
  b.step("fc", MatMul{}, {x}, {y});
  b.output(y);
  b.plan.arena_bytes = 1280;
  b.plan.certificate = {1280, 1280, BoundKind::kAllOrders, ""};
  const Report report = build_report(b.plan);
  const Suggestion* caller = find_suggestion(report, "caller");
  ASSERT_NE(caller, nullptr);
  EXPECT_EQ(caller->saves_bytes, 1280);
}

TEST(Report, SuggestionsAreCheapestFirst) {
  const Report report = build_report(residual_plan(20));
  EXPECT_TRUE(
      std::is_sorted(report.suggestions.begin(), report.suggestions.end(),
                     [](const Suggestion& a, const Suggestion& b) { return a.cost < b.cost; }));
  for (const Suggestion& suggestion : report.suggestions) EXPECT_GT(suggestion.saves_bytes, 0);
}

TEST(ReportJson, SummaryHasTheVersionedSchemaAndIntegerBytes) {
  const json report = json::parse(report_json(build_report(tiny_plan()), false));
  EXPECT_EQ(report["schema"], "memopt.report/1");
  const std::pair<const char*, int64_t> expected[] = {
      {"naive_bytes", 1120},  {"arena_bytes", 960},     {"lower_bound_bytes", 896},
      {"scratch_bytes", 128}, {"constants_bytes", 448}, {"io_bytes", 496},
      {"state_bytes", 0},     {"total_bytes", 1904},    {"gap_bytes", 64}};
  for (const auto& [name, value] : expected) {
    EXPECT_TRUE(report[name].is_number_integer()) << name;
    EXPECT_EQ(report[name], value) << name;
  }
  EXPECT_EQ(report["peak"]["name"], "conv2");
  EXPECT_FALSE(report.contains("tensors"));
}

TEST(ReportJson, DetailsHaveEveryTensorAndStep) {
  const json report = json::parse(report_json(build_report(tiny_plan()), true));
  ASSERT_EQ(report["tensors"].size(), 7u);
  EXPECT_EQ(report["tensors"][5]["root"], 4);
  EXPECT_EQ(report["tensors"][3]["type"], "f32[1x1x128]");
  ASSERT_EQ(report["steps"].size(), 4u);
  EXPECT_EQ(report["steps"][1]["scratch_bytes"], 128);
}

TEST(ReportText, SummaryShowsBothUnitsTheBoundAndThePeak) {
  const std::string text = summary_text(build_report(tiny_plan()));
  for (const char* part :
       {"within 7.1 % of the lower bound", "1.09 KiB", "1,120 B", "step 1, conv2", "gap 7.1 %",
        "written here  b", "read here     a", "1.2 times the arena", "what to try next"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(ReportText, VerdictSeparatesThisOrderFromAllOrders) {
  Plan plan = tiny_plan();
  plan.certificate.lower_bound_bytes = plan.arena_bytes;
  EXPECT_NE(verdict_text(build_report(plan)).find("for this order"), std::string::npos);
  plan.certificate.kind = BoundKind::kAllOrders;
  EXPECT_NE(verdict_text(build_report(plan)).find("no order"), std::string::npos);
}

TEST(ReportText, ABoundReadFromAFileIsAClaim) {
  Plan plan = tiny_plan();
  for (const int64_t bound : {plan.arena_bytes, plan.certificate.lower_bound_bytes}) {
    plan.certificate.lower_bound_bytes = bound;
    EXPECT_EQ(verdict_text(build_report(plan)).find("claims"), std::string::npos);
    const std::string text = verdict_text(build_report(plan, {.model = "", .from_file = true}));
    EXPECT_NE(text.find("as its compiler claims"), std::string::npos) << text;
  }
}

TEST(ReportText, ExplainAccountsForEveryByteOfTheArena) {
  const std::string text = explain_text(build_report(tiny_plan()));
  for (const char* part : {"512 B", "240 B", "128 B  scratch", "16 B  alignment", "64 B  unused",
                           "> 1", "then frees a 240 B"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(ReportText, TablesHaveOneLinePerTensorAndStep) {
  const Report report = build_report(tiny_plan());
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_EQ(lines(tensors_text(report)), 8);
  EXPECT_EQ(lines(steps_text(report)), 5);
}

TEST(ReportMap, EachCellShowsWhatFillsIt) {
  const std::string text =
      map_text(build_report(tiny_plan()), {.columns = 8, .rows = 15, .ascii = true});
  // b has the largest area, a and c have the same; scratch lies above b at step 1 only; the topmost
  // row is free.
  EXPECT_EQ(text.substr(0, text.find('\n')), "     960 B ........");
  EXPECT_NE(text.find(" ..##....\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" ..AAAA..\n"), std::string::npos) << text;
  EXPECT_NE(text.find("0 B BBBBCCCC\n"), std::string::npos) << text;
  EXPECT_NE(text.find("^ peak, step 1 of 4"), std::string::npos) << text;
}

TEST(ReportDot, NamesTheEdgesByTheirBytes) {
  const std::string text = report_dot(build_report(tiny_plan()));
  EXPECT_NE(text.find("s0 -> s1 [label=\"240 B\""), std::string::npos) << text;
  EXPECT_NE(text.find("s2 -> s3"), std::string::npos) << "through an alias";
  EXPECT_NE(text.find("s3 -> out6"), std::string::npos);
}

TEST(Report, EmptyPlansHaveEveryRendering) {
  const Report report = build_report(Plan{});
  EXPECT_NE(summary_text(report).find("nothing to run"), std::string::npos);
  EXPECT_NE(explain_text(report).find("no steps"), std::string::npos);
  EXPECT_EQ(map_text(report), "the arena is empty\n");
  EXPECT_EQ(json::parse(report_json(report, true))["arena_bytes"], 0);
  EXPECT_NE(report_html(report).find("</html>"), std::string::npos);
  EXPECT_NE(report_dot(report).find("digraph"), std::string::npos);
  for (const char* list : {"tensors", "steps"}) {
    EXPECT_EQ(json::parse(report_json(report, true))[list], json::array()) << list;
  }
}

TEST(ReportText, MemoryOfTheRuntimeIsCountedWhereItWasMeasured) {
  Report report = build_report(tiny_plan());
  EXPECT_NE(summary_text(report).find("memopt-run measures it"), std::string::npos);
  report.bytes.runtime = 5000;
  EXPECT_EQ(summary_text(report).find("memopt-run measures it"), std::string::npos);
  EXPECT_NE(summary_text(report).find("5,000"), std::string::npos);
}

// 200 points a step, 300 points for all of the naive layout.
TEST(ReportPicture, BlocksLieWhereTheyLiveAtTheScaleOfTheNaiveLayout) {
  PlanBuilder b;
  const uint32_t x = b.input("x", {1, 16}, Storage::kCaller);
  const uint32_t a = b.add("a", {1, 16}, Storage::kArena, 64);
  const uint32_t y = b.add("y", {1, 16}, Storage::kCaller);
  b.step("first", Unary{}, {x}, {a});
  b.step("second", Unary{}, {a}, {y}, 128, 128);
  b.output(y);
  b.plan.arena_bytes = 256;
  const std::string picture = picture_svg(build_report(b.plan));
  const auto has_block = [&](const std::string& x0, const std::string& y0, const std::string& w,
                             const std::string& h) {
    return picture.find("<rect x=\"" + x0 + "\" y=\"" + y0 + "\" width=\"" + w + "\" height=\"" +
                        h + "\"") != std::string::npos;
  };
  EXPECT_TRUE(has_block("464.00", "206.00", "400.00", "75.00")) << "a as planned\n" << picture;
  EXPECT_TRUE(has_block("664.00", "56.00", "200.00", "150.00")) << "scratch as planned\n"
                                                                << picture;
  EXPECT_TRUE(has_block("16.00", "281.00", "400.00", "75.00")) << "a alone\n" << picture;
  EXPECT_TRUE(has_block("216.00", "131.00", "200.00", "150.00")) << "scratch alone\n" << picture;
}

TEST(Report, ValuesThatNothingUsesAreListedWithoutLife) {
  PlanBuilder b;
  b.add("unused", {16}, Storage::kArena, 0);
  const Report report = build_report(b.plan);
  EXPECT_EQ(report.tensors[0].begin, report.tensors[0].end);
}

}  // namespace
}  // namespace memopt
