// Pinned optima of published networks. The graphs are not part of the repository: where the folder
// is absent, the test is skipped.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "passes/planning/order_text.h"

namespace memopt {
namespace {

struct Network {
  const char* name;
  int64_t optimum_bytes;
};

constexpr Network kNetworks[] = {
    {"amoebanet_cifar", 1327104}, {"amoebanet_imagenet", 3926272}, {"darts_cifar", 1511424},
    {"darts_imagenet", 3913728},  {"nasnet_cifar", 1998848},       {"nasnet_imagenet", 3888640},
    {"pnas_cifar", 1638400},      {"randwire_c78_s0", 3179904},    {"randwire_c78_s1", 3424512},
    {"randwire_c78_s2", 3669120}, {"randwire_c78_s3", 3424512},    {"rwbig_48", 275968},
    {"rwbig_64", 313600},
};

class OrderNetworks : public testing::TestWithParam<Network> {};

TEST_P(OrderNetworks, IsOrderedAtItsOptimumWithAProof) {
  const std::filesystem::path path = std::filesystem::path(MEMOPT_SOURCE_DIR) /
                                     "../shared/data/ordering" /
                                     (std::string(GetParam().name) + ".g");
  std::ifstream file(path);
  if (!file) GTEST_SKIP() << "no " << path;
  std::stringstream text;
  text << file.rdbuf();
  const Result<OrderProblem> problem = parse_order_problem(text.str());
  ASSERT_TRUE(problem.ok()) << problem.error().message;
  const Result<OrderResult> result = order_ops(*problem);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->peak_bytes, GetParam().optimum_bytes);
  EXPECT_EQ(result->proof, OrderProof::kOptimal);
  EXPECT_EQ(simulate_order(*problem, result->order)->peak_bytes, result->peak_bytes);
}

INSTANTIATE_TEST_SUITE_P(All, OrderNetworks, testing::ValuesIn(kNetworks),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace memopt
