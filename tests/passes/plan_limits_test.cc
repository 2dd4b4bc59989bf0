// What is written loads: models at each limit of a plan, one below and one above it, compile to a
// plan that loads and runs, or are refused by name.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "passes/compile.h"
#include "runtime/plan/limits.h"
#include "tests/support/run_compiled.h"

namespace memopt {
namespace {

TensorType f32(Dims dims) { return {.dtype = DType::kF32, .dims = dims}; }
Unary relu() { return {.fn = {.fn = UnaryFn::kRelu, .alpha = 0, .beta = 0}}; }
Unary exp() { return {.fn = {.fn = UnaryFn::kExp, .alpha = 0, .beta = 0}}; }

Result<std::unique_ptr<CompiledModel>> compile(Graph graph,
                                               std::vector<std::string> recorded = {}) {
  CompileOptions options;
  options.kernels.target = {.isa = host_isa()};
  options.recorded = std::move(recorded);
  return compile_graph(std::move(graph), options);
}

// Compiles, writes, loads and runs.
void expect_loads(Graph graph, std::vector<std::string> recorded = {}) {
  const auto compiled = compile(std::move(graph), std::move(recorded));
  ASSERT_TRUE(compiled.ok()) << compiled.error().message;
  EXPECT_FALSE(run_compiled(**compiled, /*guard=*/true).empty());
}

void expect_refused(Graph graph, const std::string& name) {
  const auto compiled = compile(std::move(graph));
  ASSERT_FALSE(compiled.ok());
  EXPECT_EQ(compiled.error().code, Code::kBadInput);
  EXPECT_NE(compiled.error().message.find(name), std::string::npos) << compiled.error().message;
  EXPECT_LT(compiled.error().message.size(), 1000u);
}

// Names as long as the limit and `more`.
std::string long_name(char letter, int more) {
  return std::string(kMaxPlanStringBytes + static_cast<size_t>(more), letter);
}

// x -> exp -> exp -> y, with these names.
Graph chain(const std::string& x, const std::string& between, const std::string& y,
            const std::string& node = "n") {
  Graph graph;
  graph.name = "g";
  ValueId value = graph.add_input(x, f32({4}));
  value = graph.add_simple(exp(), {{value}}, f32({4}), between, node);
  value = graph.add_simple(exp(), {{value}}, f32({4}), y, node);
  graph.add_output(value);
  return graph;
}

TEST(PlanLimits, NamesThatNobodyUsesAreShortened) {
  for (const int more : {-1, 0, 1, 100'000}) {
    expect_loads(chain("x", long_name('v', more), "y"));
    expect_loads(chain("x", "t", "y", long_name('n', more)));
    Graph graph = chain("x", "t", "y");
    graph.name = long_name('g', more);
    expect_loads(std::move(graph));
    expect_loads(chain("x", "t", "y"), {"option=" + long_name('o', more - 7)});
  }
}

TEST(PlanLimits, ShortenedNamesStayDifferent) {
  const std::string name = long_name('v', 10);
  const auto compiled = compile(chain("x", name, "y"));
  ASSERT_TRUE(compiled.ok()) << compiled.error().message;
  std::set<std::string> names;
  for (const PlanValue& value : (*compiled)->plan().values) {
    EXPECT_LE(value.name.size(), kMaxPlanStringBytes);
    EXPECT_TRUE(names.insert(value.name).second);
  }
}

TEST(PlanLimits, NamesOfInputsAndOutputsAreRefused) {
  for (const int more : {-1, 0}) {
    expect_loads(chain(long_name('x', more), "t", "y"));
    expect_loads(chain("x", "t", long_name('y', more)));
  }
  expect_refused(chain(long_name('x', 1), "t", "y"), "input 'xxxx");
  expect_refused(chain("x", "t", long_name('y', 1)), "output 'yyyy");
}

TEST(PlanLimits, OperandsAreCounted) {
  for (const int more : {-1, 0, 1}) {
    const size_t count = kMaxPlanOperands + static_cast<size_t>(more);
    Graph graph;
    graph.name = "g";
    const ValueId x = graph.add_input("x", f32({1, 2}));
    const std::vector<ValueId> operands(count, x);
    graph.add_output(graph.add_simple(Concat{.axis = 0}, operands,
                                      f32({static_cast<int64_t>(count), 2}), "y", "the_join"));
    if (more <= 0) {
      expect_loads(std::move(graph));
    } else {
      expect_refused(std::move(graph), "the_join");
    }
  }
}

TEST(PlanLimits, ConcatenationsAreFlattenedUpToTheOperandsOfOne) {
  for (const int more : {0, 1}) {
    Graph graph;
    graph.name = "g";
    std::vector<ValueId> joined;
    for (int i = 0; i < 2; ++i) {
      std::vector<ValueId> operands(kMaxPlanOperands / 2 + static_cast<size_t>(i * more));
      for (ValueId& operand : operands) {
        operand = graph.add_input("x" + std::to_string(graph.value_count()), f32({1, 2}));
      }
      joined.push_back(graph.add_simple(Concat{.axis = 0}, operands,
                                        f32({static_cast<int64_t>(operands.size()), 2}), "t", "j"));
    }
    const auto rows = static_cast<int64_t>(kMaxPlanOperands) + more;
    graph.add_output(graph.add_simple(Concat{.axis = 0}, joined, f32({rows, 2}), "y", "j"));
    const Pass* const pass[] = {find_pass("flatten_concat")};
    const auto changed =
        run_passes(graph, pass, {.pass = {}, .disabled = {}, .verify = false, .observer = {}});
    ASSERT_TRUE(changed.ok());
    const NodeId last = graph.order().back();
    EXPECT_LE(graph.node(last).inputs.size(), kMaxPlanOperands);
  }
}

Slice rows_behind(int64_t start, int64_t count) {
  Slice slice;
  slice.starts = {start, 0};
  slice.sizes = {count, 2};
  slice.steps = {1, 1};
  return slice;
}

// Every value is a view of the one before it, `count` of them: boxes, or boxes and all of them
// under other dimensions by turns.
Graph views(int64_t count, bool with_reshapes) {
  Graph graph;
  graph.name = "g";
  int64_t rows = count + 4;
  ValueId value = graph.add_input("x", f32({rows, 2}));
  for (int64_t i = 0; i < count; ++i) {
    --rows;
    value = graph.add_simple(rows_behind(1, rows), {{value}}, f32({rows, 2}),
                             "s" + std::to_string(i), "slice");
    if (!with_reshapes || i % 2 == 0) continue;
    value = graph.add_simple(Reshape{.dims = {rows * 2}}, {{value}}, f32({rows * 2}),
                             "r" + std::to_string(i), "reshape");
    value = graph.add_simple(Reshape{.dims = {rows, 2}}, {{value}}, f32({rows, 2}),
                             "q" + std::to_string(i), "reshape");
  }
  graph.add_output(graph.add_simple(exp(), {{value}}, f32({rows, 2}), "y", "exp"));
  return graph;
}

TEST(PlanLimits, ChainsOfViewsHangOnTheirRoots) {
  const auto limit = static_cast<int64_t>(kMaxPlanAliasDepth);
  for (const int64_t count : {limit - 1, limit, limit + 1, limit + 500}) {
    expect_loads(views(count, false));
  }
  expect_loads(views(limit + 1, true));
}

// Slices through a transposition and back: neither kind of link continues the one before.
TEST(PlanLimits, ChainsThatCannotBeShortenedAreBroken) {
  Graph graph;
  graph.name = "g";
  const auto count = static_cast<int64_t>(kMaxPlanAliasDepth) * 3 / 4;
  int64_t rows = count + 4;
  ValueId value = graph.add_input("x", f32({rows, 2}));
  for (int64_t i = 0; i < count; ++i) {
    --rows;
    const std::string n = std::to_string(i);
    value = graph.add_simple(rows_behind(1, rows), {{value}}, f32({rows, 2}), "s" + n, "slice");
    value = graph.add_simple(Reshape{.dims = {1, rows * 2}}, {{value}}, f32({1, rows * 2}), "r" + n,
                             "reshape");
    value = graph.add_simple(relu(), {{value}}, f32({1, rows * 2}), "k" + n, "relu");
    value =
        graph.add_simple(Reshape{.dims = {rows, 2}}, {{value}}, f32({rows, 2}), "q" + n, "reshape");
  }
  graph.add_output(graph.add_simple(exp(), {{value}}, f32({rows, 2}), "y", "exp"));
  expect_loads(std::move(graph));
}

// Joined along one axis and the other by turns: each is a part of the next.
TEST(PlanLimits, ConcatenationsInEachOtherAreBroken) {
  Graph graph;
  graph.name = "g";
  const ValueId x = graph.add_input("x", f32({1, 1}));
  int64_t rows = 1, columns = 1;
  ValueId value = graph.add_simple(exp(), {{x}}, f32({1, 1}), "v", "exp");
  for (size_t i = 0; i < kMaxPlanAliasDepth + 10 && rows < 40; ++i) {
    const bool by_rows = i % 2 == 0;
    const TensorType part = by_rows ? f32({1, columns}) : f32({rows, 1});
    const std::string n = std::to_string(i);
    const ValueId input = graph.add_input("x" + n, part);
    const ValueId other = graph.add_simple(exp(), {{input}}, part, "e" + n, "exp");
    (by_rows ? rows : columns) += 1;
    value = graph.add_simple(Concat{.axis = by_rows ? 0 : 1}, {{value, other}},
                             f32({rows, columns}), "c" + n, "concat");
  }
  graph.add_output(graph.add_simple(exp(), {{value}}, f32({rows, columns}), "y", "exp"));
  expect_loads(std::move(graph));
}

}  // namespace
}  // namespace memopt
