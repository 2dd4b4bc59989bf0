#include "tools/cli/pack.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "passes/planning/csv.h"

namespace memopt {
namespace {

constexpr char kProblem[] =
    "id,lower,upper,size\nb1,0,3,4\nb2,3,9,4\nb3,0,9,4\nb4,9,21,4\nb5,0,21,4\n";

class Pack : public ::testing::Test {
 protected:
  Pack() { std::filesystem::create_directories(folder_); }
  ~Pack() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  int pack(const Arguments& arguments) {
    out_.str("");
    err_.str("");
    return run_pack(arguments, out_, err_);
  }

  std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) /
      ("memopt_pack_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + "_" +
       ::testing::UnitTest::GetInstance()->current_test_info()->name());
  std::ostringstream out_, err_;
};

TEST_F(Pack, WritesThePlanAndSaysThatItIsOptimal) {
  const std::string problem = write("p.csv", kProblem);
  ASSERT_EQ(pack({problem, "-o", path("plan.csv")}), 0) << err_.str();
  EXPECT_NE(out_.str().find("12 B"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("proved optimal"), std::string::npos) << out_.str();
  EXPECT_TRUE(read("plan.csv").starts_with("id,lower,upper,size,offset\nb1,0,3,4,"));
  EXPECT_EQ(pack({path("plan.csv"), "--check"}), 0) << err_.str();
}

TEST_F(Pack, PlanOnStandardOutput) {
  ASSERT_EQ(pack({write("p.csv", kProblem), "-o", "-"}), 0);
  EXPECT_TRUE(out_.str().starts_with("id,lower,upper,size,offset\n"));
  EXPECT_NE(err_.str().find("proved optimal"), std::string::npos);
}

TEST_F(Pack, Json) {
  ASSERT_EQ(pack({write("p.csv", kProblem), "--json", "--capacity", "1KiB", "--minimize"}), 0);
  const auto json = nlohmann::json::parse(out_.str());
  EXPECT_EQ(json["schema"], "memopt.pack/1");
  EXPECT_EQ(json["spaces"][0]["height_bytes"], 12);
  EXPECT_EQ(json["spaces"][0]["lower_bound_bytes"], 12);
  EXPECT_EQ(json["spaces"][0]["capacity_bytes"], 1024);
  EXPECT_EQ(json["spaces"][0]["status"], "optimal");
}

TEST_F(Pack, ImpossibleCapacityIsExit4AndWritesNothing) {
  EXPECT_EQ(pack({write("p.csv", kProblem), "-o", path("plan.csv"), "--capacity", "11"}), 4);
  EXPECT_FALSE(std::filesystem::exists(path("plan.csv")));
  EXPECT_NE(err_.str().find("12 are needed"), std::string::npos) << err_.str();
}

TEST_F(Pack, CapacityNotReachedIsExit5AndWritesTheBest) {
  const std::string problem = write("p.csv", kProblem);  // 20 bytes side by side, 12 are enough
  const int exit =
      pack({problem, "-o", path("plan.csv"), "--capacity", "13", "--planner", "naive"});
  EXPECT_EQ(exit, 5) << err_.str();
  EXPECT_TRUE(std::filesystem::exists(path("plan.csv")));
  EXPECT_NE(err_.str().find("work limit"), std::string::npos) << err_.str();
}

TEST_F(Pack, CheckRejectsAPlanWithACollision) {
  const std::string plan = write("plan.csv", "id,lower,upper,size,offset\na,0,2,8,0\nb,1,3,8,7\n");
  EXPECT_EQ(pack({plan, "--check"}), 6);
  EXPECT_NE(err_.str().find("share bytes"), std::string::npos) << err_.str();
  EXPECT_EQ(pack({write("p.csv", kProblem), "--check"}), 6);
}

TEST_F(Pack, CapacitiesPerSpace) {
  const std::string problem =
      write("p.csv", "id,lower,upper,size,space\na,0,2,8,sram\nb,1,3,8,sram\nc,0,1,99,dram\n");
  EXPECT_EQ(pack({problem, "--capacity", "sram=16,dram=1KiB"}), 0) << err_.str();
  EXPECT_EQ(pack({problem, "--capacity", "sram=15"}), 4);
  EXPECT_EQ(pack({problem, "--capacity", "flash=15"}), 2);
}

TEST_F(Pack, ErrorsHaveTheirExitStatus) {
  const std::string problem = write("p.csv", kProblem);
  EXPECT_EQ(pack({}), 2);
  EXPECT_EQ(pack({problem, "--capacity", "many"}), 2);
  EXPECT_EQ(pack({problem, "--planner", "magic"}), 2);
  EXPECT_EQ(pack({problem, "--work-limit", "-1"}), 2);
  EXPECT_EQ(pack({path("absent.csv")}), 3);
  EXPECT_EQ(pack({write("bad.csv", "id,lower,upper,size\na,0,1,-1\n")}), 3);
  EXPECT_NE(err_.str().find("bad.csv: "), std::string::npos) << err_.str();
  EXPECT_EQ(pack({problem, "-o", path("no/such/folder.csv")}), 9);
  EXPECT_EQ(pack({"--help"}), 0);
}

}  // namespace
}  // namespace memopt
