#include "runtime/base/printable.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>

namespace memopt {
namespace {

std::string utf8(uint32_t point) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xc0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xe0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
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

TEST(Printable, EscapesEveryControlAndEveryMarkWithoutAGlyph) {
  for (uint32_t point = 0; point < 0x110000; ++point) {
    if (point >= 0xd800 && point < 0xe000) continue;  // surrogates
    const bool is_control = point < 0x20 || (point >= 0x7f && point < 0xa0);
    const bool is_direction = point == 0x61c || point == 0x200e || point == 0x200f ||
                              (point >= 0x202a && point <= 0x202e) ||
                              (point >= 0x2066 && point <= 0x2069);
    const bool is_line_end = point == 0x2028 || point == 0x2029;
    const bool has_no_width = point == 0xad || (point >= 0x200b && point <= 0x200d) ||
                              point == 0x2060 || point == 0xfeff ||
                              (point >= 0xe0000 && point < 0xe1000);
    const std::string character = utf8(point);
    const std::string shown = printable(character);
    if (is_control || is_direction || is_line_end || has_no_width) {
      EXPECT_EQ(shown.substr(0, 2), "\\x") << std::hex << point;
    } else if (shown != character) {
      EXPECT_EQ(shown.size(), 4 * character.size()) << std::hex << point;
    }
    EXPECT_EQ(printable(shown), shown) << std::hex << point;
  }
}

TEST(Printable, EscapesEveryByteThatIsNoCharacter) {
  for (int first = 0x80; first < 0x100; ++first) {
    for (const int second : {0x00, 0x20, 0x41, 0x7f, 0x80, 0x8f, 0xbf, 0xff}) {
      const std::string bytes = {static_cast<char>(first), static_cast<char>(second), 'x'};
      const std::string shown = printable(bytes);
      const bool is_character = shown.substr(0, 2) == bytes.substr(0, 2);
      const bool may_be = first >= 0xc2 && first < 0xe0 && second >= 0x80 && second < 0xc0;
      EXPECT_TRUE(may_be || !is_character) << first << ' ' << second;
      EXPECT_EQ(printable(shown), shown);
    }
  }
}

TEST(Printable, LeavesOutTheMiddleOfLongNames) {
  EXPECT_EQ(printable("äöüß", 4), "äöüß");
  EXPECT_EQ(printable("stage1/block2/unit3/conv1", 15), "sta...it3/conv1");
  EXPECT_EQ(printable("äöüßäöüß", 7), "ä...öüß");
  EXPECT_EQ(printable("abc", 2), "...");
}

}  // namespace
}  // namespace memopt
