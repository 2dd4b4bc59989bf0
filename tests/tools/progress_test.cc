#include "tools/cli/progress.h"

#include <gtest/gtest.h>

#include <sstream>

namespace memopt {
namespace {

TEST(Progress, TellsSizesAsPeopleReadThem) {
  EXPECT_EQ(with_readable_sizes("budget of 4816896 bytes"), "budget of 4.59 MiB (4,816,896 B)");
  EXPECT_EQ(with_readable_sizes("from 2048 bytes to 12 bytes, at last"),
            "from 2.00 KiB (2,048 B) to 12 B, at last");
}

TEST(Progress, LeavesOtherNumbersAlone) {
  EXPECT_EQ(with_readable_sizes("layout"), "layout");
  EXPECT_EQ(with_readable_sizes("point 3 of 12"), "point 3 of 12");
  EXPECT_EQ(with_readable_sizes("99999999999999999999 bytes"), "99999999999999999999 bytes");
}

TEST(Progress, ShowsOneLineAndRemovesIt) {
  std::ostringstream err;
  {
    Progress progress(err, /*active=*/true, /*quiet_seconds=*/0);
    progress.stage("layout");
    progress.stage("budget of 4096 bytes");
  }
  EXPECT_EQ(err.str(), "[0 s] layout...\r\033[K[0 s] budget of 4.00 KiB (4,096 B)...\r\033[K");
}

TEST(Progress, SaysNothingEarlyOrWithoutATerminal) {
  std::ostringstream err;
  Progress early(err, true), piped(err, false, 0);
  early.stage("layout");
  piped.stage("layout");
  EXPECT_EQ(err.str(), "");
}

}  // namespace
}  // namespace memopt
