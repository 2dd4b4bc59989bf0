#include "passes/planning/states.h"

#include <algorithm>

#include "passes/planning/state_order.h"
#include "runtime/base/check.h"

namespace memopt {
namespace {

NodeId writer_of(const Graph& graph, const State& state) {
  return graph.value(next_value(graph, state)).producer;
}

class Settler {
 public:
  Settler(Graph& graph, const NodeMap<KernelChoice>& kernels, const Target& target)
      : graph_(graph), kernels_(kernels), target_(target) {}

  bool run() {
    bool changed = copy_returned_states();
    for (size_t i = 0; i < graph_.states().size(); ++i) {
      if (!can_be_written(graph_.states()[i])) {
        add_update(i);
        changed = true;
        later_.clear();
        for (size_t k = 0; k < i; ++k) add_precedence(graph_.states()[k]);
      }
      add_precedence(graph_.states()[i]);
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
  bool can_be_written(const State& state) const {
    const ValueId next = next_value(graph_, state);
    const Value& value = graph_.value(next);
    if (value.kind != ValueKind::kResult || value.type != graph_.type(state.before) ||
        std::ranges::count(graph_.outputs(), next) != 1 || !states_viewed_by(next).empty()) {
      return false;
    }
    const NodeId writer = value.producer;
    const std::vector<bool> behind = nodes_behind(graph_, writer, later_);
    for (const ValueId view : possible_views(graph_, state.before)) {
      for (const Use& use : graph_.uses(view)) {
        if (use.node == writer ? view != state.before || !overwrites(writer, use.operand, next)
                               : behind[use.node.index()]) {
          return false;
        }
      }
    }
    return true;
  }

  // The states that `value` may be a view of.
  std::vector<size_t> states_viewed_by(ValueId value) const {
    std::vector<size_t> states;
    for (size_t i = 0; i < graph_.states().size(); ++i) {
      const auto views = possible_views(graph_, graph_.states()[i].before);
      if (std::ranges::find(views, value) != views.end()) states.push_back(i);
    }
    return states;
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
    ValueId next = next_value(graph_, state);
    const std::string name = graph_.output_name(state.output);
    if (is_overwritten_before(next, index)) next = copy_of(next, name);
    const ValueId update = copy_of(next, name);
    graph_.set_type(update, graph_.type(state.before));  // where that is the same memory
    graph_.set_output(state.output, update);
  }

  // `next` may be a view of a state whose writer must run before state `index` is written.
  bool is_overwritten_before(ValueId next, size_t index) const {
    const auto readers = possible_readers(graph_, graph_.states()[index].before);
    return std::ranges::any_of(states_viewed_by(next), [&](size_t viewed) {
      if (viewed == index) return true;
      if (viewed > index) return false;  // not settled yet
      const std::vector<bool> behind =
          nodes_behind(graph_, writer_of(graph_, graph_.states()[viewed]), later_);
      return std::ranges::any_of(readers, [&](NodeId id) { return behind[id.index()]; });
    });
  }

  ValueId copy_of(ValueId value, const std::string& name) {
    return graph_.add_simple(Copy{}, {{value}}, graph_.type(value), name, "");
  }

  void add_precedence(const State& state) {
    later_.resize(graph_.node_count());
    const NodeId writer = writer_of(graph_, state);
    for (const NodeId reader : possible_readers(graph_, state.before)) {
      if (reader != writer) later_[reader.index()].push_back(writer);
    }
  }

  Graph& graph_;
  const NodeMap<KernelChoice>& kernels_;
  const Target& target_;
  // Per node: those that must run later because they overwrite a settled state that it reads.
  std::vector<std::vector<NodeId>> later_;
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
