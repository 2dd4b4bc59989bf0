#include "passes/emit/report_lock.h"

#include <gtest/gtest.h>

#include "nlohmann/json.hpp"
#include "tests/support/sample_plan.h"

namespace memopt {
namespace {

using nlohmann::json;

MemoryLock lock_of(const Plan& plan) {
  ReportOptions options;
  options.model = "locked";
  const auto text = lock_text(build_report(plan, options));
  EXPECT_TRUE(text.ok());
  const auto lock = parse_lock(*text);
  EXPECT_TRUE(lock.ok());
  return *lock;
}

TEST(ReportLock, OneByteMoreIsARegressionAndOneLessIsNot) {
  Plan plan = tiny_plan();
  const MemoryLock lock = lock_of(plan);
  const auto check = [&](const Plan& changed) {
    const Report report = build_report(changed);
    const auto figures = compare_with_lock(lock, report);
    EXPECT_TRUE(figures.ok());
    return check_growth(*figures, report);
  };
  EXPECT_TRUE(check(plan).ok());
  plan.arena_bytes -= 1;
  EXPECT_TRUE(check(plan).ok());
  plan.arena_bytes += 2;
  const Status grown = check(plan);
  ASSERT_FALSE(grown.ok());
  EXPECT_EQ(grown.error().code, Code::kRegression);
  EXPECT_NE(grown.error().message.find("arena_bytes grew from 960 B to 961 B, by 1 B"),
            std::string::npos)
      << grown.error().message;
  EXPECT_NE(grown.error().message.find("conv2"), std::string::npos);
  plan = tiny_plan();
  plan.constants_bytes += 64;
  EXPECT_FALSE(check(plan).ok());
}

TEST(ReportLock, AnotherNetworkOrTargetIsRefusedHoweverSmall) {
  const MemoryLock lock = lock_of(tiny_plan());
  Plan other = tiny_plan();
  other.arena_bytes = 64;
  other.options = {"io=arena", "network=fedcba9876543210", "tile=x"};
  const auto refused = compare_with_lock(lock, build_report(other));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kBadInput);
  EXPECT_NE(refused.error().message.find("'locked', 0123456789abcdef"), std::string::npos)
      << refused.error().message;
  EXPECT_NE(refused.error().message.find("--any-network"), std::string::npos);
  EXPECT_TRUE(compare_with_lock(lock, build_report(other), /*any_network=*/true).ok());

  other.options = tiny_plan().options;
  other.target = {.isa = Isa::kAmx, .pieces = 7};
  for (const bool any_network : {false, true}) {
    const auto elsewhere = compare_with_lock(lock, build_report(other), any_network);
    ASSERT_FALSE(elsewhere.ok());
    EXPECT_NE(elsewhere.error().message.find("amx:7"), std::string::npos);
  }

  other = tiny_plan();
  other.options.clear();
  EXPECT_FALSE(lock_text(build_report(other)).ok());
  EXPECT_FALSE(compare_with_lock(lock, build_report(other), true).ok());
}

TEST(ReportLock, OtherFilesAreRefused) {
  const json good = json::parse(*lock_text(build_report(tiny_plan())));
  std::vector<std::string> texts = {
      "", "{", "[]", "{}", "\"memopt.lock/2\"", R"({"schema":"memopt.lock/2"})"};
  for (const auto& [key, value] : good.items()) {
    json missing = good;
    missing.erase(key);
    texts.push_back(missing.dump());
    for (const json& wrong : {json(-1), json(1.5), json(), json::array(), json(UINT64_MAX)}) {
      json changed = good;
      changed[key] = wrong;
      texts.push_back(changed.dump());
    }
  }
  for (const std::string& text : texts) {
    const auto lock = parse_lock(text);
    ASSERT_FALSE(lock.ok()) << text;
    EXPECT_EQ(lock.error().code, Code::kBadInput) << text;
  }
  json old = good;
  old["schema"] = "memopt.lock/1";
  const auto refused = parse_lock(old.dump());
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("older memopt"), std::string::npos);
}

}  // namespace
}  // namespace memopt
