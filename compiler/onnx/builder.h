// One graph under construction: emits operators, infers their types, and computes at once what is
// constant and small, because shapes depend on it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/onnx/import.h"
#include "compiler/onnx/tensor.h"
#include "llvm/ADT/StringSet.h"
#include "runtime/base/result.h"
#include "runtime/ops/op_def.h"

namespace memopt {

// What all graphs of one import share.
struct ImportState {
  const ImportOptions& options;
  TensorSource source;
  int64_t max_nodes = 0;
  int64_t nodes = 0;  // read so far; an inlined function counts at each call
};

class GraphBuilder {
 public:
  // `outer`: the builder of the graph whose node holds this one as a region; null at the top.
  GraphBuilder(ImportState& state, GraphBuilder* outer) : state_(state), outer_(outer) {}

  Graph& graph() { return graph_; }
  const Graph& graph() const { return graph_; }
  ImportState& state() { return state_; }
  Account& account() { return *state_.options.account; }
  Result<Reservation> reserve(int64_t bytes, std::string_view what) {
    return Reservation::make(state_.options.account, bytes, what);
  }
  GraphBuilder* outer() { return outer_; }

  // Keeps `name` for a value that comes later; false if it is taken.
  bool reserve_name(std::string_view name) { return names_.insert(name).second; }
  // A name that nothing has or reserved, made from `base`.
  std::string fresh_name(std::string_view base);

  ValueId add_constant(std::string_view base_name, const TensorType& type,
                       std::shared_ptr<const ConstantData> data);

  // Counts a node or value to come, with `name` and whatever hangs on it in a compile.
  Status charge_entry(std::string_view name);

  // The results of the operator: constants if all inputs are and the results are small, else
  // outputs of a new node. results[i] is none where it is neither wanted[i] nor required
  // (OpDef::required_results). `base_name` names the values.
  Result<std::vector<ValueId>> emit(Op op, std::span<const ValueId> inputs,
                                    std::span<const bool> wanted, std::string_view base_name,
                                    const std::string& node_name);

  // The value of this region that stands for `outer_value` of the graph around it: a constant that
  // shares its data, or an input of the region.
  ValueId capture(ValueId outer_value);
  // The values of the outer graph that are inputs of this one by capture(), in the order of these
  // inputs, which follow the region's own.
  std::span<const ValueId> captured() const { return captured_; }

  // Names of the graph inputs that a value depends on, at most `limit` of them.
  std::vector<std::string> origins(ValueId id, size_t limit) const;

 private:
  bool should_fold(const Op& op, std::span<const ValueId> inputs, InputTypes input_types,
                   std::span<const TensorType> types) const;
  Result<std::vector<ValueId>> fold(const Op& op, std::span<const ValueId> inputs,
                                    std::span<const TensorType> types, std::span<const bool> wanted,
                                    std::string_view base_name);

  ImportState& state_;
  GraphBuilder* outer_;
  Graph graph_;
  llvm::StringSet<> names_;
  std::map<std::string, int> next_suffix_;
  std::map<ValueId, ValueId> capture_of_;
  std::vector<ValueId> captured_;
};

}  // namespace memopt
