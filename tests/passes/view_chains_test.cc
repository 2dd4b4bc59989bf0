// Planner and verifier agree about where values lie: every operator sample, behind it chains of
// operators that only move elements, compiled with and without aliases. Both plans are verified and
// run, the first one under guard, and give the same bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>

#include "runtime/ops/op_def.h"
#include "tests/support/growing_graph.h"
#include "tests/support/run_compiled.h"

namespace memopt {
namespace {

using ::memopt::testing::all_samples;
using ::memopt::testing::Sample;

struct Growing : testing::GrowingGraph {
  std::mt19937 random;

  int64_t below(int64_t limit) {
    return static_cast<int64_t>(random() % static_cast<uint32_t>(limit));
  }

  // A result of this type that nothing else reads: bytes of an input, copied.
  ValueId add_partner(const TensorType& type) {
    std::vector<std::byte> bytes(static_cast<size_t>(type.bytes()));
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i % 2);
    return add(Copy{}, {add_input(type, std::move(bytes))})[0];
  }
};

// An operator behind `x` that moves its elements; the value that the chain goes on with.
using Link = std::function<ValueId(Growing&, ValueId x)>;

ValueId apply(Growing& g, const Op& op, ValueId x) { return g.add(op, {x})[0]; }

ValueId any_transpose(Growing& g, ValueId x) {
  std::vector<int64_t> perm(static_cast<size_t>(g.graph.type(x).dims.rank()));
  std::iota(perm.begin(), perm.end(), 0);
  std::shuffle(perm.begin(), perm.end(), g.random);
  return apply(g, Transpose{perm}, x);
}

// The dimensions multiplied together at random places, with ones in between.
ValueId any_reshape(Growing& g, ValueId x) {
  std::vector<int64_t> dims;
  for (const int64_t extent : g.graph.type(x).dims) {
    if (!dims.empty() && g.below(2) == 0) {
      dims.back() *= extent;
    } else if (extent % 2 == 0 && extent > 2 && g.below(3) == 0 && dims.size() < 5) {
      dims.insert(dims.end(), {extent / 2, 2});
    } else {
      dims.push_back(extent);
    }
    if (g.below(4) == 0 && dims.size() < 5) dims.push_back(1);
  }
  return apply(g, Reshape{dims}, x);
}

ValueId any_slice(Growing& g, ValueId x) {
  Slice op;
  for (const int64_t extent : g.graph.type(x).dims) {
    const int64_t size = extent == 0 ? 0 : 1 + g.below(extent);
    const bool backward = g.below(6) == 0;
    const int64_t space = extent - size;
    op.starts.push_back(
        size == 0 ? 0 : (space == 0 ? 0 : g.below(space + 1)) + (backward ? size - 1 : 0));
    op.sizes.push_back(size);
    op.steps.push_back(backward ? -1 : 1);
  }
  return apply(g, op, x);
}

ValueId any_split(Growing& g, ValueId x) {
  const Dims dims = g.graph.type(x).dims;
  if (dims.rank() == 0) return x;
  const int64_t axis = g.below(dims.rank());
  const int64_t extent = dims[static_cast<int>(axis)];
  const int64_t first = extent < 2 ? extent : 1 + g.below(extent - 1);
  const std::vector<ValueId> parts = g.add(Split{axis, {first, extent - first}}, {x});
  const auto taken = static_cast<size_t>(g.below(2));
  g.graph.add_output(parts[1 - taken]);
  return parts[taken];
}

ValueId any_concat(Growing& g, ValueId x) {
  TensorType type = g.graph.type(x);
  if (type.dims.rank() == 0) return x;
  const auto axis = static_cast<int>(g.below(type.dims.rank()));
  type.dims[axis] = 1 + g.below(3);
  std::vector<ValueId> parts = {x, g.add_partner(type)};
  if (g.below(2) == 0) std::swap(parts[0], parts[1]);
  return g.add(Concat{axis}, parts)[0];
}

const std::vector<Link>& links() {
  static const std::vector<Link> kLinks = {
      any_transpose, any_reshape, any_slice,
      any_split,     any_concat,  [](Growing& g, ValueId x) { return apply(g, Identity{}, x); }};
  return kLinks;
}

// The outputs of a run without the bits behind the last element of a packed one.
std::vector<std::vector<std::byte>> outputs_of(const CompiledModel& model, bool guard,
                                               const Growing& g) {
  auto outputs = run_compiled(model, guard, g.inputs);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const PlanValue& value = model.plan().values[model.plan().outputs[i]];
    const int64_t used = value.dims.count() * dtype_bits(value.dtype) % 8;
    if (used != 0) outputs[i].back() &= static_cast<std::byte>((1 << used) - 1);
  }
  return outputs;
}

void expect_same_bits(const Growing& g, bool reference_only) {
  CompileOptions options;
  options.kernels.reference_only = reference_only;
  CompileOptions apart = options;
  apart.buffers.views = apart.buffers.destinations = apart.buffers.in_place = false;
  const auto expected = compile_graph(g.graph, apart);
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  const auto model = compile_graph(g.graph, options);
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_TRUE(outputs_of(**model, true, g) == outputs_of(**expected, false, g));
}

// One sample of every cast, whose other types move nothing else.
bool is_taken(const Sample& sample) {
  const auto* cast = std::get_if<Cast>(&sample.op);
  return cast == nullptr || cast->to == DType::kF32;
}

TEST(ViewChains, PlansWithAndWithoutAliasesGiveTheSameBits) {
  constexpr uint32_t kChains = 6;
  for (size_t index = 0; index < all_samples().size(); ++index) {
    const Sample& sample = all_samples()[index];
    if (!is_taken(sample)) continue;
    for (uint32_t chain = 0; chain < kChains; ++chain) {
      SCOPED_TRACE(sample.name + ", chain " + std::to_string(chain));
      Growing g;
      g.random.seed(static_cast<uint32_t>(index) * 1000 + chain);
      ValueId x = g.add_sample(sample)[0];
      // Every second chain is short and ends in a concatenation, where producers write in place.
      const bool joins = chain % 2 == 0;
      const int64_t length = joins ? 1 + g.below(2) : 1 + g.below(3);
      for (int64_t i = 0; i < length; ++i) {
        x = links()[static_cast<size_t>(g.below(static_cast<int64_t>(links().size())))](g, x);
      }
      if (joins) x = any_concat(g, x);
      g.graph.add_output(x);
      expect_same_bits(g, chain % 4 < 2);
      if (HasFailure()) return;
    }
  }
}

// Exhaustively for one producer: every permutation in front of every axis.
TEST(ViewChains, EveryTransposeInFrontOfEveryConcatenation) {
  const Sample* const producer =
      &*std::find_if(all_samples().begin(), all_samples().end(),
                     [](const Sample& sample) { return sample.name == "cast_u8_to_f32"; });
  std::vector<int64_t> perm = {0, 1, 2};
  do {
    for (int axis = 0; axis < 3; ++axis) {
      for (const bool first : {true, false}) {
        Growing g;
        const ValueId t = apply(g, Transpose{perm}, g.add_sample(*producer)[0]);
        TensorType type = g.graph.type(t);
        type.dims[axis] = 2;
        std::vector<ValueId> parts = {t, g.add_partner(type)};
        if (!first) std::swap(parts[0], parts[1]);
        g.graph.add_output(g.add(Concat{axis}, parts)[0]);
        expect_same_bits(g, false);
      }
    }
  } while (std::next_permutation(perm.begin(), perm.end()));
}

}  // namespace
}  // namespace memopt
