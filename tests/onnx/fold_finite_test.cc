// Folding makes no number that the computation which it replaces would not have made: models with
// extreme constants give the same results before the passes and after them, finite where they were.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "passes/pipeline.h"
#include "tests/onnx/model_builder.h"

namespace memopt::testing {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kNumbers[] = {0,     1e-40f, 1e-30f, 1e-25f, 1,    -3,
                              1e10f, 1e20f,  1e25f,  3e38f,  kInf, kNan};
constexpr float kInputs[] = {1e-30f, 1, 1e30f};

// What follows a convolution with weight `w`, and has `c` as a constant.
using Tail = void (*)(Model& model, float c);

void binary_tail(Model& model, const char* op, bool constant_first, float c) {
  model.initializer(float_tensor("c", {2, 1, 1}, {c, c}));
  model.node(
      op, constant_first ? std::vector<std::string>{"c", "t"} : std::vector<std::string>{"t", "c"},
      {"y"});
}

void norm_tail(Model& model, float gamma, float beta, float mean, float variance, float epsilon) {
  model.initializer(float_tensor("gamma", {2}, {gamma, gamma}));
  model.initializer(float_tensor("beta", {2}, {beta, beta}));
  model.initializer(float_tensor("mean", {2}, {mean, mean}));
  model.initializer(float_tensor("variance", {2}, {variance, variance}));
  model.node("BatchNormalization", {"t", "gamma", "beta", "mean", "variance"}, {"y"},
             {attr("epsilon", static_cast<double>(epsilon))});
}

struct NamedTail {
  const char* name;
  Tail add;
};
constexpr NamedTail kTails[] = {
    {"mul", [](Model& m, float c) { binary_tail(m, "Mul", false, c); }},
    {"mul_first", [](Model& m, float c) { binary_tail(m, "Mul", true, c); }},
    {"div", [](Model& m, float c) { binary_tail(m, "Div", false, c); }},
    {"div_first", [](Model& m, float c) { binary_tail(m, "Div", true, c); }},
    {"add", [](Model& m, float c) { binary_tail(m, "Add", false, c); }},
    {"sub", [](Model& m, float c) { binary_tail(m, "Sub", false, c); }},
    {"sub_first", [](Model& m, float c) { binary_tail(m, "Sub", true, c); }},
    {"norm_gamma", [](Model& m, float c) { norm_tail(m, c, 1, 0, 1, 1e-5f); }},
    {"norm_beta", [](Model& m, float c) { norm_tail(m, 1, c, 0, 1, 1e-5f); }},
    {"norm_mean", [](Model& m, float c) { norm_tail(m, 1, 0, c, 1, 1e-5f); }},
    {"norm_variance", [](Model& m, float c) { norm_tail(m, 1, 0, 0, c, 1e-5f); }},
    {"norm_variance_without_epsilon", [](Model& m, float c) { norm_tail(m, 1, 0, 0, c, 0); }},
};

enum class Head { kConv, kConvWithBias, kConvTranspose, kNone };

void add_head(Model& model, Head head, float w) {
  model.input("x", {"1", "2", "1", "2"}).output("y");
  std::vector<std::string> inputs = {"x", "w"};
  if (head == Head::kNone) {
    model.node("Identity", {"x"}, {"t"});
    return;
  }
  model.initializer(float_tensor("w", {2, 1, 1, 1}, {w, w}));
  if (head == Head::kConvWithBias) {
    model.initializer(float_tensor("b", {2}, {w, 0}));
    inputs.emplace_back("b");
  }
  model.node(head == Head::kConvTranspose ? "ConvTranspose" : "Conv", inputs, {"t"},
             {attr("group", 2)});
}

char kind_of(double value) {
  if (std::isnan(value)) return 'n';
  return std::isinf(value) ? 'i' : 'f';
}

bool vanishes(double value) {
  return value != 0 && std::abs(value) < static_cast<double>(std::numeric_limits<float>::min());
}

// Whether results differ by more than rounding: a sum is off by its larger operand's rounding.
bool differ(double before, double after, float c) {
  const double scale = std::max(std::abs(before), std::abs(static_cast<double>(c)));
  return std::abs(before - after) > 1e-4 * scale + 1e-37;
}

void check(Head head, const NamedTail& tail, float w, float c) {
  Model model;
  add_head(model, head, w);
  tail.add(model, c);
  auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  Graph folded = imported->graph;
  ASSERT_TRUE(run_passes(folded, optimization_pipeline()).ok());
  const bool extreme_constant = !std::isfinite(w) || !std::isfinite(c);
  for (const float x : kInputs) {
    const std::vector<std::vector<float>> inputs = {std::vector<float>(4, x)};
    const auto before = run(imported->graph, inputs)[0];
    const auto after = run(folded, inputs)[0];
    for (size_t i = 0; i < before.size(); ++i) {
      const char was = kind_of(before[i]), is = kind_of(after[i]);
      const std::string where = std::string(tail.name) + ", head " +
                                std::to_string(static_cast<int>(head)) + ", w " +
                                std::to_string(w) + ", c " + std::to_string(c) + ", x " +
                                std::to_string(x) + ", element " + std::to_string(i);
      // An overflow may disappear where two finite constants become one, but none may appear.
      if (was == 'f' || extreme_constant) {
        EXPECT_EQ(was, is) << where;
      }
      // Channels that training has switched off count as zero, and what vanished between the two
      // nodes may be there when they are one.
      const bool tiny = vanishes(w) || vanishes(c) || vanishes(static_cast<double>(w) * x);
      if (was == 'f' && is == 'f' && !tiny) {
        EXPECT_FALSE(differ(before[i], after[i], c))
            << where << ": " << before[i] << " became " << after[i];
      }
    }
  }
}

TEST(Folding, MakesNothingThatWasNotThere) {
  for (const Head head : {Head::kConv, Head::kConvWithBias, Head::kConvTranspose, Head::kNone}) {
    for (const NamedTail& tail : kTails) {
      for (const float w : kNumbers) {
        for (const float c : kNumbers) check(head, tail, w, c);
        if (head == Head::kNone) break;  // has no weights
      }
    }
  }
}

TEST(Folding, StillFoldsWhatIsOrdinary) {
  Model model;
  add_head(model, Head::kConvWithBias, 0.5f);
  kTails[0].add(model, 1e-6f);
  auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  ASSERT_TRUE(run_passes(imported->graph, optimization_pipeline()).ok());
  EXPECT_EQ(labels(imported->graph), (Labels{"conv"}));
}

TEST(Folding, AllWeightsOfALargeNetworkFitTheLimitThatGrowsWithTheFile) {
  constexpr int kLayers = 24;
  constexpr int64_t kChannels = 64;
  Model model;
  model.input("x0", {"1", std::to_string(kChannels), "1", "1"})
      .output("x" + std::to_string(kLayers));
  for (int i = 0; i < kLayers; ++i) {
    const std::string at = std::to_string(i);
    const auto channels = [](float value) { return std::vector<float>(kChannels, value); };
    // Raw, as exporters write weights, so that they stay in the file.
    auto weight = float_tensor("w" + at, {kChannels, kChannels, 3, 3}, {});
    weight.set_raw_data(std::string(kChannels * kChannels * 9 * sizeof(float), '\x3e'));
    model.initializer(weight);
    model.initializer(float_tensor("gamma" + at, {kChannels}, channels(0.5f)));
    model.initializer(float_tensor("beta" + at, {kChannels}, channels(0)));
    model.node("Conv", {"x" + at, "w" + at}, {"t" + at},
               {attr("pads", std::vector<int64_t>{1, 1, 1, 1})});
    model.node("BatchNormalization",
               {"t" + at, "gamma" + at, "beta" + at, "beta" + at, "gamma" + at},
               {"x" + std::to_string(i + 1)});
  }
  // Less than memopt-compile has for such a file: the part that does not grow is larger there.
  const auto file_bytes = static_cast<int64_t>(model.proto.ByteSizeLong());
  const auto account = std::make_shared<Account>(5 * file_bytes, int64_t{1} << 30);
  auto imported = model.import({.account = account});
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  RunPassesOptions options;
  options.pass.account = account;
  ASSERT_TRUE(run_passes(imported->graph, optimization_pipeline(), options).ok());
  EXPECT_EQ(labels(imported->graph), Labels(kLayers, "conv"));
}

}  // namespace
}  // namespace memopt::testing
