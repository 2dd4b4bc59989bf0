#include "passes/planning/states.h"

#include <algorithm>

#include "passes/planning/state_order.h"
#include "runtime/base/check.h"

namespace memopt {
namespace {

class Settler {
 public:
  Settler(Graph& graph, const NodeMap<KernelChoice>& kernels, const Target& target)
      : graph_(graph), kernels_(kernels), target_(target) {}

  bool run() {
    bool changed = copy_returned_states();
    for (size_t i = 0; i < graph_.states().size(); ++i) {
      if (can_be_written(i)) continue;
      add_update(i);
      changed = true;
    }
    MEMOPT_CHECK(sort_topologically(graph_, state_order(graph_).precedence).ok());
    return changed;
  }

 private:
  // What a state is when a run begins is no output: an output that it is becomes a copy.
  bool copy_returned_states() {
    bool changed = false;
    for (const State& state : graph_.states()) {
      for (size_t i = 0; i < graph_.outputs().size(); ++i) {
        if (graph_.outputs()[i] != state.before || i == state.output) continue;
        graph_.set_output(i, copy_of(state.before, graph_.output_name(i)));
        changed = true;
      }
    }
    return changed;
  }

  // Whether the node that makes the next value can write it over the old one. One that makes a view
  // of a state does not: the view is read like the state, whether it is one or not.
  bool can_be_written(size_t index) const {
    const State& state = graph_.states()[index];
    const ValueId next = next_value(graph_, state);
    const Value& value = graph_.value(next);
    const bool views_a_state = std::ranges::any_of(
        graph_.states(), [&](const State& viewed) { return may_view(next, viewed); });
    if (value.kind != ValueKind::kResult || value.type != graph_.type(state.before) ||
        std::ranges::count(graph_.outputs(), next) != 1 || views_a_state) {
      return false;
    }
    for (const ValueId view : possible_views(graph_, state.before)) {
      for (const Use& use : graph_.uses(view)) {
        if (use.node != value.producer) continue;
        if (view != state.before || !overwrites(use.node, use.operand, next)) return false;
      }
    }
    return has_order(index);
  }

  bool may_view(ValueId value, const State& state) const {
    const std::vector<ValueId> views = possible_views(graph_, state.before);
    return std::ranges::find(views, value) != views.end();
  }

  // The states up to this one can be overwritten behind all that read them.
  bool has_order(size_t index) const {
    Precedence precedence;
    for (const State& state : graph_.states().first(index + 1)) {
      const Precedence pairs = readers_first(graph_, state);
      precedence.insert(precedence.end(), pairs.begin(), pairs.end());
    }
    return topological_order(graph_, precedence).ok();
  }

  bool overwrites(NodeId writer, size_t operand, ValueId next) const {
    const KernelDef& kernel = *kernels_[writer].kernel;
    const Node& node = graph_.node(writer);
    const auto result = std::ranges::find(node.outputs, next) - node.outputs.begin();
    const NodeOperands operands = node_operands(graph_, writer);
    return kernel.in_place && kernel.in_place(operands.request(node.op, target_),
                                              static_cast<int>(operand), static_cast<int>(result));
  }

  // A copy of the next value becomes what the state takes. What may be a view of a state that has
  // to be overwritten first is copied to the arena before, so that states can take each other's
  // values.
  void add_update(size_t index) {
    const State state = graph_.states()[index];
    const ValueId next = next_value(graph_, state);
    const std::string name = graph_.output_name(state.output);
    const ValueId update = copy_of(next, name);
    graph_.set_type(update, graph_.type(state.before));  // where that is the same memory
    graph_.set_output(state.output, update);
    if (!may_view(next, state) && has_order(index)) return;
    const NodeId writer = graph_.value(update).producer;
    const ValueId kept = copy_of(next, name);
    graph_.move_last_before(writer);
    graph_.set_input(writer, 0, kept);
  }

  ValueId copy_of(ValueId value, const std::string& name) {
    return graph_.add_simple(Copy{}, {{value}}, graph_.type(value), name, "");
  }

  Graph& graph_;
  const NodeMap<KernelChoice>& kernels_;
  const Target& target_;
};

}  // namespace

ValueId old_value(const Graph& graph, ValueId next) {
  if (!graph.is_state(next)) return ValueId::none();
  const auto state = std::ranges::find_if(
      graph.states(), [&](const State& state) { return next_value(graph, state) == next; });
  return state != graph.states().end() ? state->before : ValueId::none();
}

bool settle_states(Graph& graph, const NodeMap<KernelChoice>& kernels, const Target& target) {
  return !graph.states().empty() && Settler(graph, kernels, target).run();
}

}  // namespace memopt
