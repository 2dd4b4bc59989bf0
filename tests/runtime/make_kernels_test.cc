// Which instructions of a plan share a kernel, and that each is checked all the same.
#include "runtime/executor/make_kernels.h"

#include <gtest/gtest.h>

#include "tests/support/test_plan.h"

namespace memopt {
namespace {

TEST(MakeKernels, EqualInstructionsShareOne) {
  TestPlanBuilder builder;
  const uint32_t a = builder.arena("a", {4}, 0), b = builder.arena("b", {4}, 64);
  const uint32_t c = builder.arena("c", {4}, 128), d = builder.arena("d", {2, 2}, 192);
  const uint32_t e = builder.arena("e", {2, 2}, 256), f = builder.arena("f", {4}, 320);
  builder.unary("test.copy", a, b);
  builder.unary("test.copy", b, c);
  builder.unary("test.copy", d, e);      // other dimensions
  builder.unary("test.parallel", a, f);  // another kernel
  for (const int threads : {1, 3}) {
    const auto made = make_kernels(builder.plan, test_kernel, threads);
    ASSERT_TRUE(made.ok()) << made.error().message;
    const auto& kernels = *made;
    EXPECT_EQ(kernels[0], kernels[1]);
    EXPECT_NE(kernels[0], kernels[2]);
    EXPECT_NE(kernels[0], kernels[3]);
  }
}

TEST(MakeKernels, EveryInstructionNeedsItsScratch) {
  TestPlanBuilder builder;
  const uint32_t a = builder.arena("a", {4}, 0), b = builder.arena("b", {4}, 64);
  const uint32_t c = builder.arena("c", {4}, 128);
  builder.unary("test.scratch", a, b).scratch_bytes = 256;
  builder.unary("test.scratch", b, c).scratch_bytes = 255;
  const auto made = make_kernels(builder.plan, test_kernel, 1);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().message,
            "instruction 1 ('node 1'): kernel 'test.scratch' needs 256 bytes of scratch, the plan "
            "gives 255");
}

}  // namespace
}  // namespace memopt
