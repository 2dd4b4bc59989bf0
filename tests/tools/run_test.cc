// memopt-run and memopt-verify, as functions.
#include "tools/cli/run.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "compiler/onnx/tensor_file.h"
#include "runtime/base/file.h"
#include "runtime/base/npy.h"
#include "tests/support/test_plan.h"
#include "tools/cli/bench.h"
#include "tools/cli/verify.h"

namespace memopt {
namespace {

struct Called {
  int exit_status = 0;
  std::string out, err;
};

template <typename Tool>
Called call(Tool tool, const Arguments& arguments) {
  std::ostringstream out, err;
  const int status = tool(arguments, out, err);
  return {status, out.str(), err.str()};
}

Called run(const Arguments& arguments) {
  return call([](auto&... a) { return run_run(a..., nullptr); }, arguments);
}

// y = relu(x); x in the caller's memory, y in the arena, channels-last.
std::string relu_plan() {
  TestPlanBuilder builder;
  const Dims dims{1, 2, 1, 2};
  const uint32_t x = builder.caller("x", dims);
  const uint32_t y = builder.arena("y", dims, 0, Layout::kChannelsLast);
  builder.unary("test.relu", x, y).kernel = "unary.reference";
  builder.plan.inputs = {x};
  builder.plan.outputs = {y};
  return write_temporary(builder.plan, "run");
}

TensorData tensor(const std::string& name, const std::array<float, 4>& values) {
  TensorData data{{.dtype = DType::kF32, .dims = {1, 2, 1, 2}}, {}, name};
  data.bytes.resize(sizeof(values));
  std::memcpy(data.bytes.data(), values.data(), sizeof(values));
  return data;
}

std::string npy(const std::string& name, const std::array<float, 4>& values) {
  std::string path = temporary_path(name + ".npy");
  EXPECT_TRUE(write_npy(tensor(name, values), path).ok());
  return path;
}

TEST(Run, ComparesAndWritesOutputs) {
  const std::string folder = temporary_path("outputs");
  const Called called =
      run({relu_plan(), "--input", "x=@" + npy("x", {-1, 2, 3, -4}), "--expected",
           "y=@" + npy("y", {0, 2, 3, 0}), "--output-dir", folder, "--guard", "--repeat", "3"});
  EXPECT_EQ(called.exit_status, 0) << called.err;
  EXPECT_NE(called.out.find("y: ok, 4 elements"), std::string::npos) << called.out;
  const auto written = read_npy(folder + "/y.npy");
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_EQ(written->bytes, tensor("y", {0, 2, 3, 0}).bytes);
}

// A counter that counts nothing and says what a test can predict.
constexpr AllocationCounter kFakeCounter = {
    [] { return true; }, [] {},
    [] { return AllocationCounts{.kept_heap_bytes = 1000, .kept_mapped_bytes = 24}; }};

TEST(Run, TellsWhatLoadingKeeps) {
  const std::string plan = relu_plan();
  std::ostringstream out, err;
  ASSERT_EQ(run_run({plan, "--json"}, out, err, &kFakeCounter), 0) << err.str();
  // The plan's heap; the session's heap and mappings.
  EXPECT_EQ(nlohmann::json::parse(out.str())["runtime_bytes"], 1000 + 1024);
  std::ostringstream text;
  ASSERT_EQ(run_run({plan}, text, err, &kFakeCounter), 0) << err.str();
  EXPECT_NE(text.str().find("runtime    1.98 KiB (2,024 B): plan 1000 B, session 1.00 KiB"),
            std::string::npos)
      << text.str();
}

TEST(Run, InventsNoRuntimeBytes) {
  const std::string plan = relu_plan();
  EXPECT_TRUE(nlohmann::json::parse(run({plan, "--json"}).out)["runtime_bytes"].is_null());
  EXPECT_NE(run({plan}).out.find("runtime    not measured"), std::string::npos);
}

TEST(Bench, TellsWhatLoadingKeeps) {
  const Arguments arguments = {relu_plan(), "--repeat", "1", "--warmup", "0"};
  std::ostringstream out, err;
  ASSERT_EQ(run_bench(arguments, out, err, &kFakeCounter), 0) << err.str();
  EXPECT_NE(out.str().find("runtime  1.98 KiB (2,024 B)"), std::string::npos) << out.str();
  Arguments as_json = arguments;
  as_json.push_back("--json");
  std::ostringstream measured, unmeasured;
  ASSERT_EQ(run_bench(as_json, measured, err, &kFakeCounter), 0) << err.str();
  ASSERT_EQ(run_bench(as_json, unmeasured, err, nullptr), 0) << err.str();
  EXPECT_EQ(nlohmann::json::parse(measured.str())["runtime_bytes"], 2024);
  EXPECT_TRUE(nlohmann::json::parse(unmeasured.str())["runtime_bytes"].is_null());
}

TEST(Run, DifferentOutputsAreStatus7) {
  const Called called = run({relu_plan(), "--input", "x=@" + npy("x", {-1, 2, 3, -4}), "--expected",
                             "y=@" + npy("y", {0, 2.1f, 3, 0}), "--json"});
  EXPECT_EQ(called.exit_status, 7);
  const auto json = nlohmann::json::parse(called.out);
  EXPECT_EQ(json["compared"][0]["differing"], 1);
  EXPECT_EQ(json["arena_bytes"], 16);
}

TEST(Run, TestDataFolders) {
  const std::filesystem::path root = temporary_path("data");
  const std::filesystem::path folder = root / "test_data_set_0";
  std::filesystem::remove_all(root);
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(write_tensor_pb(tensor("x", {-1, 2, 3, -4}), folder / "input_0.pb").ok());
  ASSERT_TRUE(write_tensor_pb(tensor("y", {0, 2, 3, 0}), folder / "output_0.pb").ok());
  Called called = run({relu_plan(), "--test-data", folder});
  EXPECT_EQ(called.exit_status, 0) << called.err << called.out;
  EXPECT_NE(called.out.find("y: ok"), std::string::npos) << called.out;

  // A sample of the output, and an input that io.json describes.
  std::filesystem::remove(folder / "input_0.pb");
  std::filesystem::remove(folder / "output_0.pb");
  TensorData sample = tensor("", {0, 0, 0, 0});
  sample.type.dims = {2};
  sample.bytes.resize(8);
  ASSERT_TRUE(write_tensor_pb(sample, folder / "output_0.sample.pb").ok());
  ASSERT_TRUE(write_file(root / "io.json", R"({"inputs": [{"name": "x", "dtype": "float32",
      "shape": [1, 2, 1, 2], "gen": {"alg": "splitmix64-u24", "seed": 1, "stream": 0, "lo": -2,
      "hi": -1}}], "outputs": [{"sample": {"stride": 2}}]})")
                  .ok());
  called = run({relu_plan(), "--test-data", folder.string() + "/"});
  EXPECT_EQ(called.exit_status, 0) << called.err << called.out;
  EXPECT_NE(called.out.find("y: ok, 2 elements"), std::string::npos) << called.out;
}

TEST(Run, MistakesHaveTheirStatusAndSayWhatIs) {
  const std::string plan = relu_plan();
  const std::vector<std::tuple<Arguments, int, std::string>> cases = {
      {{}, 2, "plan is required"},
      {{"/nonexistent.plan"}, 3, "/nonexistent.plan"},
      {{plan, "--input", "z=zeros"}, 2, "the plan has no input 'z'; it has 'x'"},
      {{plan, "--input", "x"}, 2, "NAME=SOURCE"},
      {{plan, "--input", "x=ones"}, 2, "found 'ones'"},
      {{plan, "--input", "x=zeros", "--input", "x=random"}, 2, "given twice"},
      {{plan, "--input", "x=@/nonexistent.npy"}, 3, "/nonexistent.npy"},
      {{plan, "--expected", "z=@a.npy"}, 2, "no output 'z'"},
      {{plan, "--threads", "0"}, 2, "--threads"},
      {{plan, "--test-data", "/nonexistent"}, 3, "not a folder"},
      {{plan, "--output-dir", "/dev/null/x"}, 9, "/dev/null/x"},
      {{plan, "--profile", "/nonexistent/trace.json"}, 9, "/nonexistent/trace.json"},
  };
  for (const auto& [arguments, status, message] : cases) {
    const Called called = run(arguments);
    EXPECT_EQ(called.exit_status, status) << message;
    EXPECT_NE(called.err.find(message), std::string::npos) << called.err;
  }
}

TEST(Run, WrongShapeIsNamed) {
  TensorData x = tensor("x", {1, 2, 3, 4});
  x.type.dims = {4};
  const std::string path = temporary_path("flat.npy");
  ASSERT_TRUE(write_npy(x, path).ok());
  const Called called = run({relu_plan(), "--input", "x=@" + path});
  EXPECT_EQ(called.exit_status, 2);
  EXPECT_NE(called.err.find("input 'x' needs f32[1x2x1x2]"), std::string::npos) << called.err;
}

TEST(Verify, SoundAndDamagedPlans) {
  const std::string path = relu_plan();
  Called called = call(run_verify, {path});
  EXPECT_EQ(called.exit_status, 0) << called.err;
  EXPECT_NE(called.out.find("verified"), std::string::npos);
  called = call(run_verify, {path, "--dump"});
  EXPECT_NE(called.out.find("run (%1) = unary"), std::string::npos) << called.out;

  auto file = *read_file(path, 1 << 20);
  file[200] ^= std::byte{1};
  const std::string damaged = temporary_path("damaged.plan");
  ASSERT_TRUE(write_file(damaged, {reinterpret_cast<const char*>(file.data()), file.size()}).ok());
  called = call(run_verify, {damaged, "--json"});
  EXPECT_EQ(called.exit_status, 3);
  EXPECT_EQ(nlohmann::json::parse(called.out)["ok"], false);
}

TEST(Verify, UnsoundPlansAreStatus6) {
  Plan plan = small_plan();  // names kernels that only tests have
  const std::string path = write_temporary(plan, "unsound");
  EXPECT_EQ(call(run_verify, {path}).exit_status, 6);
}

}  // namespace
}  // namespace memopt
