// conv.packed and matmul.packed, for each instruction set that this processor has.
#include <gtest/gtest.h>

#include <map>

#include "runtime/kernels/cpu/kernels.h"
#include "tests/runtime/conv_cases.h"
#include "tests/runtime/matmul_cases.h"

namespace memopt {
namespace {

using test::conv_activation_cases;
using test::conv_cases;
using test::ConvCase;
using test::make_case;
using test::matmul_cases;
using test::MatMulCase;
using test::square;
using test::TestCase;

std::vector<Isa> isas() {
  std::vector<Isa> list;
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    if (isa <= host_isa()) list.push_back(isa);
  }
  return list;
}

// More tiles, panels and groups than fit into one part of the work, and every remainder of them.
std::vector<ConvCase> large_cases() {
  std::vector<ConvCase> list = {
      square("many_panels", 40, 20, 300, 3, 1, 1),
      square("depthwise_many_channels", 700, 10, 700, 3, 1, 1, 700),
      square("weights_beyond_a_cache", 512, 6, 160, 3, 1, 1),
      square("narrow_groups", 12, 9, 18, 3, 1, 1, 3),
      square("stem_of_lines", 3, 50, 24, 5, 2, 2),
  };
  for (int64_t rest = 1; rest <= 33; rest += 4) {
    list.push_back(square("rest", 7, 9, rest, 3, 1, 1));
    list.push_back(square("rest_depthwise", rest, 9, rest, 3, 1, 1, rest));
  }
  for (int64_t width = 1; width <= 17; ++width) {
    list.push_back({"width", 1, 5, {3, width}, 9, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}});
  }
  list.push_back({"negative_pads", 1, 6, {12, 13}, 20, {3, 3}, {1, 2}, {-1, -2, -1, 0}, {1, 1}});
  list.push_back({"beside_the_image", 1, 6, {4, 5}, 20, {3, 3}, {1, 1}, {5, 6, 4, 7}, {1, 1}});
  return list;
}

TEST(PackedConv, EqualsReference) {
  for (const auto& list : {conv_cases(), conv_activation_cases(), large_cases()}) {
    for (const ConvCase& c : list) {
      for (const Isa isa : isas()) {
        SCOPED_TRACE(to_string(Target{isa, 2}) + ' ' + test::conv_case_name(c));
        const TestCase test = make_case(c);
        test::expect_equals_reference(*cpu::packed_conv(), test, 2e-5, c.residual ? 3 : -1, isa);
      }
    }
  }
}

TEST(PackedMatMul, EqualsReference) {
  std::vector<MatMulCase> list = matmul_cases();
  list.push_back({"many_columns", {30, 70}, {70, 2000}, {30, 2000}});
  list.push_back({"beyond_a_cache", {20, 1500}, {1500, 200}, {20, 200}});
  list.push_back({"batch_of_constants", {4, 9, 20}, {4, 20, 50}, {4, 9, 50}});
  list.push_back({"batches_of_both", {3, 1, 9, 20}, {1, 4, 20, 50}, {3, 4, 9, 50}, {}, false});
  list.push_back({"constant_batches_of_both", {3, 1, 2, 20}, {1, 4, 20, 50}, {3, 4, 2, 50}});
  for (int64_t rows = 1; rows <= 30; ++rows)
    list.push_back({"rows", {rows, 9}, {9, 70}, {rows, 70}});
  for (const MatMulCase& c : list) {
    for (const Isa isa : isas()) {
      SCOPED_TRACE(to_string(Target{isa, 2}) + ' ' + c.name);
      const TestCase test = make_case(c);
      const bool served = c.a.rank() >= 2;
      const KernelDef* const all[] = {cpu::packed_matmul(), cpu::packed_matmul_in_run()};
      for (const KernelDef* kernel : all) {
        const bool is_for_it = served && c.constant == (kernel == all[0]);
        EXPECT_EQ(test::kernel_supports(*kernel, test, {isa, 2}), is_for_it);
        if (!is_for_it) continue;
        test::expect_equals_reference(*kernel, test, 2e-5, c.residual ? 3 : -1, isa);
      }
    }
  }
}

// An addend is scaled on its own.
TEST(PackedMatMul, ScalesSumsAndAddends) {
  MatMulCase c{"", {5, 20}, {20, 40}, {5, 40}, {}, true, true, true};
  c.op.alpha = 0.25;
  c.op.beta = -3;
  c.op.activation = {UnaryFn::kClip, -0.5, 0.5};
  for (const Isa isa : isas()) {
    test::expect_equals_reference(*cpu::packed_matmul(), make_case(c), 2e-5, 3, isa);
  }
}

// With a few rows it takes longer to pack a matrix than to multiply it.
TEST(PackedMatMul, PacksAtRunTimeForManyRows) {
  for (const int64_t rows : {7, 8}) {
    const MatMulCase c{"", {rows, 20}, {20, 40}, {rows, 40}, {}, false};
    EXPECT_EQ(
        test::kernel_supports(*cpu::packed_matmul_in_run(), make_case(c), {Isa::kPortable, 2}),
        rows == 8);
  }
}

// What a band of the output computes from a band of the input is what the whole computes there, to
// the bit: tiling under a budget changes nothing.
TEST(PackedConv, BandsHaveTheBitsOfTheWhole) {
  for (const int64_t group : {1, 24}) {
    for (const Isa isa : isas()) {
      const ConvCase all = square("", 24, 21, 24, 3, 1, 1, group);
      const TestCase whole = make_case(all);
      const KernelDef& kernel = *cpu::packed_conv();
      test::RunOptions options;
      options.target.isa = isa;
      const auto expected = test::run_kernel(kernel, whole, options);
      ASSERT_TRUE(expected.ok()) << expected.error().message;
      const size_t line = 21 * 24 * sizeof(float);
      for (const auto& [begin, end] :
           {std::pair<int64_t, int64_t>{0, 5}, {5, 6}, {6, 20}, {20, 21}}) {
        ConvCase c = all;
        const int64_t first = std::max<int64_t>(begin - 1, 0),
                      last = std::min<int64_t>(end + 1, 21);
        c.in = {last - first, 21};
        c.pads = {begin == 0 ? 1 : 0, 1, end == 21 ? 1 : 0, 1};
        TestCase band = make_case(c);
        for (size_t i = 1; i < band.inputs.size(); ++i) band.inputs[i] = whole.inputs[i];
        const auto& bytes = whole.inputs[0].bytes;
        band.inputs[0].bytes.assign(bytes.begin() + first * static_cast<int64_t>(line),
                                    bytes.begin() + last * static_cast<int64_t>(line));
        const auto found = test::run_kernel(kernel, band, options);
        ASSERT_TRUE(found.ok()) << found.error().message;
        const std::vector<std::byte> part(
            (*expected)[0].begin() + begin * static_cast<int64_t>(line),
            (*expected)[0].begin() + end * static_cast<int64_t>(line));
        EXPECT_TRUE((*found)[0] == part) << begin << " to " << end << ", " << group << " groups";
      }
    }
  }
}

// What a plan stores of the second operand: its order and its bytes.
std::pair<uint64_t, std::vector<std::byte>> packed_weights(const KernelDef& kernel,
                                                           const TestCase& test, Isa isa) {
  std::vector<Operand> inputs, outputs;
  const auto add = [](std::vector<Operand>& operands, const test::TestOperand& from) {
    operands.push_back({.present = from.present,
                        .constant = from.constant,
                        .dtype = from.dtype,
                        .layout = from.layout,
                        .dims = from.dims,
                        .strides = dense_strides(from.dims, from.layout),
                        .data = from.bytes.data()});
  };
  for (const auto& operand : test.inputs) add(inputs, operand);
  for (const auto& operand : test.outputs) add(outputs, operand);
  const KernelRequest request{
      .op = &test.op, .inputs = inputs, .outputs = outputs, .target = {isa, 2}};
  if (!kernel.supports(request)) return {};
  const auto needs = kernel.needs(request);
  EXPECT_TRUE(needs.ok());
  EXPECT_EQ(needs->packed.size(), 1u);
  std::vector<std::byte> bytes(static_cast<size_t>(needs->packed[0].bytes));
  EXPECT_TRUE(kernel.pack(request, 1, bytes).ok());
  return {needs->packed[0].order, bytes};
}

// Nodes that read one constant in one order share its packed bytes (emit_plan.cc), so equal orders
// and sizes must be equal bytes, whatever else differs between the nodes.
void expect_orders_tell_bytes_apart(const KernelDef& kernel, const std::vector<TestCase>& tests) {
  for (const Isa isa : isas()) {
    std::map<std::pair<uint64_t, size_t>, std::vector<std::byte>> seen;
    for (const TestCase& test : tests) {
      const auto [order, bytes] = packed_weights(kernel, test, isa);
      if (bytes.empty()) continue;
      const auto [at, is_new] = seen.try_emplace({order, bytes.size()}, bytes);
      EXPECT_TRUE(at->second == bytes) << kernel.name << ' ' << to_string(Target{isa, 2});
    }
    EXPECT_FALSE(seen.empty() && kernel.name.ends_with(".packed"));
  }
}

TEST(PackedOrders, TellConvolutionsApart) {
  for (const int64_t channels : {1, 2}) {
    for (const int64_t filters : {6, 16, 48, 96}) {
      std::vector<TestCase> tests;
      for (int64_t group = 1; group <= filters; ++group) {
        if (filters % group != 0) continue;
        for (const int64_t extent : {5, 40}) {
          tests.push_back(make_case(square("", channels * group, extent, filters, 3, 1, 1, group)));
        }
      }
      for (const KernelDef* kernel : kernels_for(kOpKind<Conv>)) {
        if (kernel->pack != nullptr) expect_orders_tell_bytes_apart(*kernel, tests);
      }
    }
  }
}

TEST(PackedOrders, TellProductsApart) {
  std::vector<TestCase> tests;
  for (const bool trans_b : {false, true}) {
    for (const int64_t rows : {1, 20}) {
      MatMulCase c{"", {rows, 40}, {40, 40}, {rows, 40}};
      c.op.trans_b = trans_b;
      tests.push_back(make_case(c));
    }
  }
  for (const KernelDef* kernel : {cpu::packed_matmul()})
    expect_orders_tell_bytes_apart(*kernel, tests);
}

TEST(PackedConv, RefusesWhatItCannotServe) {
  const Target target{Isa::kPortable, 2};
  const auto serves = [&](const TestCase& test) {
    return test::kernel_supports(*cpu::packed_conv(), test, target);
  };
  const ConvCase good = square("", 16, 20, 16, 3, 1, 1);
  EXPECT_TRUE(serves(make_case(good)));
  TestCase test = make_case(good);
  test.inputs[1].constant = false;
  EXPECT_FALSE(serves(test)) << "weights that nobody can pack";
  test = make_case(good);
  test.outputs[0].layout = Layout::kRowMajor;
  EXPECT_FALSE(serves(test));
  test = make_case(good);
  std::get<Conv>(test.op).activation = {UnaryFn::kSinh};
  EXPECT_FALSE(serves(test));
  EXPECT_TRUE(serves(make_case(square("", 1, 40, 1, 32, 1, 0))));
  EXPECT_FALSE(serves(make_case(square("", 1, 40, 1, 33, 1, 0))))
      << "more taps than it has room for";
}

}  // namespace
}  // namespace memopt
