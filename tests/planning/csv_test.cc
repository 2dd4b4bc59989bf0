#include "passes/planning/csv.h"

#include <gtest/gtest.h>

#include "tests/planning/random_problem.h"

namespace memopt {
namespace {

TEST(MemoryCsv, ReadsTheColumnsInAnyOrder) {
  const auto csv = parse_memory_csv(
      "size,id,upper,lower,alignment,gaps,fixed_offset\n"
      "64, a ,10,0,16,2-4 5-7@8:24,\r\n"
      "\n"
      "8,b,3,1,8,,128");
  ASSERT_TRUE(csv.ok()) << csv.error().message;
  ASSERT_EQ(csv->problem.buffers.size(), 2u);
  const MemoryBuffer& a = csv->problem.buffers[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.lower, 0);
  EXPECT_EQ(a.upper, 10);
  EXPECT_EQ(a.size_bytes, 64);
  EXPECT_EQ(a.alignment, 16);
  EXPECT_EQ(a.fixed_offset, std::nullopt);
  EXPECT_EQ(a.gaps, (std::vector<MemoryGap>{{2, 4, {}}, {5, 7, ByteRange{8, 24}}}));
  EXPECT_EQ(csv->problem.buffers[1].fixed_offset, 128);
  EXPECT_TRUE(csv->offsets.empty());
}

TEST(MemoryCsv, AByteOrderMarkIsSkipped) {
  const std::string text = "id,lower,upper,size\na,0,1,8\n";
  const auto csv = parse_memory_csv("\xEF\xBB\xBF" + text);
  ASSERT_TRUE(csv.ok()) << csv.error().message;
  EXPECT_EQ(csv->problem, parse_memory_csv(text)->problem);
}

TEST(MemoryCsv, EndIsInclusive) {
  const auto csv = parse_memory_csv("buffer_id,start,end,size,gaps\nx,2,5,1,3-4\n");
  ASSERT_TRUE(csv.ok()) << csv.error().message;
  EXPECT_EQ(csv->problem.buffers[0].upper, 6);
  EXPECT_EQ(csv->problem.buffers[0].gaps[0].upper, 5);
}

TEST(MemoryCsv, PrintsWhatItParses) {
  for (int kind = 0; kind < 32; ++kind) {
    testing::RandomProblemOptions options;
    options.alignments = kind & 1;
    options.fixed = kind & 2;
    options.gaps = kind & 4;
    options.windows = kind & 8;
    options.graph = kind & 16;
    MemoryProblem problem = testing::random_problem(static_cast<uint32_t>(kind), options);
    const std::vector<int64_t> offsets(problem.buffers.size(), 48);
    const auto text = print_memory_csv(problem, offsets);
    ASSERT_TRUE(text.ok());
    const auto csv = parse_memory_csv(*text);
    ASSERT_TRUE(csv.ok()) << csv.error().message << "\n" << *text;
    EXPECT_EQ(csv->problem, problem) << *text;
    EXPECT_EQ(csv->offsets, std::vector<std::optional<int64_t>>(offsets.begin(), offsets.end()));
  }
}

TEST(MemoryCsv, SpacesAreNamed) {
  const std::string text = "id,lower,upper,size,space\na,0,1,8,sram\nb,0,1,8,dram\nc,0,1,8,sram\n";
  const auto csv = parse_memory_csv(text);
  ASSERT_TRUE(csv.ok());
  ASSERT_EQ(csv->problem.spaces.size(), 2u);
  EXPECT_EQ(csv->problem.buffers[2].space, 0u);
  EXPECT_EQ(*print_memory_csv(csv->problem), text);
}

TEST(MemoryCsv, NamesThatNeedQuotesAreNotPrinted) {
  MemoryProblem problem;
  problem.buffers.emplace_back().name = "a,b";
  EXPECT_FALSE(print_memory_csv(problem).ok());
}

struct BadCsv {
  const char* name;
  const char* text;
  const char* message;  // a part of it
};

class BadMemoryCsv : public ::testing::TestWithParam<BadCsv> {};

TEST_P(BadMemoryCsv, IsRejectedWithTheReason) {
  const auto csv = parse_memory_csv(GetParam().text);
  ASSERT_FALSE(csv.ok());
  EXPECT_EQ(csv.error().code, Code::kBadInput);
  EXPECT_NE(csv.error().message.find(GetParam().message), std::string::npos) << csv.error().message;
}

#define HEADER "id,lower,upper,size\n"
INSTANTIATE_TEST_SUITE_P(
    All, BadMemoryCsv,
    ::testing::Values(
        BadCsv{"empty", "", "no header"}, BadCsv{"missing", "id,lower,upper\n", "are needed"},
        BadCsv{"unknown", "id,lower,upper,size,colour\n", "unknown column 'colour'"},
        BadCsv{"twice", "id,lower,upper,size,size\n", "appears twice"},
        BadCsv{"alias", "id,lower,start,upper,size\n", "appears twice"},
        BadCsv{"both_ends", "id,lower,upper,end,size\n", "both"},
        BadCsv{"short_row", HEADER "a,0,1\n", "line 2: 3 cells"},
        BadCsv{"long_row", HEADER "a,0,1,8,9\n", "5 cells"},
        BadCsv{"word", HEADER "a,0,one,8\n", "line 2: 'a': 'one' is no integer"},
        BadCsv{"fraction", HEADER "a,0,1,8.5\n", "no integer"},
        BadCsv{"empty_cell", HEADER "a,0,,8\n", "no integer"},
        BadCsv{"overflow", HEADER "a,0,1,9223372036854775808\n", "too large"},
        BadCsv{"huge", HEADER "a,0,1,9223372036854775807\n", "2^60"},
        BadCsv{"sum", HEADER "a,0,1,1000000000000000000\nb,0,1,1000000000000000000\n", "2^60"},
        BadCsv{"negative", HEADER "a,0,1,-8\n", "negative size"},
        BadCsv{"inverted", HEADER "a,5,4,8\n", "ends before it starts"},
        BadCsv{"early", HEADER "a,-9223372036854775808,1,8\n", "beyond 2^60"},
        BadCsv{"late", HEADER "a,0,1152921504606846977,8\n", "beyond 2^60"},
        BadCsv{"long", HEADER "a,-9223372036854775808,9223372036854775807,8\n", "beyond 2^60"},
        BadCsv{"end_overflow", "id,lower,end,size\na,0,9223372036854775807,8\n", "too large"},
        BadCsv{"gap", "id,lower,upper,size,gaps\na,0,9,8,3\n", "no range"},
        BadCsv{"gap_outside", "id,lower,upper,size,gaps\na,0,9,8,3-12\n", "outside the lifetime"},
        BadCsv{"window", "id,lower,upper,size,gaps\na,0,9,8,3-5@4\n", "no range"},
        BadCsv{"alignment", "id,lower,upper,size,alignment\na,0,9,8,0\n", "not positive"},
        BadCsv{"stranger", "id,size,conflicts\na,8,b\n", "unknown 'b'"},
        BadCsv{"itself", "id,size,conflicts\na,8,a\n", "'a' conflicts with itself"},
        BadCsv{"namesake", "id,size,conflicts\na,8,\na,8,\n", "two buffers"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(MemoryCsv, SurvivesTruncationAnywhere) {
  const std::string text =
      "id,lower,upper,size,alignment,gaps,fixed_offset,space\n"
      "a,0,10,64,16,2-4 5-7@8:24,,sram\nb,1,3,8,8,,128,dram\n";
  for (size_t length = 0; length < text.size(); ++length) {
    const auto csv = parse_memory_csv(std::string_view(text).substr(0, length));
    if (csv.ok()) {
      EXPECT_LE(csv->problem.buffers.size(), 2u);
    }
  }
}

}  // namespace
}  // namespace memopt
