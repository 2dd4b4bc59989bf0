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

TEST(Printable, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("conv\x1b[31m\n"), "conv\\x1b[31m\\x0a");
  EXPECT_EQ(printable("ok \xff\xfe"), "ok \\xff\\xfe");
  EXPECT_EQ(printable("\u202egnp"), "\\xe2\\x80\\xaegnp");  // right-to-left override
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");                               // C1 control sequence introducer
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate is not UTF-8
  EXPECT_EQ(printable("größe 層"), "größe 層");
}

TEST(Printable, LeavesOutTheMiddleOfLongNames) {
  EXPECT_EQ(printable("äöüß", 4), "äöüß");
  EXPECT_EQ(printable("stage1/block2/unit3/conv1", 15), "sta...it3/conv1");
  EXPECT_EQ(printable("äöüßäöüß", 7), "ä...öüß");
  EXPECT_EQ(printable("abc", 2), "...");
}

TEST(TextTable, AlignsByCharactersAndLeavesNoTrailingSpace) {
  TextTable table({TextTable::Align::kLeft, TextTable::Align::kRight, TextTable::Align::kLeft});
  table.add({"ä", "1", "x"});
  table.add({"long", "100"});
  EXPECT_EQ(table.text(1), " ä       1  x\n long  100\n");
}

}  // namespace
}  // namespace memopt
