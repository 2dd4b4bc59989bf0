#include <gtest/gtest.h>

#include "runtime/kernels/onednn/kernels.h"
#include "tests/runtime/matmul_cases.h"

namespace memopt {
namespace {

using test::make_case;
using test::matmul_cases;
using test::MatMulCase;

class OnednnMatMul : public testing::TestWithParam<MatMulCase> {};

TEST_P(OnednnMatMul, EqualsReference) {
  if (host_isa() < Isa::kAvx512) GTEST_SKIP() << "needs AVX-512";
  test::expect_equals_reference(*onednn::matmul(), make_case(GetParam()), 2e-5,
                                GetParam().residual ? 3 : -1);
}

INSTANTIATE_TEST_SUITE_P(Shapes, OnednnMatMul, testing::ValuesIn(matmul_cases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(OnednnMatMulSupport, RefusesForgedShapes) {
  if (host_isa() < Isa::kAvx2) GTEST_SKIP() << "needs AVX2";
  const Target target{host_isa(), 2};
  const MatMulCase good{"", {8, 16}, {16, 32}, {8, 32}};
  EXPECT_TRUE(test::kernel_supports(*onednn::matmul(), make_case(good), target));
  MatMulCase bad = good;
  bad.y = {8, 31};
  EXPECT_FALSE(test::kernel_supports(*onednn::matmul(), make_case(bad), target));
  bad = good;
  bad.op.trans_a = true;  // the library has only its allocating code for it
  EXPECT_FALSE(test::kernel_supports(*onednn::matmul(), make_case(bad), target));
  bad = good;
  bad.b = {17, 32};
  EXPECT_FALSE(test::kernel_supports(*onednn::matmul(), make_case(bad), target));
}

}  // namespace
}  // namespace memopt
