// Where a kernel has a limit of its own it serves up to it and not beyond: memory on the stack, and
// numbers that its library takes. What operands are called that lie alike in both layouts.
#include <gtest/gtest.h>

#include "runtime/kernels/operands.h"
#include "tests/support/run_op.h"

namespace memopt::testing {
namespace {

// The first operand and the result lie in `layout`, the others are constants.
bool is_served(const char* name, const Op& op, std::initializer_list<Dims> inputs, Layout layout) {
  std::vector<HostTensor> tensors;
  for (const Dims& dims : inputs) {
    tensors.push_back(make_tensor(DType::kF32, dims, tensors.empty() ? layout : Layout::kRowMajor));
  }
  std::vector<const HostTensor*> pointers;
  pointers.reserve(tensors.size());
  for (const HostTensor& tensor : tensors) pointers.push_back(&tensor);
  const KernelDef* const kernel = find_kernel(name);
  EXPECT_NE(kernel, nullptr) << name;
  return kernel && is_supported(op, pointers,
                                {.kernel = kernel,
                                 .layout = layout,
                                 .target = {.isa = host_isa()},
                                 .wanted = {true},
                                 .constants = true});
}

TEST(KernelLimits, LrnHasRoomForChannelsAndTheirWindow) {
  const auto served = [](int64_t channels, int64_t window) {
    Lrn op;
    op.beta = 0.75;
    op.window = window;
    return is_served("lrn.simd", op, {{1, channels, 1, 2}}, Layout::kChannelsLast);
  };
  EXPECT_TRUE(served(4000, 96));
  EXPECT_FALSE(served(4000, 97));
  EXPECT_TRUE(served(1, 4095));
  EXPECT_FALSE(served(2, 4095));
  EXPECT_FALSE(served(1, 4096));
  EXPECT_FALSE(served(4000, 4000));
  EXPECT_FALSE(served(4097, 1));
}

TEST(KernelLimits, PoolHasRoomForItsTaps) {
  struct Limit {
    PoolFn fn;
    int64_t taps;
  };
  for (const auto& [fn, most] : {Limit{PoolFn::kMax, 4096}, Limit{PoolFn::kAverage, 1024}}) {
    const auto served = [fn = fn](int64_t rows, int64_t columns) {
      Pool op;
      op.fn = fn;
      op.kernel = {rows, columns};
      op.strides = op.dilations = {1, 1};
      op.pads = {0, 0, 0, 0};
      return is_served("pool.simd", op, {{1, 2, rows, columns}}, Layout::kChannelsLast);
    };
    EXPECT_TRUE(served(1, most));
    EXPECT_TRUE(served(32, most / 32));
    EXPECT_FALSE(served(1, most + 1));
    EXPECT_FALSE(served(most + 1, 1));
    EXPECT_FALSE(served(32, most / 32 + 1));
    EXPECT_FALSE(served(most, most));
  }
}

TEST(KernelLimits, ResizeHasRoomForARow) {
  const auto served = [](int64_t columns) {
    const Resize op{
        .mode = ResizeMode::kLinear, .dims = {1, 1, 2, columns}, .scales = {1, 1, 2, 1}, .roi = {}};
    return is_served("resize.rows", op, {{1, 1, 1, columns}}, Layout::kRowMajor);
  };
  EXPECT_TRUE(served(4096));
  EXPECT_FALSE(served(4097));
}

TEST(KernelLimits, TheLibraryTakesSmallWindowsOnly) {
  const auto served = [](int64_t stride) {
    Conv op;
    op.strides = {stride, 1};
    op.dilations = {1, 1};
    op.pads = {0, 0, 0, 0};
    return is_served("conv.onednn", op, {{1, 16, 4, 4}, {16, 16, 3, 3}}, Layout::kChannelsLast);
  };
  if (host_isa() < Isa::kAvx2) GTEST_SKIP() << "needs AVX2";
  EXPECT_TRUE(served(1));
  EXPECT_FALSE(served(1 << 20));
}

// Elements that share a byte with what belongs to others: the first part fills whole bytes, the
// second does not.
TEST(KernelLimits, SlicesOfSubByteElementsAreServedByNone) {
  const HostTensor x = make_tensor(DType::kU4, {3, 2});
  const Op split = Split{0, {1, 2}};
  for (const Spacing spacing : {Spacing::kDense, Spacing::kSliced, Spacing::kStepped}) {
    for (const KernelDef* kernel : kernels_for(op_kind(split))) {
      const bool served = is_supported(split, std::vector<const HostTensor*>{&x},
                                       {.kernel = kernel, .spacing = spacing});
      EXPECT_EQ(served, spacing == Spacing::kDense) << kernel->name;
      const HostTensor part = stored_as(x, Layout::kRowMajor, spacing);
      EXPECT_EQ(is_supported(split, std::vector<const HostTensor*>{&part}, {.kernel = kernel}),
                served);
    }
  }
}

Operand operand(const Dims& dims, Layout layout) {
  return {.present = true, .layout = layout, .dims = dims, .strides = dense_strides(dims, layout)};
}

// Operands of which both layouts are the same memory are called what the others are.
TEST(KernelLimits, LayoutsThatMeanTheSameAreUnified) {
  const Dims pixel{1, 8, 1, 1}, image{1, 8, 2, 2};
  for (const Layout layout : {Layout::kRowMajor, Layout::kChannelsLast}) {
    for (const Layout called : {Layout::kRowMajor, Layout::kChannelsLast}) {
      std::vector<Operand> inputs = {operand(image, layout), operand(pixel, called)};
      std::vector<Operand> outputs = {operand(image, layout)};
      unify_layouts(inputs, outputs);
      EXPECT_EQ(inputs[0].layout, layout);
      EXPECT_EQ(outputs[0].layout, layout);
      EXPECT_EQ(inputs[1].layout, layout);
      EXPECT_EQ(inputs[1].strides, dense_strides(pixel, layout));
      // Of one that is ambiguous and one that is not, whichever is the result.
      inputs = {operand(pixel, called)};
      outputs = {operand(image, layout)};
      unify_layouts(inputs, outputs);
      EXPECT_EQ(inputs[0].layout, layout);
      inputs = {operand(image, layout)};
      outputs = {operand(pixel, called)};
      unify_layouts(inputs, outputs);
      EXPECT_EQ(outputs[0].layout, layout);
      EXPECT_EQ(outputs[0].strides, dense_strides(pixel, layout));
    }
  }
}

}  // namespace
}  // namespace memopt::testing
