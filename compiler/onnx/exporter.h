// What writing a node as ONNX needs: its operands by name in, NodeProtos out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"
#include "llvm/ADT/StringSet.h"
#include "onnx_schema/onnx-ml.pb.h"
#include "runtime/base/result.h"
#include "runtime/ops/elementwise.h"
#include "runtime/ops/movement.h"

namespace memopt {

// A graph on its way into a GraphProto.
class Exporter {
 public:
  Exporter(const Graph& graph, onnx::GraphProto& proto);

  // Writes all nodes; initializers for constants are the caller's matter.
  Status write_nodes();
  // The value that stands for output `index` in the signature: its own, or the input of that name
  // which it passes on, for no node of ONNX makes a second value of a name.
  const Value& signature_output(size_t index) const;
  // The lowest operator set that expresses everything written so far.
  int64_t opset() const { return opset_; }
  void need_opset(int64_t version) { opset_ = std::max(opset_, version); }
  // The same for what values of this element type need.
  void need_type(DType type);

  // --- the node being written ---
  const Node& node() const { return *node_; }
  const TensorType& type(size_t input) const { return graph_.type(node_->inputs[input]); }
  const TensorType& output_type(size_t output = 0) const;
  bool has(size_t input) const { return input < node_->inputs.size() && node_->inputs[input]; }
  std::string input(size_t i) const { return has(i) ? graph_.value(node_->inputs[i]).name : ""; }
  std::vector<std::string> inputs() const;
  // The constant behind an operand; null where it is none.
  const Value* constant(size_t input) const;

  // Adds a node with one result of its own; returns the result's name. Trailing empty operands are
  // dropped.
  std::string emit(std::string_view op_type, std::vector<std::string> inputs);
  // The node added last, for its attributes.
  onnx::NodeProto& last() { return *last_; }
  void attr(std::string_view name, int64_t value);
  void attr(std::string_view name, double value);  // a FLOAT
  void attr(std::string_view name, std::string_view value);
  void attr(std::string_view name, const std::vector<int64_t>& values);

  // Initializers made on the way.
  std::string ints(const std::vector<int64_t>& values);
  std::string floats(const std::vector<double>& values);  // f32
  Result<std::string> values(DType type, const Dims& dims, std::span<const double> values);

  // The result called `value`, with the activation behind it, is output 0 of the node.
  Status finish(std::string value, const Activation& activation = {});
  // The results of the node added last are the outputs of the node, one to one. ONNX lets all but
  // the first `mandatory` be absent; these get a name even where nobody reads them.
  void finish_outputs(size_t mandatory);

 private:
  std::string fresh_name(std::string_view base);
  Status write_node(const Node& node);
  NodeMap<bool> nodes_that_only_pass_on() const;
  Result<std::string> activate(std::string value, const Activation& activation, DType type);

  const Graph& graph_;
  onnx::GraphProto& proto_;
  llvm::StringSet<> names_;       // of values
  llvm::StringSet<> node_names_;  // other runtimes want them unique too
  int64_t next_name_ = 0;
  int64_t opset_ = 18;
  const Node* node_ = nullptr;
  onnx::NodeProto* last_ = nullptr;
};

// Writes exporter.node(): its operator, whichever it is (export_ops.cc).
Status export_op(Exporter& exporter);
Status export_resize(Exporter& exporter, const Resize& op);
// The function of an element-wise operator: "Relu" with its attributes. Returns the result.
Result<std::string> export_unary(Exporter& exporter, const std::string& value, const Activation& fn,
                                 DType type);

}  // namespace memopt
