// Graphs made by hand, with kernels that say what a case needs them to say, and what the search for
// aliases decides on them.
#pragma once

#include <gtest/gtest.h>

#include "passes/planning/aliases.h"
#include "tests/support/first_result.h"

namespace memopt {

inline bool always(const KernelRequest&) { return true; }
inline bool is_dense(const Operand& operand) {
  return is_dense(operand.dims, operand.strides, operand.layout);
}
inline Result<KernelNeeds> scratch(int64_t bytes) {
  return KernelNeeds{.scratch_bytes = bytes, .packed = {}};
}

constexpr int64_t kScratch = 100;
inline const KernelDef kAny{.name = "any", .supports = always};
inline const KernelDef kDenseResults{
    .name = "dense results",
    .supports = [](const KernelRequest& r) { return is_dense(r.outputs[0]); }};
inline const KernelDef kDenseOperands{
    .name = "dense operands", .supports = [](const KernelRequest& r) {
      return std::all_of(r.inputs.begin(), r.inputs.end(),
                         [](const Operand& o) { return is_dense(o); });
    }};
inline const KernelDef kSameScratch{
    .name = "the scratch that it had", .supports = always, .needs = [](const KernelRequest&) {
      return scratch(kScratch);
    }};
inline const KernelDef kMoreScratch{
    .name = "more scratch", .supports = always, .needs = [](const KernelRequest&) {
      return scratch(kScratch + 1);
    }};
inline const KernelDef kLessScratch{
    .name = "less scratch", .supports = always, .needs = [](const KernelRequest&) {
      return scratch(kScratch - 1);
    }};
inline const KernelDef kNoNeeds{
    .name = "does not know", .supports = always, .needs = [](const KernelRequest&) {
      return Result<KernelNeeds>(internal_error("does not know"));
    }};
inline const KernelDef kOver{
    .name = "overwrites operand 0",
    .supports = always,
    .in_place = [](const KernelRequest&, int input, int) { return input == 0; }};

inline TensorType f32(const Dims& dims, Layout layout = Layout::kRowMajor) {
  return {.dtype = DType::kF32, .dims = dims, .layout = layout};
}

class AliasesOf : public ::testing::Test {
 protected:
  void clear() {
    graph_ = {};
    kernels_.clear();
  }
  // Types come by value: those of a graph move when it grows.
  ValueId input(TensorType type) { return graph_.add_input(graph_.unique_name("x"), type); }
  ValueId constant(TensorType type) {
    return graph_.add_constant(
        graph_.unique_name("c"), type,
        ConstantData::from_bytes(std::vector<std::byte>(static_cast<size_t>(type.bytes()))));
  }
  // What the operator makes of the operands; an absent result where `absent` says so.
  std::vector<ValueId> results(const Op& op, const std::vector<ValueId>& inputs,
                               const KernelDef& kernel = kAny, int absent = -1) {
    auto types = infer_results(graph_, op, inputs);
    EXPECT_TRUE(types.ok()) << types.error().message;
    std::vector<Value> outputs(types->size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      outputs[i].type = (*types)[i];
      outputs[i].type.layout = graph_.type(inputs[0]).layout;
      if (static_cast<int>(i) != absent) outputs[i].name = graph_.unique_name("v");
    }
    return add(op, inputs, outputs, kernel);
  }
  ValueId apply(const Op& op, const std::vector<ValueId>& inputs, const KernelDef& kernel = kAny) {
    return results(op, inputs, kernel)[0];
  }
  // Something computed.
  ValueId compute(const std::vector<ValueId>& inputs, TensorType type,
                  const KernelDef& kernel = kAny) {
    Value output;
    output.name = graph_.unique_name("v");
    output.type = type;
    return add(Softmax{}, inputs, {output}, kernel)[0];
  }
  ValueId compute(TensorType type, const KernelDef& kernel = kAny) {
    return compute({input(type)}, type, kernel);
  }
  ValueId reshape(ValueId x, const Dims& dims) {
    return apply(Reshape{{dims.begin(), dims.end()}}, {x});
  }
  // These rows of all.
  ValueId rows(ValueId x, int64_t begin, int64_t count) { return cut(x, 0, begin, count); }
  ValueId cut(ValueId x, int axis, int64_t begin, int64_t count) {
    Slice op;
    for (const int64_t extent : graph_.type(x).dims) op.sizes.push_back(extent);
    op.starts.assign(op.sizes.size(), 0);
    op.steps.assign(op.sizes.size(), 1);
    op.starts[static_cast<size_t>(axis)] = begin;
    op.sizes[static_cast<size_t>(axis)] = count;
    return apply(op, {x});
  }

  Aliases find(const BufferOptions& options = {}, const std::vector<NodeId>& without = {}) const {
    return find_aliases(graph_, kernels(), options, without);
  }
  NodeMap<KernelChoice> kernels() const {
    NodeMap<KernelChoice> result(graph_);
    for (size_t i = 0; i < kernels_.size(); ++i) {
      result[graph_.order()[i]] = {.kernel = kernels_[i],
                                   .needs = {.scratch_bytes = kScratch, .packed = {}}};
    }
    return result;
  }
  NodeId maker_of(ValueId id) const { return graph_.value(id).producer; }
  bool moves_nothing(const Aliases& aliases, ValueId id) const {
    return aliases.elided[maker_of(id)];
  }
  bool is_in_place(ValueId concat) const {
    const Aliases aliases = find();
    const bool elided = moves_nothing(aliases, concat);
    const auto& list = aliases.destinations;
    EXPECT_EQ(std::count(list.begin(), list.end(), maker_of(concat)), elided ? 1 : 0);
    return elided;
  }
  void expect_place(const Aliases& aliases, ValueId id, const PlaceInRoot& wanted) const {
    const PlaceInRoot& place = aliases.placement[id];
    EXPECT_EQ(place.root, wanted.root) << graph_.value(id).name;
    EXPECT_EQ(place.parent, wanted.parent) << graph_.value(id).name;
    EXPECT_EQ(place.whole, wanted.whole) << graph_.value(id).name;
    EXPECT_EQ(place.starts, wanted.starts) << graph_.value(id).name;
    EXPECT_EQ(place.offset_bytes, wanted.offset_bytes) << graph_.value(id).name;
    EXPECT_EQ(place.strides, wanted.strides) << graph_.value(id).name;
  }

  Graph graph_;
  std::vector<const KernelDef*> kernels_;  // in the order of the nodes

 private:
  std::vector<ValueId> add(const Op& op, const std::vector<ValueId>& inputs,
                           const std::vector<Value>& outputs, const KernelDef& kernel) {
    const NodeId id = graph_.add_node(op, inputs, outputs, "");
    kernels_.push_back(&kernel);
    return {graph_.node(id).outputs.begin(), graph_.node(id).outputs.end()};
  }
};

}  // namespace memopt
