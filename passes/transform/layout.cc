
#include <algorithm>
#include <map>

#include "compiler/ops/evaluate.h"
#include "passes/transform/transforms.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

constexpr int kMinChannelsLastRank = 3;

bool is_channels_last(const TensorType& type) {
  return type.layout == Layout::kChannelsLast &&
         !same_memory(type.dims, Layout::kChannelsLast, Layout::kRowMajor);
}

// The layout in which a permutation of `in` is the same bytes as `in`; row-major if there is none.
Layout view_layout(const TensorType& in, std::span<const int64_t> permutation, const Dims& out) {
  const Dims strides = dense_strides(in.dims, in.layout);
  Dims permuted;
  for (const int64_t axis : permutation) permuted.push_back(strides[static_cast<int>(axis)]);
  if (is_dense(out, permuted, Layout::kRowMajor) || out.rank() < kMinChannelsLastRank) {
    return Layout::kRowMajor;
  }
  return is_dense(out, permuted, Layout::kChannelsLast) ? Layout::kChannelsLast : Layout::kRowMajor;
}

class LayoutPass {
 public:
  explicit LayoutPass(Graph& graph) : graph_(graph) {}

  bool run() {
    visit_all();
    return_outputs();
    return changed_;
  }

  void visit_all() {
    const std::vector<NodeId> order(graph_.order().begin(), graph_.order().end());
    for (const NodeId id : order) visit(id);
  }

 private:
  int full_rank(const Node& node) const {
    int rank = 0;
    for (const ValueId input : node.inputs) {
      if (input) rank = std::max(rank, graph_.type(input).dims.rank());
    }
    for (const ValueId output : node.outputs) {
      if (output) rank = std::max(rank, graph_.type(output).dims.rank());
    }
    return rank;
  }

  // The one layout of a node's operands and results of rank `full`.
  Layout choose(const Node& node, int full) const {
    const OpDef& def = op_def(node.op);
    switch (def.layout) {
      case LayoutRule::kRowMajor:
      case LayoutRule::kAny:
        return Layout::kRowMajor;
      case LayoutRule::kPrefersNhwc:
        return graph_.type(node.inputs[0]).dims.rank() >= kMinChannelsLastRank
                   ? Layout::kChannelsLast
                   : Layout::kRowMajor;
      case LayoutRule::kFollows:
        for (const ValueId input : node.inputs) {
          if (input && !graph_.is_constant(input) && graph_.type(input).dims.rank() == full &&
              is_channels_last(graph_.type(input))) {
            return Layout::kChannelsLast;
          }
        }
        return Layout::kRowMajor;
    }
    return Layout::kRowMajor;
  }

  // Whether operand `i` must be in the layout of the node (as opposed to weights, scales, shapes of
  // lower rank).
  bool takes_node_layout(const Node& node, int full, size_t i) const {
    const TensorType& type = graph_.type(node.inputs[i]);
    if (op_def(node.op).layout != LayoutRule::kPrefersNhwc) {
      return type.dims.rank() == full;
    }
    return i == 0 || (i >= 3 && node.outputs[0] && type.dims == graph_.type(node.outputs[0]).dims);
  }

  void visit(NodeId id) {
    const Node node = graph_.node(id);
    if (op_def(node.op).layout == LayoutRule::kAny) return visit_any(node);
    const int full = full_rank(node);
    const Layout wanted = choose(node, full);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.inputs[i]) continue;
      if (wanted == Layout::kRowMajor) {
        use_in(id, i, Layout::kRowMajor);
      } else if (takes_node_layout(node, full, i)) {
        use_in(id, i, wanted);
      }
    }
    for (const ValueId output : node.outputs) {
      if (output)
        set_layout(output, graph_.type(output).dims.rank() == full ? wanted : Layout::kRowMajor);
    }
  }

  // Input 0 and result 0 may differ: the result is a view of the input where it can be.
  void visit_any(const Node& node) {
    const TensorType in = graph_.type(node.inputs[0]);
    const auto permutation = op_def(node.op).permutation;
    const Dims& dims = graph_.type(node.outputs[0]).dims;
    set_layout(node.outputs[0],
               permutation ? view_layout(in, permutation(node.op), dims) : in.layout);
  }

  void set_layout(ValueId id, Layout layout) {
    TensorType type = graph_.type(id);
    if (type.dims.rank() < kMinChannelsLastRank) layout = Layout::kRowMajor;
    if (type.layout == layout) return;
    type.layout = layout;
    graph_.set_type(id, type);
    changed_ = true;
  }

  void use_in(NodeId id, size_t operand, Layout wanted) {
    const ValueId value = graph_.node(id).inputs[operand];
    const TensorType type = graph_.type(value);
    if (same_memory(type.dims, type.layout, wanted)) return;
    graph_.set_input(id, operand, reordered(value, wanted, id));
  }

  // `value` in layout `wanted`, computed before node `before`.
  ValueId reordered(ValueId value, Layout wanted, NodeId before) {
    const auto [entry, inserted] = reordered_.try_emplace({value, wanted});
    if (inserted) {
      TensorType type = graph_.type(value);
      type.layout = wanted;
      entry->second =
          graph_.add_simple(Reorder{wanted}, {{value}}, type,
                            graph_.value(value).name + '_' + std::string(layout_name(wanted)), "");
      graph_.move_last_before(before);
      changed_ = true;
    }
    return entry->second;
  }

  // The signature keeps ONNX's meaning: outputs are row-major. What a state becomes lies as it
  // does.
  void return_outputs() {
    std::vector<Layout> wanted(graph_.outputs().size(), Layout::kRowMajor);
    for (const State& state : graph_.states()) {
      wanted[state.output] = graph_.type(state.before).layout;
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      const ValueId output = graph_.outputs()[i];
      const Value value = graph_.value(output);
      if (same_memory(value.type.dims, value.type.layout, wanted[i])) {
        set_layout(output, wanted[i]);
        continue;
      }
      TensorType type = value.type;
      type.layout = wanted[i];
      const ValueId result =
          graph_.add_simple(Reorder{wanted[i]}, {{output}}, type, value.name, "");
      graph_.rename(output, graph_.unique_name(value.name + '_' +
                                               std::string(layout_name(value.type.layout))));
      graph_.rename(result, value.name);
      for (size_t j = i; j < wanted.size() && graph_.is_output(output); ++j) {
        if (graph_.outputs()[j] == output && wanted[j] == wanted[i]) graph_.set_output(j, result);
      }
    }
  }

  Graph& graph_;
  std::map<std::pair<ValueId, Layout>, ValueId> reordered_;
  bool changed_ = false;
};

// A state lies in the layout that its next value is made in, so that neither is reordered.
Result<bool> lay_out_states(Graph& graph, const std::shared_ptr<Account>& account) {
  if (graph.states().empty()) return false;
  Graph trial = graph;
  LayoutPass(trial).visit_all();
  bool changed = false;
  for (size_t i = 0; i < graph.states().size(); ++i) {
    const State state = graph.states()[i];
    const TensorType type = graph.type(state.before);
    TensorType wanted = type;
    wanted.layout = trial.type(trial.outputs()[state.output]).layout;
    if (wanted == type || same_memory(type.dims, type.layout, wanted.layout)) continue;
    if (state.initial) {
      const ConstantOperand initial{.type = &type, .bytes = state.initial->bytes()};
      const TensorType* const results[] = {&wanted};
      MEMOPT_ASSIGN_OR_RETURN(const auto reordered,
                              evaluate(Reorder{wanted.layout}, {&initial, 1}, results, account));
      graph.set_initial(i, reordered[0]);
    }
    graph.set_type(state.before, wanted);
    changed = true;
  }
  return changed;
}

}  // namespace

Result<bool> layout(Graph& graph, const PassOptions& options) {
  MEMOPT_ASSIGN_OR_RETURN(const bool states_changed, lay_out_states(graph, options.account));
  return LayoutPass(graph).run() || states_changed;
}

}  // namespace memopt
