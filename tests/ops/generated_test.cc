// What must hold for every operator, type and kernel, over the sample list.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>

#include "runtime/base/target.h"
#include "runtime/kernels/strided.h"
#include "tests/support/samples.h"
#include "tests/support/subsets.h"

namespace memopt::testing {
namespace {

using Tensors = std::vector<HostTensor>;

class EverySample : public ::testing::TestWithParam<size_t> {
 protected:
  const Sample& sample() const { return all_samples()[GetParam()]; }
};

bool is_packed(const HostTensor& tensor) { return dtype_bits(tensor.dtype) < 8; }

// The bytes of the elements in row-major order, without gaps.
std::vector<std::byte> element_bytes(const HostTensor& tensor) {
  return stored_as(tensor, Layout::kRowMajor).bytes;
}

void expect_same_bits(const Tensors& found, const Tensors& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(element_bytes(found[i]), element_bytes(wanted[i])) << "output " << i;
  }
}

// Bytes between the elements still hold what they held before.
void expect_gaps_untouched(const HostTensor& tensor, std::byte fill) {
  if (is_packed(tensor)) return;
  const int64_t width = dtype_bits(tensor.dtype) / 8;
  std::vector<bool> used(tensor.bytes.size());
  for_each_coordinate(tensor.dims, [&](const Dims& at) {
    for (int64_t i = 0; i < width; ++i) {
      used[static_cast<size_t>(offset_of(at, tensor.strides) * width + i)] = true;
    }
  });
  for (size_t i = 0; i < used.size(); ++i) {
    if (used[i]) continue;
    ASSERT_EQ(tensor.bytes[i], fill) << "byte " << i;
  }
}

// Every byte of a sub-byte tensor may hold unused bits, which nobody promises; the samples' are
// few.
void clear_unused_bits(Tensors& tensors) {
  for (HostTensor& tensor : tensors) {
    const int64_t bits = tensor.dims.count() * dtype_bits(tensor.dtype);
    if (is_packed(tensor) && bits % 8 != 0) {
      tensor.bytes[static_cast<size_t>(bits / 8)] &= static_cast<std::byte>((1 << (bits % 8)) - 1);
    }
  }
}

Tensors run(const Sample& sample, const std::vector<const HostTensor*>& inputs,
            const RunOptions& options) {
  Result<Tensors> outputs = run_op(sample.op, inputs, options);
  EXPECT_TRUE(outputs.ok()) << (outputs.ok() ? "" : outputs.error().message);
  Tensors tensors = outputs.ok() ? *std::move(outputs) : Tensors();
  clear_unused_bits(tensors);
  return tensors;
}

// Every instruction set that this machine can run and that changes which code our kernels use. Its
// own first: the library serves one per process.
std::vector<Target> targets() {
  std::vector<Target> list = {{.isa = host_isa()}};
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    if (isa < host_isa()) list.push_back({.isa = isa});
  }
  return list;
}

TEST_P(EverySample, AttributesRoundTrip) {
  const Op& op = sample().op;
  const Result<Op> again = make_op(op_name(op), op_attrs(op));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(op, *again);
}

TEST_P(EverySample, ReferenceWritesExactlyTheInferredShape) {
  const auto inputs = make_inputs(sample());
  const auto pointers = pointers_to(inputs);
  const Tensors once = run(sample(), pointers, {.fill = std::byte{0x00}});
  const Tensors again = run(sample(), pointers, {.fill = std::byte{0xFF}});
  expect_same_bits(again, once);
}

TEST_P(EverySample, ReferenceDoesNotDependOnThreads) {
  const auto inputs = make_inputs(sample());
  const auto pointers = pointers_to(inputs);
  ReversedParallel parallel;
  expect_same_bits(run(sample(), pointers, {.parallel = &parallel}), run(sample(), pointers, {}));
}

TEST_P(EverySample, ReferenceDoesNotDependOnStrides) {
  const auto inputs = make_inputs(sample());
  const Tensors wanted = run(sample(), pointers_to(inputs), {});
  for (const HostTensor& tensor : wanted) {
    if (is_packed(tensor)) return;  // dense only
  }
  for (const Layout layout : {Layout::kRowMajor, Layout::kChannelsLast}) {
    auto strided = inputs;
    for (auto& input : strided) {
      if (!input || is_packed(*input)) continue;
      const bool has_channels = input->dims.rank() >= 3;
      input = stored_as(*input, has_channels ? layout : Layout::kRowMajor, Spacing::kSliced);
    }
    const Tensors found =
        run(sample(), pointers_to(strided), {.layout = layout, .spacing = Spacing::kSliced});
    expect_same_bits(found, wanted);
    for (const HostTensor& tensor : found) expect_gaps_untouched(tensor, std::byte{0xA5});
  }
}

// One thing that a kernel says it can run: the kernel, and how its operands lie.
struct Case {
  RunOptions options;
  std::vector<std::optional<HostTensor>> inputs;
};

void for_each_case(const Sample& sample, const std::vector<bool>& wanted,
                   const std::function<void(const Case&)>& body) {
  const auto dense = make_inputs(sample);
  for (const KernelDef* kernel : kernels_for(op_kind(sample.op))) {
    for (const Target& target : targets()) {
      for (const Layout layout : {Layout::kRowMajor, Layout::kChannelsLast}) {
        for (const Spacing spacing : {Spacing::kDense, Spacing::kSliced}) {
          Case c{.options = {.kernel = kernel,
                             .layout = layout,
                             .spacing = spacing,
                             .target = target,
                             .wanted = wanted},
                 .inputs = dense};
          for (auto& input : c.inputs) {
            if (!input || is_packed(*input)) continue;
            const bool has_channels = input->dims.rank() >= 3;
            input = stored_as(*input, has_channels ? layout : Layout::kRowMajor, spacing);
          }
          if (!is_supported(sample.op, pointers_to(c.inputs), c.options)) continue;
          SCOPED_TRACE(std::string(kernel->name) + " for " + to_string(target) + ", " +
                       std::string(layout_name(layout)) +
                       (spacing == Spacing::kSliced ? ", sliced" : ""));
          body(c);
        }
      }
    }
  }
}

TEST_P(EverySample, InPlaceEqualsOutOfPlace) {
  for_each_case(sample(), {}, [&](const Case& c) {
    const auto pointers = pointers_to(c.inputs);
    for (size_t i = 0; i < pointers.size(); ++i) {
      RunOptions options = c.options;
      options.overwritten = static_cast<int>(i);
      if (pointers[i] == nullptr || !is_supported(sample().op, pointers, options)) continue;
      expect_same_bits(run(sample(), pointers, options), run(sample(), pointers, c.options));
    }
  });
}

// Relative to the larger of the value and 1: the fast functions round differently.
double tolerance(DType type) {
  switch (type) {
    case DType::kF64:
      return 1e-9;
    case DType::kF16:
      return 4e-3;
    case DType::kBF16:
      return 3e-2;
    case DType::kF32:
      return 2e-5;
    default:
      return is_float(type) ? 0.3 : 0;
  }
}

void expect_close_to(const HostTensor& found, const HostTensor& wanted) {
  const std::vector<double> a = values_of(found);
  const std::vector<double> b = values_of(wanted);
  for (size_t k = 0; k < a.size(); ++k) {
    if (a[k] == b[k] || (std::isnan(a[k]) && std::isnan(b[k]))) continue;
    // Not <=, so that a NaN fails.
    ASSERT_TRUE(std::fabs(a[k] - b[k]) <= tolerance(found.dtype) * std::max(1.0, std::fabs(b[k])))
        << "element " << k << ": " << a[k] << ", needed " << b[k];
  }
}

TEST_P(EverySample, EveryKernelEqualsTheReference) {
  const auto inputs = make_inputs(sample());
  const Tensors wanted = run(sample(), pointers_to(inputs), {});
  ReversedParallel parallel;
  for_each_case(sample(), {}, [&](const Case& c) {
    if (c.options.kernel == reference_kernel(op_kind(sample().op))) return;
    const Tensors found = run(sample(), pointers_to(c.inputs), c.options);
    ASSERT_EQ(found.size(), wanted.size());
    for (size_t i = 0; i < found.size(); ++i) {
      expect_gaps_untouched(found[i], c.options.fill);
      SCOPED_TRACE("output " + std::to_string(i));
      ASSERT_NO_FATAL_FAILURE(expect_close_to(found[i], wanted[i]));
    }
    RunOptions threads = c.options;
    threads.parallel = &parallel;
    expect_same_bits(run(sample(), pointers_to(c.inputs), threads), found);
  });
}

// How one operand lies.
struct Placement {
  Layout layout;
  Spacing spacing = Spacing::kDense;
};
constexpr Placement kPlacements[] = {
    {Layout::kRowMajor, Spacing::kDense},      {Layout::kRowMajor, Spacing::kSliced},
    {Layout::kRowMajor, Spacing::kStepped},    {Layout::kChannelsLast, Spacing::kDense},
    {Layout::kChannelsLast, Spacing::kSliced}, {Layout::kChannelsLast, Spacing::kStepped}};

HostTensor placed(const HostTensor& tensor, const Placement& placement) {
  const bool has_channels = tensor.dims.rank() >= 3;
  return stored_as(tensor, has_channels ? placement.layout : Layout::kRowMajor, placement.spacing);
}

// The kernel serves these operands, or it makes these results of them; also over each operand that
// it says it may overwrite, which has to lie as the result does.
void expect_results(const Sample& sample, const std::vector<std::optional<HostTensor>>& inputs,
                    const RunOptions& options, const Tensors& wanted) {
  const auto pointers = pointers_to(inputs);
  if (!is_supported(sample.op, pointers, options)) return;
  const Tensors found = run(sample, pointers, options);
  ASSERT_EQ(found.size(), wanted.size());
  const bool is_reference = options.kernel == reference_kernel(op_kind(sample.op));
  for (size_t i = 0; i < found.size(); ++i) {
    SCOPED_TRACE("output " + std::to_string(i));
    expect_gaps_untouched(found[i], options.fill);
    if (is_reference) {
      ASSERT_EQ(element_bytes(found[i]), element_bytes(wanted[i]));
    } else {
      ASSERT_NO_FATAL_FAILURE(expect_close_to(found[i], wanted[i]));
    }
  }
  for (size_t i = 0; i < pointers.size(); ++i) {
    RunOptions over = options;
    over.overwritten = static_cast<int>(i);
    if (!is_supported(sample.op, pointers, over)) continue;
    SCOPED_TRACE("over operand " + std::to_string(i));
    ASSERT_NE(pointers[i], nullptr);
    ASSERT_EQ(pointers[i]->dims, found[0].dims);
    ASSERT_EQ(pointers[i]->strides, found[0].strides);
    ASSERT_EQ(dtype_bits(pointers[i]->dtype), dtype_bits(found[0].dtype));
    expect_same_bits(run(sample, pointers, over), found);
  }
}

// A kernel that serves operands of which one, or the results, lie otherwise than all others
// computes the same.
TEST_P(EverySample, EveryKernelEqualsTheReferenceWhereOneOperandLiesOtherwise) {
  const auto dense = make_inputs(sample());
  const Tensors wanted = run(sample(), pointers_to(dense), {});
  for (const KernelDef* kernel : kernels_for(op_kind(sample().op))) {
    for (const Target& target : targets()) {
      for (const Layout layout : {Layout::kRowMajor, Layout::kChannelsLast}) {
        auto inputs = dense;
        for (auto& input : inputs) {
          if (input) input = placed(*input, {layout, Spacing::kDense});
        }
        for (const Placement& other : kPlacements) {
          for (size_t odd = 0; odd <= dense.size(); ++odd) {
            SCOPED_TRACE(std::string(kernel->name) + " for " + to_string(target) + ", " +
                         std::string(layout_name(layout)) + ", operand " + std::to_string(odd) +
                         " " + std::string(layout_name(other.layout)) + " spacing " +
                         std::to_string(static_cast<int>(other.spacing)));
            const bool results = odd == dense.size();
            auto mixed = inputs;
            if (!results && mixed[odd]) mixed[odd] = placed(*mixed[odd], other);
            for (const bool constants : {false, true}) {
              ASSERT_NO_FATAL_FAILURE(
                  expect_results(sample(), mixed,
                                 {.kernel = kernel,
                                  .layout = results ? other.layout : layout,
                                  .spacing = results ? other.spacing : Spacing::kDense,
                                  .target = target,
                                  .constants = constants},
                                 wanted));
            }
          }
        }
      }
    }
  }
}

// One operand of another type, or all of a type: a kernel that serves it computes what the
// reference kernel does.
TEST_P(EverySample, EveryKernelEqualsTheReferenceOnEveryTypeItServes) {
  const size_t count = sample().inputs.size();
  for (size_t odd = 0; odd <= count; ++odd) {
    for (int type = 0; type < kDTypeCount; ++type) {
      if (static_cast<DType>(type) >= DType::kC64) continue;  // no kernel but the reference
      Sample retyped = sample();
      for (size_t i = 0; i < count; ++i) {
        SampleInput& input = retyped.inputs[i];
        const bool is_meant = odd == count ? input.dtype == sample().inputs[0].dtype : i == odd;
        if (!is_meant || !input.present) continue;
        input.dtype = static_cast<DType>(type);
        input.values.clear();
        input.low = is_float(input.dtype) ? sample().inputs[i].low : 1;
        input.high = is_float(input.dtype) ? sample().inputs[i].high : 2;
      }
      const auto inputs = make_inputs(retyped);
      const auto reference = run_op(retyped.op, pointers_to(inputs), {});
      if (!reference.ok()) continue;
      Tensors wanted = *reference;
      clear_unused_bits(wanted);
      for (const KernelDef* kernel : kernels_for(op_kind(retyped.op))) {
        if (kernel == reference_kernel(op_kind(retyped.op))) continue;
        for (const Layout layout : {Layout::kRowMajor, Layout::kChannelsLast}) {
          auto lying = inputs;
          for (auto& input : lying) {
            if (input) input = placed(*input, {layout, Spacing::kDense});
          }
          SCOPED_TRACE(std::string(kernel->name) + ", operand " + std::to_string(odd) + " of " +
                       std::string(dtype_name(static_cast<DType>(type))));
          ASSERT_NO_FATAL_FAILURE(expect_results(
              retyped, lying, {.kernel = kernel, .layout = layout, .target = targets().front()},
              wanted));
        }
      }
    }
  }
}

// A list of operands that ends early means what one with missing operands at its end does.
TEST_P(EverySample, InputsLeftOutAreAsThoseMissing) {
  const int most = op_def(sample().op).max_inputs;
  if (most == kUnlimited) return;
  for_each_case(sample(), {}, [&](const Case& c) {
    auto pointers = pointers_to(c.inputs);
    while (!pointers.empty() && !pointers.back()) pointers.pop_back();
    const Tensors wanted = run(sample(), pointers, c.options);
    pointers.resize(static_cast<size_t>(most));
    if (!is_supported(sample().op, pointers, c.options)) return;
    expect_same_bits(run(sample(), pointers, c.options), wanted);
  });
}

// Results that nobody reads are not made; the others are the same.
TEST_P(EverySample, EveryKernelMakesEverySubsetOfItsResults) {
  const auto inputs = make_inputs(sample());
  const Tensors wanted = run(sample(), pointers_to(inputs), {});
  if (wanted.size() < 2) return;
  for (const std::vector<bool>& present : allowed_results(sample().op, wanted.size())) {
    bool is_served = false;
    for_each_case(sample(), present, [&](const Case& c) {
      is_served = true;
      const Tensors found = run(sample(), pointers_to(c.inputs), c.options);
      ASSERT_EQ(found.size(), wanted.size());
      for (size_t i = 0; i < found.size(); ++i) {
        SCOPED_TRACE("output " + std::to_string(i));
        if (present[i]) {
          ASSERT_NO_FATAL_FAILURE(expect_close_to(found[i], wanted[i]));
        }
      }
    });
    EXPECT_TRUE(is_served);
  }
}

std::vector<size_t> indices_of_samples() {
  std::vector<size_t> indices(all_samples().size());
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = i;
  return indices;
}

INSTANTIATE_TEST_SUITE_P(Ops, EverySample, ::testing::ValuesIn(indices_of_samples()),
                         [](const auto& info) { return all_samples()[info.param].name; });

// In rows and in channels-last order, with constants or without: no kernel is there for nothing.
TEST(Samples, EveryKernelServesOne) {
  std::set<std::string_view> serving, all;
  for (const Sample& sample : all_samples()) {
    const auto dense = make_inputs(sample);
    for (const KernelDef* kernel : kernels_for(op_kind(sample.op))) {
      all.insert(kernel->name);
      if (serving.contains(kernel->name)) continue;
      for (const Layout layout : {Layout::kRowMajor, Layout::kChannelsLast}) {
        auto inputs = dense;
        for (size_t i = 0; i < inputs.size(); ++i) {
          if (inputs[i]) inputs[i] = placed(*inputs[i], {i == 0 ? layout : Layout::kRowMajor});
        }
        for (const bool constants : {false, true}) {
          if (is_supported(sample.op, pointers_to(inputs),
                           {.kernel = kernel,
                            .layout = layout,
                            .target = {.isa = host_isa()},
                            .wanted = {true},
                            .constants = constants})) {
            serving.insert(kernel->name);
          }
        }
      }
    }
  }
  for (const std::string_view name : all) {
    EXPECT_TRUE(serving.contains(name) || host_isa() < Isa::kAvx512Vnni) << name;
  }
}

TEST(Samples, CoverEveryOperatorButControlFlow) {
  std::set<OpKind> covered;
  for (const Sample& sample : all_samples()) covered.insert(op_kind(sample.op));
  for (OpKind kind = 0; kind < kOpCount; ++kind) {
    EXPECT_EQ(covered.contains(kind), reference_kernel(kind) != nullptr) << op_name(kind);
  }
}

}  // namespace
}  // namespace memopt::testing
