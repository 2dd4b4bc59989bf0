#include "tools/cli/inspect.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "nlohmann/json.hpp"
#include "runtime/plan/write.h"
#include "tests/support/sample_plan.h"

namespace memopt {
namespace {

class Inspect : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
    write("tiny.plan", tiny_plan());
    Plan larger = tiny_plan();
    larger.arena_bytes = 1024;
    write("larger.plan", larger);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const Plan& plan) {
    const ConstantWriter zeros = [](uint32_t, std::span<std::byte> bytes) {
      std::fill(bytes.begin(), bytes.end(), std::byte{0});
      return Status();
    };
    const Status written = write_plan(plan, zeros, path(name));
    ASSERT_TRUE(written.ok()) << written.error().message;
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  int run(const Arguments& arguments) {
    out_.str("");
    err_.str("");
    return run_inspect(arguments, out_, err_);
  }

  std::filesystem::path folder_;
  std::ostringstream out_, err_;
};

TEST_F(Inspect, SummaryIsTheDefaultAndJsonHasTheFigures) {
  ASSERT_EQ(run({path("tiny.plan")}), 0) << err_.str();
  EXPECT_NE(out_.str().find("lower bound"), std::string::npos);
  const std::string summary = out_.str();
  ASSERT_EQ(run({"summary", path("tiny.plan")}), 0);
  EXPECT_EQ(out_.str(), summary);
  ASSERT_EQ(run({path("tiny.plan"), "--json"}), 0);
  EXPECT_EQ(nlohmann::json::parse(out_.str())["arena_bytes"], 960);
}

TEST_F(Inspect, EveryViewWorksInBothOrdersOfArguments) {
  for (const char* view : {"summary", "tensors", "ops", "map", "explain"}) {
    ASSERT_EQ(run({view, path("tiny.plan")}), 0) << view << err_.str();
    const std::string first = out_.str();
    EXPECT_FALSE(first.empty());
    ASSERT_EQ(run({path("tiny.plan"), view}), 0) << view << err_.str();
    EXPECT_EQ(out_.str(), first);
    ASSERT_EQ(run({view, path("tiny.plan"), "--json"}), 0);
    EXPECT_EQ(nlohmann::json::parse(out_.str())["schema"], "memopt.report/1");
  }
}

TEST_F(Inspect, WritesHtmlDotAndOutputFiles) {
  ASSERT_EQ(run({"--html", path("r.html"), "--dot", "-o", path("r.dot"), path("tiny.plan")}), 0)
      << err_.str();
  EXPECT_EQ(out_.str(), "");
  EXPECT_NE(read(path("r.html")).find("<canvas"), std::string::npos);
  EXPECT_EQ(read(path("r.dot")).rfind("digraph", 0), 0u);
}

TEST_F(Inspect, CheckFailsWithEightWhenThePlanGrew) {
  ASSERT_EQ(run({"lock", path("tiny.plan"), "-o", path("memory.lock")}), 0) << err_.str();
  EXPECT_EQ(run({"check", path("tiny.plan"), path("memory.lock")}), 0) << err_.str();
  EXPECT_EQ(run({"check", path("larger.plan"), path("memory.lock")}), 8);
  EXPECT_NE(err_.str().find("arena_bytes grew"), std::string::npos) << err_.str();
  ASSERT_EQ(run({"lock", path("larger.plan"), "-o", path("memory.lock")}), 0);
  EXPECT_EQ(run({"check", path("tiny.plan"), path("memory.lock")}), 0);
  EXPECT_NE(out_.str().find("smaller"), std::string::npos);
}

TEST_F(Inspect, DiffFailsOnGrowthOnlyWhenAsked) {
  EXPECT_EQ(run({"diff", path("tiny.plan"), path("larger.plan")}), 0);
  EXPECT_NE(out_.str().find("+64 B"), std::string::npos) << out_.str();
  EXPECT_EQ(run({"diff", path("tiny.plan"), path("larger.plan"), "--fail-on-growth"}), 8);
  EXPECT_EQ(run({"diff", path("larger.plan"), path("tiny.plan"), "--fail-on-growth"}), 0);
}

TEST_F(Inspect, ErrorsHaveTheirExitStatusAndNameTheFile) {
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(run({"--no-such-flag"}), 2);
  EXPECT_EQ(run({"--json", "--dot", path("tiny.plan")}), 2);
  EXPECT_EQ(run({path("missing.plan")}), 3);
  EXPECT_NE(err_.str().find("missing.plan"), std::string::npos) << err_.str();
  std::ofstream(path("bad.plan")) << "not a plan";
  EXPECT_EQ(run({path("bad.plan")}), 3);
  EXPECT_EQ(run({"check", path("tiny.plan"), path("bad.plan")}), 3);
  EXPECT_NE(err_.str().find("bad.plan"), std::string::npos) << err_.str();
  EXPECT_EQ(run({path("tiny.plan"), "--html", path("no/such/folder.html")}), 9);
  EXPECT_EQ(run({"--help"}), 0);
}

}  // namespace
}  // namespace memopt
