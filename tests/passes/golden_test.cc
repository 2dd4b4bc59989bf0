// Golden tests of passes: tests/golden/<pass>.ir holds cases, each a graph, a line "// EXPECT" and
// the graph that the pass makes of it. A line "// TILE y=x:2:3" in front of the graph tells `tile`
// what to do. Update with:
//   memopt_passes_test --gtest_also_run_disabled_tests --gtest_filter='Golden.DISABLED_Update'
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "passes/pass.h"
#include "passes/transform/tile.h"

namespace memopt {
namespace {

struct Case {
  std::string name;  // "// CASE merges_equal_nodes"
  std::string input;
  std::string expected;
  std::vector<std::string> tiles;
};

std::filesystem::path golden_file(std::string_view pass) {
  return std::filesystem::path(MEMOPT_SOURCE_DIR) / "tests/golden" / (std::string(pass) + ".ir");
}

std::vector<Case> read_cases(std::string_view pass) {
  std::ifstream file(golden_file(pass));
  std::vector<Case> cases;
  std::string line;
  bool expecting = false;
  while (std::getline(file, line)) {
    if (line.starts_with("// CASE ")) {
      cases.push_back({.name = line.substr(8), .input = {}, .expected = {}, .tiles = {}});
      expecting = false;
    } else if (line.starts_with("// TILE ")) {
      cases.back().tiles.push_back(line.substr(8));
    } else if (line == "// EXPECT") {
      expecting = true;
    } else if (!cases.empty()) {
      (expecting ? cases.back().expected : cases.back().input) += line + '\n';
    }
  }
  return cases;
}

// Runs the pass on the case; checks that it tells the truth about whether it changed anything.
std::string run_case(const Pass& pass, const Case& test) {
  auto graph = parse_graph(test.input);
  if (!graph.ok()) return graph.error().message + '\n';
  EXPECT_TRUE(verify_graph(*graph).ok()) << verify_graph(*graph).error().message;
  const std::string before = print_graph(*graph);
  PassOptions options;
  for (const std::string& text : test.tiles) {
    auto request = parse_tile(text);
    if (!request.ok()) return request.error().message + '\n';
    options.tiles.push_back(*request);
  }
  auto changed = pass.run(*graph, options);
  if (!changed.ok()) return changed.error().message + '\n';
  EXPECT_TRUE(verify_graph(*graph).ok()) << verify_graph(*graph).error().message;
  std::string after = print_graph(*graph);
  EXPECT_EQ(*changed, before != after) << "the pass is wrong about whether it changed the graph";
  return after;
}

std::string normalized(const std::string& text) {
  auto graph = parse_graph(text);
  return graph.ok() ? print_graph(*graph) : text;
}

TEST(Golden, EveryPassHasCases) {
  for (const Pass& pass : all_passes()) {
    EXPECT_FALSE(read_cases(pass.name).empty()) << golden_file(pass.name) << " has no cases";
  }
}

TEST(Golden, PassesGiveTheExpectedGraphs) {
  for (const Pass& pass : all_passes()) {
    for (const Case& test : read_cases(pass.name)) {
      SCOPED_TRACE(std::string(pass.name) + ": " + test.name);
      EXPECT_EQ(run_case(pass, test), normalized(test.expected));
    }
  }
}

TEST(Golden, DISABLED_Update) {
  for (const Pass& pass : all_passes()) {
    std::ostringstream text;
    for (const Case& test : read_cases(pass.name)) {
      text << "// CASE " << test.name << '\n';
      for (const std::string& tiling : test.tiles) text << "// TILE " << tiling << '\n';
      text << test.input << "// EXPECT\n" << run_case(pass, test);
    }
    std::ofstream(golden_file(pass.name)) << text.str();
  }
}

}  // namespace
}  // namespace memopt
