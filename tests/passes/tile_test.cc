// Regions in bands compute what they computed before: chains of convolutions, pools and their
// like, cut along rows and along the batch, compiled and run under the guard.
#include "passes/transform/tile.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "runtime/ops/op_def.h"
#include "tests/support/deep_chain.h"
#include "tests/support/first_result.h"
#include "tests/support/run_compiled.h"

namespace memopt {
namespace {

// A chain with branches that join again; its values keep an axis of rows.
class ChainBuilder {
 public:
  ChainBuilder(uint64_t seed, int64_t batch) : random_(seed) {
    graph_.name = "chain";
    last_ = graph_.add_input("x", {.dtype = DType::kF32, .dims = {batch, 4, 24, 10}});
    graph_.add_input("gate", {.dtype = DType::kF32, .dims = {batch, 1, 1, 1}});
  }

  Graph build(int nodes) {
    for (int i = 0; i < nodes; ++i) add_something();
    graph_.add_output(last_);
    return std::move(graph_);
  }

 private:
  int64_t below(int64_t limit) {
    return std::uniform_int_distribution<int64_t>(0, limit - 1)(random_);
  }
  const Dims& dims() const { return graph_.type(last_).dims; }

  ValueId constant(const Dims& dims) {
    std::vector<std::byte> bytes(static_cast<size_t>(dims.count()) * sizeof(float));
    for (int64_t i = 0; i < dims.count(); ++i) {
      const float value = std::uniform_real_distribution<float>(-0.5f, 0.5f)(random_);
      std::memcpy(bytes.data() + i * 4, &value, sizeof(value));
    }
    return graph_.add_constant(graph_.unique_name("w"), {.dtype = DType::kF32, .dims = dims},
                               ConstantData::from_bytes(std::move(bytes)));
  }

  // Where it fits, and leaves rows to cut.
  void add(Op op, const std::vector<ValueId>& inputs) {
    const auto results = infer_results(graph_, op, inputs);
    if (!results.ok() || (*results)[0].dims[2] < 4 || (*results)[0].bytes() > 64 * 1024) return;
    const std::string name = "v" + std::to_string(next_++);
    last_ = add_first_result(graph_, std::move(op), inputs, *results, name, "n" + name);
    values_.push_back(last_);
  }

  void add_conv() {
    const bool depthwise = below(2) == 0;
    const int64_t kernel = 1 + below(4);
    const int64_t channels = depthwise ? dims()[1] : 4 + 4 * below(2);
    Conv conv;
    conv.strides = {1 + below(2), 1};
    conv.dilations = {kernel > 1 ? 1 + below(2) : 1, 1};
    conv.pads = {below(kernel), kernel / 2, below(kernel), kernel / 2};
    conv.group = depthwise ? dims()[1] : 1;
    add(conv, {last_, constant({channels, depthwise ? 1 : dims()[1], kernel, kernel}),
               below(2) == 0 ? constant({channels}) : ValueId::none()});
  }

  void add_pool() {
    Pool pool;
    pool.fn = below(2) == 0 ? PoolFn::kMax : PoolFn::kAverage;
    pool.kernel = {2 + below(2), 3};
    pool.strides = {1 + below(2), 1};
    pool.dilations = {1, 1};
    pool.pads = {below(2), 1, below(2), 1};
    pool.ceil_mode = below(2) == 0;
    pool.count_include_pad = below(2) == 0;
    add(pool, {last_});
  }

  void add_resize() {
    Resize resize;
    resize.mode = below(2) == 0 ? ResizeMode::kNearest : ResizeMode::kLinear;
    resize.coords = below(2) == 0 ? ResizeCoords::kHalfPixel : ResizeCoords::kAsymmetric;
    resize.dims = {dims()[0], dims()[1], dims()[2] * 2, dims()[3]};
    resize.scales = {1, 1, 2, 1};
    add(resize, {last_});
  }

  // Another value of the same shape.
  void add_join() {
    for (const ValueId other : values_) {
      if (other != last_ && graph_.type(other).dims == dims() && below(2) == 0) {
        return add(Binary{BinaryFn::kAdd, {}}, {last_, other});
      }
    }
  }

  void add_something() {
    switch (below(10)) {
      case 0:
      case 1:
      case 2:
        return add_conv();
      case 3:
        return add_pool();
      case 4:
        return add_resize();
      case 5:
        return add(Unary{{UnaryFn::kSigmoid, 0, 0}}, {last_});
      case 6:
        return add(Binary{BinaryFn::kMul, {}}, {last_, *graph_.find("gate")});
      case 7:
        return add(Pad{PadMode::kConstant, {0, 0, below(3), 1, 0, 0, below(3), 0}}, {last_});
      case 8:
        return add(Concat{1}, {last_, last_});
      default:
        return add_join();
    }
  }

  std::mt19937_64 random_;
  Graph graph_;
  ValueId last_;
  std::vector<ValueId> values_;
  int next_ = 0;
};

// The output of the compiled model for fixed inputs, under the guard.
std::vector<float> run(const CompiledModel& model) {
  const auto outputs = run_compiled(model, /*guard=*/true);
  if (outputs.empty()) return {};  // reported already
  std::vector<float> values(outputs[0].size() / sizeof(float));
  std::memcpy(values.data(), outputs[0].data(), outputs[0].size());
  return values;
}

struct Compiled {
  std::vector<float> output;
  int64_t arena_bytes = 0;
  int64_t naive_bytes = 0;
};

Compiled compile_and_run(const Graph& graph, const CompileOptions& options) {
  auto model = compile_graph(graph, options);
  if (!model.ok()) {
    ADD_FAILURE() << model.error().message;
    return {};
  }
  const Plan& plan = (*model)->plan();
  return {run(**model), plan.arena_bytes, plan.certificate.naive_bytes};
}

float largest(const std::vector<float>& values) {
  float result = 0;
  for (const float value : values) result = std::max(result, std::fabs(value));
  return result;
}

class TileOverlap : public testing::TestWithParam<Overlap> {};

INSTANTIATE_TEST_SUITE_P(Tile, TileOverlap, testing::Values(Overlap::kRecompute, Overlap::kKeep),
                         [](const auto& info) {
                           return info.param == Overlap::kKeep ? "Keep" : "Recompute";
                         });

TEST_P(TileOverlap, RowsInBandsComputeTheSame) {
  int smaller = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Graph graph = ChainBuilder(seed, 1).build(4 + static_cast<int>(seed % 9));
    ASSERT_TRUE(verify_graph(graph).ok()) << verify_graph(graph).error().message;
    const std::string output = graph.value(graph.outputs()[0]).name;
    if (output == "x") continue;
    const Compiled whole = compile_and_run(graph, {});
    CompileOptions options;
    options.tiles = {{output, {"x", "gate"}, 2, 2 + static_cast<int64_t>(seed % 3), GetParam()}};
    const Compiled tiled = compile_and_run(graph, options);
    ASSERT_EQ(tiled.output.size(), whole.output.size());
    const float tolerance = 1e-4f * largest(whole.output);
    for (size_t i = 0; i < whole.output.size(); ++i) {
      ASSERT_LE(std::fabs(tiled.output[i] - whole.output[i]), tolerance) << "element " << i;
    }
    smaller += tiled.arena_bytes < whole.arena_bytes ? 1 : 0;
    EXPECT_EQ(tiled.naive_bytes, whole.naive_bytes);
  }
  EXPECT_GE(smaller, 10);
}

// Each image meets the same code as before, so that even rounding is the same.
TEST(Tile, ImagesInBandsHaveTheSameBits) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Graph graph = ChainBuilder(seed, 3).build(4 + static_cast<int>(seed % 9));
    const std::string output = graph.value(graph.outputs()[0]).name;
    if (output == "x") continue;
    CompileOptions options;
    options.kernels.reference_only = true;
    const Compiled whole = compile_and_run(graph, options);
    const auto bands = 2 + static_cast<int64_t>(seed % 2);
    options.tiles = {{output, {"x", "gate"}, 0, bands, Overlap::kRecompute}};
    EXPECT_EQ(compile_and_run(graph, options).output, whole.output);
  }
}

// Two 3x3 convolutions: bands of rows of channels-last images are views, and the bands' results are
// written where the concatenation wants them. (The peak is elsewhere: at the peak, the planner may
// prefer a copy to a result that lives from its first band on.)
TEST(Tile, BandsOfOneImageMoveNoByte) {
  constexpr std::string_view kText = R"(graph "g" {
  %x = input : f32[1x8x32x32]
  %a = constant : f32[8x8x3x3] splat 0.01
  %b = constant : f32[8x8x3x3] splat 0.02
  %c = constant : f32[64x8x3x3] splat 0.03
  %y0 = conv(%x, %a) {strides=[1,1] dilations=[1,1] pads=[1,1,1,1]} "in" : f32[1x8x32x32]
  %y1 = conv(%y0, %a) {strides=[1,1] dilations=[1,1] pads=[1,1,1,1]} "one" : f32[1x8x32x32]
  %y2 = conv(%y1, %b) {strides=[1,1] dilations=[1,1] pads=[1,1,1,1]} "two" : f32[1x8x32x32]
  %y3 = conv(%y2, %c) {strides=[1,1] dilations=[1,1] pads=[1,1,1,1]} "out" : f32[1x64x32x32]
  return %y3
})";
  const auto graph = parse_graph(kText);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  for (const char* region : {"y2=y0:2:4", "y1=x:2:4", "y2=x:2:3"}) {
    SCOPED_TRACE(region);
    CompileOptions options;
    options.tiles = {*parse_tile(region)};
    auto model = compile_graph(*graph, options);
    ASSERT_TRUE(model.ok()) << model.error().message;
    for (const PlanInstruction& instruction : (*model)->plan().instructions) {
      EXPECT_TRUE(std::holds_alternative<Conv>(instruction.op) ||
                  std::holds_alternative<Reorder>(instruction.op))
          << instruction.name << ": " << op_label(instruction.op);
    }
  }
}

TEST(Tile, BandsShareTheirWeights) {
  constexpr std::string_view kText = R"(graph "g" {
  %x = input : f32[1x64x32x32]
  %w = constant : f32[64x64x3x3] splat 0.01
  %y = conv(%x, %w) {strides=[1,1] dilations=[1,1] pads=[1,1,1,1]} "conv" : f32[1x64x32x32]
  return %y
})";
  const auto graph = parse_graph(kText);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto constants = [&](int64_t bands) {
    CompileOptions options;
    if (bands > 1) options.tiles = {{"y", {"x"}, 2, bands, Overlap::kRecompute}};
    return (*compile_graph(*graph, options))->plan().constants_bytes;
  };
  EXPECT_EQ(constants(4), constants(1));
}

// Two 3x3 convolutions of 8 x 8.
constexpr std::string_view kTwoConvolutions = R"(graph "g" {
  %x = input : f32[1x1x8x8]
  %w = constant : f32[1x1x3x3] splat 1
  %y = conv(%x, %w) {strides=[1,1] dilations=[1,1] pads=[1,1,1,1]} "a" : f32[1x1x8x8]
  %z = conv(%y, %w) {strides=[1,1] dilations=[1,1] pads=[1,1,1,1]} "b" : f32[1x1x8x8]
  return %z
})";

TEST(Tile, PricesTheHalo) {
  auto graph = parse_graph(kTwoConvolutions);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const TileRegion region{*graph->find("z"), {*graph->find("x")}, 2, 2, Overlap::kRecompute};
  const auto price = price_tile(*graph, region);
  ASSERT_TRUE(price.ok()) << price.error().message;
  EXPECT_EQ(price->operations_before, 2 * 64 * 9);
  EXPECT_EQ(price->operations_after, (2 * 64 + 2 * 8) * 9);  // a row more of y for each band
  const auto done = tile_region(*graph, region);
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->operations_after, price->operations_after);
  EXPECT_TRUE(verify_graph(*graph).ok());
}

// No product is formed twice, and the only other work is moving the rows that wait.
TEST(Tile, KeptRowsAreComputedOnce) {
  auto graph = parse_graph(kTwoConvolutions);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  for (const int64_t bands : {2, 3, 8}) {
    SCOPED_TRACE(std::to_string(bands) + " bands");
    const TileRegion region{*graph->find("z"), {*graph->find("x")}, 2, bands, Overlap::kKeep};
    const auto price = price_tile(*graph, region);
    ASSERT_TRUE(price.ok()) << price.error().message;
    EXPECT_EQ(price->operations_after, price->operations_before);
    CompileOptions options;
    options.tiles = {{"z", {"x"}, 2, bands, Overlap::kKeep}};
    auto model = compile_graph(*graph, options);
    ASSERT_TRUE(model.ok()) << model.error().message;
    for (const PlanInstruction& instruction : (*model)->plan().instructions) {
      if (!std::holds_alternative<Copy>(instruction.op)) continue;
      for (const auto output : instruction.outputs) {
        EXPECT_LE((*model)->plan().values[*output].dims[2], 2) << instruction.name;
      }
    }
  }
}

TEST(Tile, KeptRowsTakeLessThanDeepHalos) {
  const auto graph = parse_graph(deep_chain_text());
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto arena_bytes = [&](Overlap overlap) {
    CompileOptions options;
    options.tiles = {{"v10", {"v0"}, 2, 16, overlap}};
    return (*compile_graph(*graph, options))->plan().arena_bytes;
  };
  EXPECT_LT(arena_bytes(Overlap::kKeep), arena_bytes(Overlap::kRecompute));
}

TEST(Tile, AnAxisIsOneOfTheOutput) {
  auto graph = parse_graph(deep_chain_text());
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  for (const int64_t axis : {-1, 4, 100}) {
    const auto tiled = tile_region(
        *graph,
        {.output = *graph->find("v10"), .inputs = {*graph->find("v0")}, .axis = axis, .bands = 2});
    ASSERT_FALSE(tiled.ok()) << axis;
    EXPECT_EQ(tiled.error().code, Code::kBadInput);
    EXPECT_NE(tiled.error().message.find("no axis " + std::to_string(axis)), std::string::npos)
        << tiled.error().message;
  }
}

TEST(Tile, ParsesRequestsWithColonsInNames) {
  const auto request = parse_tile("onnx::Conv_7=a,model/b:0:2:8");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(*request, (TileRequest{"onnx::Conv_7", {"a", "model/b:0"}, 2, 8, Overlap::kRecompute}));
  EXPECT_EQ(*parse_tile("y=x:2:8:keep"), (TileRequest{"y", {"x"}, 2, 8, Overlap::kKeep}));
  for (const char* text : {"", "y", "y=x", "y=x:2", "y=:2:3", "=x:2:3", "y=x:2:", "y=x,:2:3",
                           "y=x:a:3", ":2:3", "y=x:2:keep", "y=x:2:3:kept", ":keep"}) {
    const auto found = parse_tile(text);
    ASSERT_FALSE(found.ok()) << text;
    EXPECT_EQ(found.error().code, Code::kUsage);
  }
}

}  // namespace
}  // namespace memopt
