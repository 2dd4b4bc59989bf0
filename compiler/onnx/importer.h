// Walks the nodes of ONNX graphs, subgraphs and local functions in an order in which definitions
// precede uses, and maps each to operators.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/onnx/scope.h"
#include "onnx_schema/onnx-ml.pb.h"
#include "runtime/base/result.h"

namespace memopt {

using NodeList = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
using OpsetVersions = std::map<std::string, int64_t>;  // by domain; "" is ai.onnx

inline std::string canonical_domain(const std::string& domain) {
  return domain == "ai.onnx" ? "" : domain;
}

struct LocalFunction {
  const onnx::FunctionProto* proto = nullptr;
  OpsetVersions opsets;
};

// The model's own functions, which take precedence over operators.
class FunctionTable {
 public:
  Status add(const onnx::FunctionProto& function, const OpsetVersions& model_opsets);
  const LocalFunction* find(const onnx::NodeProto& node) const;  // null: the node is no call

 private:
  std::map<std::string, LocalFunction> functions_;
};

class Importer {
 public:
  explicit Importer(const FunctionTable& functions) : functions_(functions) {}

  // Makes the names of a graph known to its scope: initializers and what is read. Its inputs are
  // the caller's matter.
  Status enter(Scope& scope, const onnx::GraphProto& graph);

  // Maps all nodes; their outputs are in scope.values afterwards.
  Status import_nodes(Scope& scope, const NodeList& nodes);

  // The values of the named outputs, where nothing is an output of the graph that is not the result
  // of a node: inputs, constants and second names go through Identity.
  Status add_outputs(Scope& scope, const std::vector<std::string>& names);

  // A branch whose condition is known: its nodes become part of the graph around it. Returns its
  // outputs.
  Result<std::vector<ValueId>> inline_subgraph(Scope& outer, const onnx::GraphProto& graph);

  // A subgraph as a region of its own: `own_inputs` are the types of its declared inputs. What else
  // it reads from outside becomes inputs behind them (region.captured()).
  Status import_region(Scope& outer, const onnx::GraphProto& graph,
                       const std::vector<TensorType>& own_inputs, GraphBuilder& region);

  const FunctionTable& functions() const { return functions_; }

 private:
  // The work of reading nodes: in proportion to their bytes in the file, at every call of a
  // function.
  Status charge_nodes(Scope& scope, const NodeList& nodes);
  Status import_node(Scope& scope, const onnx::NodeProto& node, const std::string& name);
  Status map_node(Scope& scope, const onnx::NodeProto& node, const std::string& name);
  Status inline_call(Scope& scope, const onnx::NodeProto& node, const std::string& name,
                     const LocalFunction& function);
  Result<std::vector<ValueId>> inputs_of(Scope& scope, const onnx::NodeProto& node);

  const FunctionTable& functions_;
  std::vector<const LocalFunction*> active_calls_;
};

// The indices of `nodes` in an order in which definitions precede uses, as near to the file's as
// can be. Errors: a name defined twice, a cycle.
Result<std::vector<int>> definition_order(const NodeList& nodes);

// Names that the node reads, also inside its subgraphs.
std::vector<std::string> names_read(const onnx::NodeProto& node);

// The node's own name, or its operator and position in the graph.
std::string node_label(const onnx::NodeProto& node, int index);

}  // namespace memopt
