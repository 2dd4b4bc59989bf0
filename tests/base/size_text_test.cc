#include "runtime/base/size_text.h"

#include <gtest/gtest.h>

namespace memopt {
namespace {

TEST(SizeText, UsesBinaryUnitsAndThreeDigits) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(1024), "1.00 KiB");
  EXPECT_EQ(size_text(4816896), "4.59 MiB");
  EXPECT_EQ(size_text(-2048), "-2.00 KiB");
  EXPECT_EQ(both_sizes_text(4816896), "4.59 MiB (4,816,896 B)");
  EXPECT_EQ(both_sizes_text(812), "812 B");
  EXPECT_EQ(size_text(INT64_MAX), "8192 PiB");
}

TEST(CountText, GroupsThousands) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1,000");
  EXPECT_EQ(count_text(-1234567), "-1,234,567");
}

}  // namespace
}  // namespace memopt
