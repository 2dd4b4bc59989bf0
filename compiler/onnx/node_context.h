// What the mapping of an ONNX node to operators sees: the node's operands and attributes in, values
// out. Mapping functions are free functions over it, one per ONNX operator, in map_*.cc.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/onnx/scope.h"
#include "onnx_schema/onnx-ml.pb.h"
#include "runtime/base/result.h"
#include "runtime/ops/op.h"

namespace memopt {

class NodeContext {
 public:
  // `inputs`: one per operand, none() for a missing one; those that the operator requires are
  // there.
  NodeContext(Scope& scope, const onnx::NodeProto& node, std::string name, int64_t opset,
              std::vector<ValueId> inputs)
      : scope_(scope),
        node_(node),
        name_(std::move(name)),
        opset_(opset),
        inputs_(std::move(inputs)),
        results_(static_cast<size_t>(node.output_size())) {}

  const std::string& op_type() const { return node_.op_type(); }
  const std::string& name() const { return name_; }
  int64_t opset() const { return opset_; }  // of the node's domain
  Scope& scope() { return scope_; }
  GraphBuilder& builder() { return scope_.builder; }

  // --- operands ---
  int input_count() const { return static_cast<int>(inputs_.size()); }
  bool has(int i) const { return i < input_count() && in(i); }
  ValueId in(int i) const {
    return i < input_count() ? inputs_[static_cast<size_t>(i)] : ValueId::none();
  }
  std::vector<ValueId> all_inputs() const { return inputs_; }
  const TensorType& type(ValueId id) const { return scope_.builder.graph().type(id); }
  const TensorType& type(int i) const { return type(in(i)); }
  const Dims& dims(int i) const { return type(i).dims; }
  int rank(int i) const { return dims(i).rank(); }

  // The elements of an operand that must be known at import; `what` names it in the error. 1-D or
  // scalar.
  Result<std::vector<int64_t>> constant_ints(int i, std::string_view what);
  Result<std::vector<double>> constant_floats(int i, std::string_view what);
  Result<int64_t> constant_int(int i, std::string_view what);  // one element
  Result<double> constant_float(int i, std::string_view what);

  // --- attributes: of another type than asked for is an error that the importer reports when the
  // mapping returns; until then the default stands ---
  const onnx::AttributeProto* attribute(std::string_view name) const;  // null: absent
  bool has_attribute(std::string_view name) const { return attribute(name) != nullptr; }
  int64_t attr_int(std::string_view name, int64_t missing);
  bool attr_bool(std::string_view name, bool missing) { return attr_int(name, missing) != 0; }
  double attr_float(std::string_view name, double missing);
  std::string attr_string(std::string_view name, std::string_view missing);
  std::vector<int64_t> attr_ints(std::string_view name, std::vector<int64_t> missing = {});
  std::vector<double> attr_floats(std::string_view name, std::vector<double> missing = {});
  const onnx::GraphProto* attr_graph(std::string_view name);  // null: absent
  // An axis attribute or operand value in [0, rank); negative ones count from the end.
  Result<int64_t> axis_of(int64_t axis, int rank) const;
  Result<std::vector<int64_t>> axes_of(const std::vector<int64_t>& axes, int rank) const;

  // --- results ---
  int output_count() const { return node_.output_size(); }
  bool wants(int output) const;  // something reads it
  const std::string& output_name(int output) const { return node_.output(output); }
  // Emits an operator with one result.
  Result<ValueId> emit(Op op, std::initializer_list<ValueId> inputs);
  Result<ValueId> emit(Op op, std::span<const ValueId> inputs);
  // Emits an operator whose results are the node's outputs, one to one.
  Status emit_outputs(Op op, std::span<const ValueId> inputs);
  // Emits an operator whose result is the node's output 0.
  Status result(Op op, std::initializer_list<ValueId> inputs);
  Status result(Op op, std::span<const ValueId> inputs);
  ValueId constant(const TensorType& type, std::shared_ptr<const ConstantData> data);
  ValueId constant_ints(const std::vector<int64_t>& values);  // 1-D i64
  // Errors: `type` is no number of at least a byte.
  Result<ValueId> constant_scalar(DType type, double value);  // rank 0
  Result<ValueId> constant_values(DType type, const Dims& dims, std::span<const double> values);
  // Output `output` of the node is this value.
  void bind(int output, ValueId value);
  // The same for a value that the mapping added to the graph itself.
  void bind_new(int output, ValueId value) {
    fresh_.push_back(value);
    bind(output, value);
  }
  ValueId bound(int output) const { return results_[static_cast<size_t>(output)]; }

  Error error(std::string message) const { return bad_input(std::move(message)); }
  // Remembers an error for the end of the mapping; the first one counts.
  void report(std::string message);
  const std::optional<Error>& reported() const { return error_; }

 private:
  // The raw elements of a constant operand, converted to T.
  template <typename T>
  Result<std::vector<T>> constant_elements(int i, std::string_view what);
  const onnx::AttributeProto* typed_attribute(std::string_view name,
                                              onnx::AttributeProto::AttributeType type);

  Scope& scope_;
  const onnx::NodeProto& node_;
  std::string name_;
  int64_t opset_;
  std::vector<ValueId> inputs_;
  std::vector<ValueId> results_;
  std::vector<ValueId> fresh_;  // values made by this node that have no ONNX name yet
  std::optional<Error> error_;
};

// The elements of a constant as doubles or integers; nullopt where the element type does not
// convert.
std::optional<std::vector<int64_t>> ints_of(const TensorType& type,
                                            std::span<const std::byte> bytes);
std::optional<std::vector<double>> floats_of(const TensorType& type,
                                             std::span<const std::byte> bytes);

}  // namespace memopt
