#include <gtest/gtest.h>

#include "runtime/kernels/onednn/kernels.h"
#include "tests/runtime/conv_cases.h"

namespace memopt {
namespace {

using test::conv_activation_cases;
using test::conv_cases;
using test::ConvCase;
using test::make_case;
using test::run_kernel;
using test::RunOptions;
using test::square;
using test::TestCase;

class OnednnConv : public testing::TestWithParam<ConvCase> {
 protected:
  void SetUp() override {
    if (host_isa() < Isa::kAvx2) GTEST_SKIP() << "needs AVX2";
  }
};

TEST_P(OnednnConv, EqualsReference) {
  const TestCase test = make_case(GetParam());
  if (host_isa() < Isa::kAvx512 && !test::kernel_supports(*onednn::conv(), test, {host_isa(), 2})) {
    GTEST_SKIP() << "oneDNN has no AVX2 code for it";
  }
  test::expect_equals_reference(*onednn::conv(), test, 2e-5, GetParam().residual ? 3 : -1);
}

const auto kName = [](const testing::TestParamInfo<ConvCase>& info) {
  return test::conv_case_name(info.param);
};
INSTANTIATE_TEST_SUITE_P(Shapes, OnednnConv, testing::ValuesIn(conv_cases()), kName);
INSTANTIATE_TEST_SUITE_P(Activations, OnednnConv, testing::ValuesIn(conv_activation_cases()),
                         kName);

TEST(OnednnConvSupport, RefusesWhatItCannotServe) {
  const Target target{host_isa(), 2};
  TestCase test = make_case(square("x", 16, 20, 16, 3, 1, 1));
  EXPECT_TRUE(test::kernel_supports(*onednn::conv(), test, target));
  EXPECT_FALSE(test::kernel_supports(*onednn::conv(), test, {Isa::kPortable, 2}));
  test.inputs[1].constant = false;
  EXPECT_FALSE(test::kernel_supports(*onednn::conv(), test, target));
  test = make_case(square("x", 16, 20, 16, 3, 1, 1));
  test.outputs[0].layout = Layout::kRowMajor;
  EXPECT_FALSE(test::kernel_supports(*onednn::conv(), test, target));
  test = make_case(square("x", 16, 20, 16, 3, 1, 1));
  test.outputs[0].dims[2] = 21;  // a forged shape
  EXPECT_FALSE(test::kernel_supports(*onednn::conv(), test, target));
  test = make_case(square("x", 16, 20, 16, 3, 1, 1));
  std::get<Conv>(test.op).activation = {UnaryFn::kSinh};
  EXPECT_FALSE(test::kernel_supports(*onednn::conv(), test, target));
}

// The library makes code for each column of padding and of a line: it gets neither many nor long
// ones.
TEST(OnednnConvSupport, RefusesWhatTakesMuchCode) {
  const auto serves = [](int64_t columns, int64_t pad) {
    const ConvCase c{"", 1, 2, {columns}, 16, {3}, {1}, {pad, pad}, {pad}};
    return test::kernel_supports(*onednn::conv(), make_case(c), {host_isa(), 2});
  };
  if (host_isa() < Isa::kAvx512) GTEST_SKIP() << "oneDNN has no AVX2 code for it";
  EXPECT_TRUE(serves(40'000, 256));
  EXPECT_FALSE(serves(40'000, 257));
  EXPECT_TRUE(serves(1000, 257)) << "a padded copy";
  EXPECT_TRUE(serves(1 << 16, 1));
  EXPECT_FALSE(serves((1 << 16) + 1, 1));
}

TEST(OnednnConvPack, RefusesWeightsPackedOtherwise) {
  const TestCase test = make_case(square("x", 16, 20, 16, 3, 1, 1));
  RunOptions options;
  options.spoil_packed = true;
  const auto result = run_kernel(*onednn::conv(), test, options);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("recompile"), std::string::npos);
}

}  // namespace
}  // namespace memopt
