#include "tools/cli/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tools/cli/app.h"
#include "tools/cli/output_names.h"

namespace memopt {
namespace {

namespace fs = std::filesystem;

// A tool with one flag of each type.
class Files : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("files_" + std::to_string(::getpid()) +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "sub");
    std::ofstream(folder_ / "in") << "x";
    fs::create_symlink("in", folder_ / "symlink");
    fs::create_hard_link(folder_ / "in", folder_ / "hardlink");
    fs::create_directory_symlink(".", folder_ / "here");
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  // The message, or "ok".
  static std::string parse(const Arguments& arguments) {
    std::vector<std::string> texts(8);
    std::vector<std::string> named;
    const auto app = make_app("test", "");
    app->add_option("input", texts[0])->type_name(kInputFileOrStdin);
    app->add_option("--in", texts[1])->type_name(kInputFile);
    app->add_option("--bind", named)->type_name(kNamedInput);
    app->add_option("-o,--output", texts[2])->type_name(kOutputFileOrStdout);
    app->add_option("--html", texts[3])->type_name(kOutputFile);
    app->add_option("--folder", texts[4])->type_name(kFolder);
    CLI::App* sub = app->add_subcommand("sub", "");
    sub->add_option("--svg", texts[5])->type_name(kOutputFile);
    sub->add_option("lock", texts[6])->type_name(kInputFileOrStdin);
    std::ostringstream out, err;
    const auto status = parse_arguments(*app, arguments, out, err);
    if (!status) return "ok";
    EXPECT_EQ(*status, 2) << err.str();
    return err.str();
  }

  fs::path folder_;
};

TEST_F(Files, NoOutputIsAnInputByWhateverName) {
  const std::vector<std::string> names = {path("in"), path("symlink"), path("hardlink"),
                                          path("here/in"), path("sub/../in")};
  for (const std::string& input : names) {
    for (const std::string& output : names) {
      for (const char* flag : {"-o", "--html"}) {
        EXPECT_NE(parse({input, flag, output}).find("is also read"), std::string::npos);
        EXPECT_NE(parse({"--in", input, flag, output}).find("--in"), std::string::npos);
        EXPECT_NE(parse({"--bind", "x=@" + input, flag, output}).find("--bind"), std::string::npos);
      }
      EXPECT_NE(parse({"--in", input, "sub", "--svg", output}).find("--svg"), std::string::npos);
    }
  }
  EXPECT_EQ(parse({path("in"), "-o", path("other")}), "ok");
  EXPECT_EQ(parse({path("in"), "--in", path("symlink")}), "ok");  // two inputs may be one
  EXPECT_EQ(parse({"--bind", "x=random", "-o", "random"}), "ok");
}

TEST_F(Files, NoTwoOutputsAreOneFile) {
  for (const std::string& other : {path("new"), path("here/new"), path("sub/../new")}) {
    EXPECT_NE(parse({"-o", path("new"), "--html", other}).find("also written"), std::string::npos);
  }
  EXPECT_NE(parse({"-o", path("hardlink"), "sub", "--svg", path("in")}).find("also written"),
            std::string::npos);
  EXPECT_EQ(parse({"-o", path("new"), "--html", path("sub/new")}), "ok");
  EXPECT_EQ(parse({"-o", "/dev/null", "--html", "/dev/null"}), "ok");
  EXPECT_EQ(parse({"/dev/null", "--html", "/dev/null"}), "ok");
}

TEST_F(Files, StreamsOnlyWhereTheyAreTaken) {
  EXPECT_EQ(parse({"-", "-o", "-"}), "ok");
  EXPECT_NE(parse({"--in", "-"}).find("not taken here"), std::string::npos);
  EXPECT_NE(parse({"--html", "-"}).find("/dev/stdout"), std::string::npos);
  EXPECT_NE(parse({"-", "sub", "-"}).find("read once"), std::string::npos);
  EXPECT_NE(parse({"--html", ""}).find("no name of a file"), std::string::npos);
  EXPECT_NE(parse({"-o", ""}).find("no name of a file"), std::string::npos);
}

Plan with_outputs(const std::vector<std::string>& names) {
  Plan plan;
  for (const std::string& name : names) {
    plan.values.emplace_back().name = name;
    plan.outputs.push_back(static_cast<uint32_t>(plan.values.size() - 1));
  }
  return plan;
}

TEST(OutputNames, AreDistinctPlainFileNames) {
  using Names = std::vector<std::string>;
  const auto names_of = [](const Names& names) { return output_file_names(with_outputs(names)); };
  EXPECT_EQ(names_of({"y", "z-1.b_2"}), (Names{"y", "z-1.b_2"}));
  EXPECT_EQ(names_of({"a/b", "a:b", "..", "", ".hidden", "\x1b[2J", "a b", "\xff"}),
            (Names{"output_0", "output_1", "output_2", "output_3", "output_4", "output_5",
                   "output_6", "output_7"}));
  EXPECT_EQ(names_of({"y", "y", "Y"}), (Names{"y", "output_1", "output_2"}));
  EXPECT_EQ(names_of({"/", "output_0", "Output_2", "/"}),
            (Names{"output_0_", "output_0", "Output_2", "output_3"}));
  EXPECT_EQ(names_of({std::string(199, 'x'), std::string(200, 'x')}),
            (Names{std::string(199, 'x'), "output_1"}));
  EXPECT_EQ(names_of({"output_1", "/", "output_1_"}),
            (Names{"output_1", "output_1__", "output_1_"}));
}

}  // namespace
}  // namespace memopt
