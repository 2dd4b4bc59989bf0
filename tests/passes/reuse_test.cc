// Every technique of the planner leaves the bits of the results alone: random graphs run with and
// without it, under the guard that poisons dead bytes.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "compiler/ir/verify.h"
#include "passes/compile.h"
#include "runtime/executor/session.h"
#include "runtime/plan/load.h"
#include "tests/support/random_graph.h"

namespace memopt {
namespace {

using Bytes = std::vector<std::byte>;

struct Variant {
  const char* name;
  void (*change)(CompileOptions&);
  bool guard;
};

constexpr Variant kVariants[] = {
    {"as it is", [](CompileOptions&) {}, true},
    {"without reuse", [](CompileOptions& o) { o.buffers.reuse = false; }, false},
    {"without in_place", [](CompileOptions& o) { o.buffers.in_place = false; }, true},
    {"without views", [](CompileOptions& o) { o.buffers.views = false; }, true},
    {"without destinations", [](CompileOptions& o) { o.buffers.destinations = false; }, true},
    {"without order", [](CompileOptions& o) { o.buffers.order = false; }, true},
    {"io by caller", [](CompileOptions& o) { o.buffers.io_in_arena = false; }, true},
    {"placed by start", [](CompileOptions& o) { o.buffers.planner.planner = "greedy_by_start"; },
     true},
};

// The outputs of the compiled model for fixed inputs.
std::vector<Bytes> run(const CompiledModel& model, const Variant& variant) {
  const std::string path = (std::filesystem::path(testing::TempDir()) / "reuse_test.plan").string();
  EXPECT_TRUE(write_compiled(model, path).ok());
  auto loaded = load_plan(path, {.mode = LoadMode::kCopy, .verify_constants = true});
  std::filesystem::remove(path);
  if (!loaded.ok()) {
    ADD_FAILURE() << loaded.error().message;
    return {};
  }
  const Plan& plan = (*loaded)->plan();
  auto arena = PageBuffer::allocate(plan.arena_bytes);
  auto session = Session::create(*loaded, arena->bytes(), {.threads = 1, .guard = variant.guard});
  if (!session.ok()) {
    ADD_FAILURE() << session.error().message;
    return {};
  }
  std::vector<PageBuffer> buffers;
  const auto caller_buffer = [&](uint32_t value) {
    buffers.push_back(*PageBuffer::allocate(plan.values[value].bytes));
    return buffers.back().bytes().first(static_cast<size_t>(plan.values[value].bytes));
  };
  for (size_t i = 0; i < plan.inputs.size(); ++i) {
    if (plan.values[plan.inputs[i]].storage == Storage::kCaller) {
      EXPECT_TRUE((*session)->bind_input(i, caller_buffer(plan.inputs[i])).ok());
    }
    auto* data = reinterpret_cast<float*>((*session)->input_data(i));
    for (int64_t k = 0; k < plan.values[plan.inputs[i]].dims.count(); ++k) {
      data[k] = static_cast<float>((k * 37 + static_cast<int64_t>(i) * 11) % 64) / 32.0f - 1.0f;
    }
  }
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    if (plan.values[plan.outputs[i]].storage == Storage::kCaller) {
      EXPECT_TRUE((*session)->bind_output(i, caller_buffer(plan.outputs[i])).ok());
    }
  }
  const Status status = (*session)->run();
  EXPECT_TRUE(status.ok()) << status.error().message;
  std::vector<Bytes> outputs;
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    const std::byte* data = (*session)->output_data(i);
    outputs.emplace_back(data, data + plan.values[plan.outputs[i]].bytes);
  }
  return outputs;
}

TEST(Reuse, EveryTechniqueKeepsTheBitsOfRandomGraphs) {
  constexpr int kGraphs = 60;
  for (uint64_t seed = 1; seed <= kGraphs; ++seed) {
    const Graph graph = random_graph(seed, 6 + static_cast<int>(seed % 25));
    ASSERT_TRUE(verify_graph(graph).ok()) << verify_graph(graph).error().message;
    std::vector<Bytes> expected;
    int64_t smallest = 0;
    for (const Variant& variant : kVariants) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", " + variant.name);
      CompileOptions options;
      variant.change(options);
      auto model = compile_graph(graph, options);
      ASSERT_TRUE(model.ok()) << model.error().message;
      const std::vector<Bytes> outputs = run(**model, variant);
      if (expected.empty()) {
        expected = outputs;
        smallest = (*model)->plan().arena_bytes;
      }
      EXPECT_EQ(outputs, expected);
      EXPECT_GE((*model)->plan().arena_bytes, (*model)->plan().certificate.lower_bound_bytes);
      if (std::string_view(variant.name) == "without reuse") {
        EXPECT_LE(smallest, (*model)->plan().arena_bytes);
      }
    }
  }
}

TEST(Reuse, TheSameGraphGivesTheSamePlan) {
  const Graph graph = random_graph(7, 30);
  const auto first = compile_graph(graph, {});
  const auto second = compile_graph(graph, {});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ((*first)->plan(), (*second)->plan());
}

}  // namespace
}  // namespace memopt
