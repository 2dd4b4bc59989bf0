#include "compiler/onnx/builder.h"

#include <algorithm>

#include "compiler/ir/builder.h"
#include "compiler/ops/evaluate.h"
#include "runtime/ops/op_def.h"
#include "runtime/plan/limits.h"

namespace memopt {
namespace {

// An operator that would take longer on constants stays in the graph.
constexpr int64_t kMaxFoldedOperations = int64_t{1} << 28;

// The heap that a node or value takes through all stages of a compile, which hold a few copies of
// the graph and tables beside it, and of each byte of its name.
constexpr int64_t kEntryBytes = 2048;
constexpr int64_t kCopiesOfNames = 16;

bool is_computed(const Op& op, std::span<const bool> wanted, size_t i) {
  return i < static_cast<size_t>(op_def(op).required_results) || (i < wanted.size() && wanted[i]);
}

}  // namespace

std::string GraphBuilder::fresh_name(std::string_view base) {
  std::string name(base);
  if (reserve_name(name)) return name;
  int& suffix = next_suffix_[name];
  do {
    name = std::string(base) + '_' + std::to_string(++suffix);
  } while (!reserve_name(name));
  return name;
}

Status GraphBuilder::charge_entry(std::string_view name) {
  const int64_t bytes = kEntryBytes + kCopiesOfNames * static_cast<int64_t>(name.size());
  return account().charge(bytes, "one more value of the graph");
}

ValueId GraphBuilder::add_constant(std::string_view base_name, const TensorType& type,
                                   std::shared_ptr<const ConstantData> data) {
  return graph_.add_constant(fresh_name(base_name), type, std::move(data));
}

Result<std::vector<ValueId>> GraphBuilder::emit(Op op, std::span<const ValueId> inputs,
                                                std::span<const bool> wanted,
                                                std::string_view base_name,
                                                const std::string& node_name) {
  while (!inputs.empty() && !inputs.back()) inputs = inputs.first(inputs.size() - 1);
  const std::vector<const TensorType*> input_types = types_of(graph_, inputs);
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<TensorType> types, infer_types(op, input_types));
  if (std::max(inputs.size(), types.size()) > kMaxPlanOperands) {
    return bad_input("has " + std::to_string(inputs.size()) + " operands and " +
                     std::to_string(types.size()) + " results; a plan holds " +
                     std::to_string(kMaxPlanOperands) + " of each");
  }
  for (size_t i = 0; i < types.size(); ++i) MEMOPT_RETURN_IF_ERROR(charge_entry(base_name));

  if (should_fold(op, inputs, input_types, types)) {
    auto folded = fold(op, inputs, types, wanted, base_name);
    // What cannot be computed now fails, or not, in its turn.
    if (folded.ok()) return folded;
  }
  std::vector<Value> outputs;
  for (size_t i = 0; i < types.size(); ++i) {
    Value& output = outputs.emplace_back();
    output.type = types[i];
    if (is_computed(op, wanted, i)) output.name = fresh_name(base_name);
  }
  const NodeId id = graph_.add_node(std::move(op), inputs, outputs, node_name);
  const auto& results = graph_.node(id).outputs;
  return std::vector<ValueId>(results.begin(), results.end());
}

bool GraphBuilder::should_fold(const Op& op, std::span<const ValueId> inputs,
                               InputTypes input_types, std::span<const TensorType> types) const {
  const int64_t cap = state_.options.fold_cap_bytes;
  int64_t input_bytes = 0, output_bytes = 0;
  for (const ValueId input : inputs) {
    if (!input) continue;
    if (!graph_.is_constant(input)) return false;
    input_bytes += graph_.type(input).bytes();
  }
  if (op_def(op).reshapes) return true;  // shares the data
  for (const TensorType& type : types) output_bytes += type.bytes();
  if (input_bytes > 16 * cap || output_bytes > cap) return false;
  const auto operations = op_def(op).operations;
  if (operations != nullptr && operations(op, input_types, types) > kMaxFoldedOperations) {
    return false;
  }
  std::vector<const TensorType*> outputs;
  for (const TensorType& type : types) outputs.push_back(&type);
  return affords_evaluation(*state_.options.account, op, input_types, outputs);
}

Result<std::vector<ValueId>> GraphBuilder::fold(const Op& op, std::span<const ValueId> inputs,
                                                std::span<const TensorType> types,
                                                std::span<const bool> wanted,
                                                std::string_view base_name) {
  if (op_def(op).reshapes) {
    return std::vector<ValueId>{add_constant(base_name, types[0], graph_.value(inputs[0]).data)};
  }
  std::vector<ConstantOperand> operands;
  for (const ValueId input : inputs) {
    ConstantOperand& operand = operands.emplace_back();
    if (!input) continue;
    operand.type = &graph_.type(input);
    operand.bytes = graph_.value(input).data->bytes();
  }
  std::vector<const TensorType*> outputs;
  for (size_t i = 0; i < types.size(); ++i) {
    outputs.push_back(is_computed(op, wanted, i) ? &types[i] : nullptr);
  }
  MEMOPT_ASSIGN_OR_RETURN(const auto data, evaluate(op, operands, outputs, state_.options.account));
  std::vector<ValueId> results;
  for (size_t i = 0; i < types.size(); ++i) {
    if (data[i] == nullptr) {
      results.push_back(ValueId::none());
      continue;
    }
    results.push_back(add_constant(base_name, types[i], data[i]));
  }
  return results;
}

ValueId GraphBuilder::capture(ValueId outer_value) {
  if (const auto found = capture_of_.find(outer_value); found != capture_of_.end()) {
    return found->second;
  }
  const Value& source = outer_->graph().value(outer_value);
  ValueId id;
  if (source.kind == ValueKind::kConstant) {
    id = add_constant(source.name, source.type, source.data);
  } else {
    id = graph_.add_input(fresh_name(source.name), source.type);
    captured_.push_back(outer_value);
  }
  capture_of_[outer_value] = id;
  return id;
}

std::vector<std::string> GraphBuilder::origins(ValueId id, size_t limit) const {
  std::vector<std::string> names;
  std::vector<ValueId> pending{id};
  ValueMap<bool> seen(graph_, false);
  while (!pending.empty() && names.size() < limit) {
    const ValueId next = pending.back();
    pending.pop_back();
    if (!next || seen[next]) continue;
    seen[next] = true;
    const Value& value = graph_.value(next);
    if (value.kind == ValueKind::kInput) names.push_back(value.name);
    if (value.kind != ValueKind::kResult) continue;
    const auto& inputs = graph_.node(value.producer).inputs;
    pending.insert(pending.end(), inputs.begin(), inputs.end());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace memopt
