#include <map>
#include <string>

#include "compiler/ir/builder.h"
#include "passes/transform/transforms.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

bool is_half(const TensorType& type) {
  return type.dtype == DType::kF16 || type.dtype == DType::kBF16;
}

TensorType with_dtype(TensorType type, DType dtype) {
  type.dtype = dtype;
  return type;
}

class Widening {
 public:
  explicit Widening(Graph& graph) : graph_(graph) {}

  Result<bool> run() {
    const std::vector<NodeId> order(graph_.order().begin(), graph_.order().end());
    std::vector<TensorType> declared;
    for (const ValueId output : graph_.outputs()) declared.push_back(graph_.type(output));
    for (const NodeId id : order) MEMOPT_RETURN_IF_ERROR(visit(id));
    for (size_t i = 0; i < declared.size(); ++i) narrow_output(i, declared[i]);
    return changed_;
  }

 private:
  Status visit(NodeId id) {
    if (!graph_.node(id).regions.empty()) return {};
    bool widened = false;
    for (size_t i = 0; i < graph_.node(id).inputs.size(); ++i) {
      const ValueId input = graph_.node(id).inputs[i];
      if (!input || !is_half(graph_.type(input))) continue;
      graph_.set_input(id, i, widen(input, id));
      widened = true;
    }
    MEMOPT_ASSIGN_OR_RETURN(const auto results,
                            infer_results(graph_, graph_.node(id).op, graph_.node(id).inputs));
    for (size_t i = 0; i < graph_.node(id).outputs.size(); ++i) {
      if (graph_.node(id).outputs[i]) graph_.set_type(graph_.node(id).outputs[i], results[i]);
    }
    changed_ = changed_ || widened;
    return {};
  }

  ValueId widen(ValueId half, NodeId before) {
    const auto [entry, inserted] = wide_.try_emplace(half);
    if (inserted) {
      entry->second = graph_.add_simple(Cast{.to = DType::kF32}, {{half}},
                                        with_dtype(graph_.type(half), DType::kF32),
                                        graph_.value(half).name + "_f32", "");
      graph_.move_last_before(before);
    }
    return entry->second;
  }

  // The signature keeps its types.
  void narrow_output(size_t index, const TensorType& declared) {
    const ValueId output = graph_.outputs()[index];
    if (graph_.type(output) == declared) return;
    const std::string name = graph_.value(output).name;
    const ValueId narrow =
        graph_.add_simple(Cast{.to = declared.dtype}, {{output}}, declared, name, "");
    graph_.rename(output, graph_.unique_name(name + "_f32"));
    graph_.rename(narrow, name);
    for (size_t j = index; graph_.is_output(output); ++j) {
      if (graph_.outputs()[j] == output) graph_.set_output(j, narrow);
    }
  }

  Graph& graph_;
  std::map<ValueId, ValueId> wide_;
  bool changed_ = false;
};

}  // namespace

Result<bool> widen_half(Graph& graph, const PassOptions&) { return Widening(graph).run(); }

}  // namespace memopt
