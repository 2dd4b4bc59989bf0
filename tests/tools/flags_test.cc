// Values of flags: sizes, numbers, names.
#include <gtest/gtest.h>

#include <sstream>

#include "tools/cli/app.h"
#include "tools/cli/names.h"
#include "tools/cli/sizes.h"

namespace memopt {
namespace {

TEST(Sizes, AreReadWithTheirUnits) {
  EXPECT_EQ(parse_size("0"), 0);
  EXPECT_EQ(parse_size("1.5KiB"), 1536);
  EXPECT_EQ(parse_size("8MiB"), 8 << 20);
  EXPECT_EQ(parse_size("1GB"), 1000000000);
  for (const char* text :
       {"", "-1", "8M", "8 MiB", "nan", "inf", "1e300", "0x10", "8MiB ", "MiB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(Sizes, WhatIsNoneSaysWhatWasLikelyMeant) {
  for (const char* text : {"8M", "8m", "8mb", "8 MiB", "8mib"}) {
    const auto refused = parse_size_flag("--budget", text);
    ASSERT_FALSE(refused.ok()) << text;
    EXPECT_EQ(refused.error().code, Code::kUsage);
    EXPECT_NE(refused.error().message.find("--budget"), std::string::npos);
    EXPECT_TRUE(refused.error().message.ends_with("8MiB?")) << refused.error().message;
  }
  EXPECT_EQ(parse_size_flag("--budget", "lots").error().message.find('?'), std::string::npos);
  EXPECT_EQ(parse_size_flag("--budget", "99999999999GiB").error().message,
            "--budget: '99999999999GiB' is more bytes than there are");
  EXPECT_NE(unit_hint("8").find("8MiB has 8,388,608 B"), std::string::npos);
  for (const char* text : {"0", "4096", "8MiB", "8B", "", "min"}) EXPECT_EQ(unit_hint(text), "");
}

TEST(Numbers, OutOfRangeIsAShortMessage) {
  for (const char* text : {"-1", "nan", "-nan", "inf", "1e300", "1e999", "", "x", "1x", " 1"}) {
    double seconds = 0;
    const auto app = make_app("test", "");
    app->add_option("--time-limit", seconds)->check(number_between(0, kMostSeconds));
    std::ostringstream out, err;
    EXPECT_EQ(parse_arguments(*app, {"--time-limit=" + std::string(text)}, out, err), 2) << text;
    EXPECT_LT(err.str().size(), 200u) << err.str();
    EXPECT_NE(err.str().find("--time-limit"), std::string::npos);
  }
  for (const char* text : {"0", "0.5", "1e9", "1e-300"}) {
    double seconds = -1;
    const auto app = make_app("test", "");
    app->add_option("--time-limit", seconds)->check(number_between(0, kMostSeconds));
    std::ostringstream out, err;
    EXPECT_EQ(parse_arguments(*app, {"--time-limit", text}, out, err), std::nullopt) << err.str();
    EXPECT_EQ(seconds, std::stod(text));
  }
}

TEST(Names, UnknownOnesGetThoseAlike) {
  std::vector<std::string_view> known = {"conv.onednn", "conv.reference", "conv.filter",
                                         "pool.simd"};
  EXPECT_EQ(unknown_name("--k", "conv.onedn", known).message.substr(0, 53),
            "--k: unknown 'conv.onedn'; did you mean conv.onednn? ");
  EXPECT_NE(unknown_name("--k", "zzz", known).message.find("known: conv.onednn, conv.reference"),
            std::string::npos);
  EXPECT_NE(unknown_name("--k", "pool", known).message.find("mean pool.simd?"), std::string::npos);
  EXPECT_EQ(unknown_name("--k", "", known).code, Code::kUsage);
  known.resize(40, "other");
  EXPECT_EQ(unknown_name("--k", "conv.onedn", known).message.find("other"), std::string::npos);
}

TEST(Messages, AreOnOneLineAndPrintable) {
  const auto app = make_app("test", "");
  std::ostringstream err;
  EXPECT_EQ(report_error(*app, {Code::kBadInput, "a\x1b[2J\nmemopt-test: done"}, err), 3);
  EXPECT_EQ(err.str(), "memopt-test: error: a\\x1b[2J\\x0amemopt-test: done\n");
  std::ostringstream longer;
  report_error(*app, {Code::kBadInput, std::string(1 << 20, 'x')}, longer);
  EXPECT_LT(longer.str().size(), 5000u);
}

}  // namespace
}  // namespace memopt
