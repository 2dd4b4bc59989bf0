// memopt-compile as a function: its streams and what its reports say.
#include "tools/cli/compile.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "compiler/ir/text.h"
#include "compiler/onnx/export.h"
#include "runtime/base/file.h"
#include "tests/support/test_plan.h"

namespace memopt {
namespace {

std::string read_text(const std::string& path) {
  const auto bytes = read_file(path, int64_t{1} << 30);
  EXPECT_TRUE(bytes.ok());
  return bytes.ok() ? std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()) : "";
}

// Three steps; inputs and outputs in the arena cost bytes there.
std::string model_file() {
  const auto graph = parse_graph(R"(graph "g" {
  %x = input : f32[1x256]
  %a = softmax(%x) {axis=1} : f32[1x256]
  %b = binary(%a, %x) {fn=add} : f32[1x256]
  return %b
})");
  EXPECT_TRUE(graph.ok()) << graph.error().message;
  std::string path = temporary_path("tiny_model.onnx");
  EXPECT_TRUE(export_onnx(*graph, {}, path).ok());
  return path;
}

struct Called {
  int exit_status = 0;
  std::string out, err;
};

// `input` is what standard input holds.
Called compile(const Arguments& arguments, const std::string& input = "") {
  std::istringstream in(input);
  std::streambuf* const before = std::cin.rdbuf(in.rdbuf());
  std::ostringstream out, err;
  const int status = run_compile(arguments, out, err);
  std::cin.rdbuf(before);
  std::cin.clear();
  return {status, out.str(), err.str()};
}

TEST(Compile, StandardStreamsGiveTheSamePlanAsFiles) {
  const std::string model = model_file(), plan = temporary_path("compile.plan");
  const Called file = compile({model, "-o", plan});
  ASSERT_EQ(file.exit_status, 0) << file.err;
  const Called streams = compile({"-", "-o", "-"}, read_text(model));
  ASSERT_EQ(streams.exit_status, 0) << streams.err;
  EXPECT_EQ(streams.out, read_text(plan));
  EXPECT_NE(streams.err.find("lower bound"), std::string::npos) << streams.err;
  EXPECT_NE(file.out.find("lower bound"), std::string::npos) << file.out;
}

TEST(Compile, QuietToStandardOutputIsThePlanAlone) {
  const Called called = compile({model_file(), "-o", "-", "--quiet"});
  EXPECT_EQ(called.exit_status, 0);
  EXPECT_EQ(called.err, "");
  EXPECT_FALSE(called.out.empty());
}

TEST(Compile, BadStandardInputIsNamed) {
  const Called called = compile({"-"}, "this is no model");
  EXPECT_EQ(called.exit_status, 3);
  EXPECT_NE(called.err.find("standard input"), std::string::npos) << called.err;
  EXPECT_EQ(compile({"-", "--external-data-root", "."}, read_text(model_file())).exit_status, 2);
}

TEST(Compile, AFailureLeavesStandardOutputEmpty) {
  const Called called = compile({model_file(), "-o", "-", "--memory-budget", "1"});
  EXPECT_EQ(called.exit_status, 4);
  EXPECT_EQ(called.out, "");
}

TEST(Compile, AllReportsTellTheModelAndTheArenaOfTheOtherPlacement) {
  const std::string model = model_file(), page = temporary_path("compile.html");
  const Called other = compile({model, "--io", "caller", "--json"});
  ASSERT_EQ(other.exit_status, 0) << other.err;
  const auto expected = nlohmann::json::parse(other.out)["arena_bytes"].get<int64_t>();

  const Called as_json = compile({model, "--json", "--html", page});
  ASSERT_EQ(as_json.exit_status, 0) << as_json.err;
  const auto report = nlohmann::json::parse(as_json.out);
  EXPECT_EQ(report["io"]["other_way_arena_bytes"], expected);
  EXPECT_NE(report["arena_bytes"], expected);
  const auto name = std::filesystem::path(model).stem().string();
  EXPECT_EQ(report["model"], name);

  const Called as_text = compile({model});
  EXPECT_NE(as_text.out.find("bound by the caller the arena is"), std::string::npos) << as_text.out;
  EXPECT_NE(as_text.out.find(name), std::string::npos) << as_text.out;

  const std::string html = read_text(page);
  EXPECT_NE(html.find("\"other_way_arena_bytes\":" + std::to_string(expected)), std::string::npos);
}

}  // namespace
}  // namespace memopt
