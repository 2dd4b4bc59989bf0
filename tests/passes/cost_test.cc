#include "passes/analysis/cost.h"

#include <gtest/gtest.h>

#include "compiler/ir/text.h"

namespace memopt {
namespace {

TEST(Cost, WorkOfAConvolutionCountsItsProductsAndItsBytes) {
  const auto graph = parse_graph(R"(graph "g" {
  %x = input : f32[1x2x4x4]
  %w = constant : f32[1x2x1x1] [2, 3]
  %y = conv(%x, %w) {strides=[1,1] dilations=[1,1] pads=[0,0,0,0]} : f32[1x1x4x4]
  return %y
})");
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const StepWork work = node_work(*graph, graph->order()[0]);
  EXPECT_EQ(work.operations, 16 * 2);
  EXPECT_EQ(work.bytes, 4 * (32 + 2 + 16));
}

std::vector<CostSample> samples_of(const KernelRate& rate, const std::string& kernel) {
  std::vector<CostSample> samples;
  for (int64_t i = 1; i <= 12; ++i) {
    const StepWork work{.operations = 1000 * i * i, .bytes = 500 * ((i * 7) % 12 + 1)};
    samples.push_back({.kernel = kernel, .work = work, .ns = rate.predict_ns(work)});
  }
  return samples;
}

TEST(Cost, AFitFindsTheRatesThatMadeTheSamples) {
  const KernelRate fast{.step_ns = 800, .ns_per_operation = 0.02, .ns_per_byte = 0.05};
  const KernelRate slow{.step_ns = 0, .ns_per_operation = 2, .ns_per_byte = 0};
  std::vector<CostSample> samples = samples_of(fast, "fast");
  for (CostSample& sample : samples_of(slow, "slow")) samples.push_back(sample);
  const CostModel model = fit_cost_model(samples);
  for (const CostSample& sample : samples) {
    EXPECT_NEAR(model.rate(sample.kernel).predict_ns(sample.work), sample.ns, 1e-6 * sample.ns);
  }
  EXPECT_EQ(model.rate("unknown"), model.other);
}

TEST(Cost, RatesAreNeverNegative) {
  std::vector<CostSample> samples;  // the time falls as the bytes grow
  for (int64_t i = 1; i < 9; ++i) {
    samples.push_back({.kernel = "k",
                       .work = {.operations = 100, .bytes = 1000 * i},
                       .ns = 10000.0 / static_cast<double>(i)});
  }
  const KernelRate rate = fit_cost_model(samples).rate("k");
  EXPECT_GE(rate.step_ns, 0);
  EXPECT_GE(rate.ns_per_operation, 0);
  EXPECT_GE(rate.ns_per_byte, 0);
}

TEST(Cost, ModelsAreReadBackAsWritten) {
  const CostModel model = fit_cost_model(samples_of({.step_ns = 5, .ns_per_byte = 1}, "k"));
  const auto read = parse_cost_model(cost_model_json(model));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, model);
}

TEST(Cost, WhatIsNoCostModelIsRejectedByName) {
  const std::string good = cost_model_json(default_cost_model());
  for (const std::string& bad :
       {std::string("{"), std::string("[]"), std::string("{\"schema\": \"other\"}"),
        std::string(
            "{\"schema\": \"memopt.cost/1\", \"kernels\": {}, \"other\": {\"step_ns\": 1}}"),
        std::string("{\"schema\": \"memopt.cost/1\", \"kernels\": {}, \"other\": "
                    "{\"step_ns\": 1, \"ns_per_operation\": 0, \"zz\": 0}}"),
        std::string("{\"schema\": \"memopt.cost/1\", \"kernels\": {}, \"other\": {}}"),
        std::string("{\"schema\": \"memopt.cost/1\", \"kernels\": {}, \"other\": 7}"),
        std::string("{\"schema\": \"memopt.cost/1\", \"kernels\": {}, \"other\": "
                    "{\"step_ns\": -1, \"ns_per_operation\": 0, \"ns_per_byte\": 0}}")}) {
    EXPECT_EQ(parse_cost_model(bad).error().code, Code::kBadInput) << bad;
  }
  EXPECT_TRUE(parse_cost_model(good).ok());
}

}  // namespace
}  // namespace memopt
