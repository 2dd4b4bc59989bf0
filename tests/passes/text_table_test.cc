#include "passes/emit/text_table.h"

#include <gtest/gtest.h>

namespace memopt {
namespace {

TEST(PercentText, NeverRoundsADifferenceToZero) {
  EXPECT_EQ(percent_text(0, 100), "0.0 %");
  EXPECT_EQ(percent_text(1, 1000000), "< 0.1 %");
  EXPECT_EQ(percent_text(1, 8), "12.5 %");
  EXPECT_EQ(percent_text(5, 0), "-");
}

TEST(TextTable, AlignsByCharactersAndLeavesNoTrailingSpace) {
  TextTable table({TextTable::Align::kLeft, TextTable::Align::kRight, TextTable::Align::kLeft});
  table.add({"ä", "1", "x"});
  table.add({"long", "100"});
  EXPECT_EQ(table.text(1), " ä       1  x\n long  100\n");
}

}  // namespace
}  // namespace memopt
