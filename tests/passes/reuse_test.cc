// Every technique of the planner leaves the bits of the results alone: random graphs run with and
// without it, under the guard that poisons dead bytes.
#include <gtest/gtest.h>

#include "compiler/ir/verify.h"
#include "tests/support/random_graph.h"
#include "tests/support/run_compiled.h"

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
      const std::vector<Bytes> outputs = run_compiled(**model, variant.guard);
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
