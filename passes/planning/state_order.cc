#include "passes/planning/state_order.h"

#include <algorithm>
#include <optional>

#include "compiler/ir/builder.h"
#include "passes/planning/view_strides.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

// A box of a state, in its coordinates.
struct Region {
  Dims starts, dims;
  // Whether a value there has these dimensions, so that boxes of it are boxes of the state.
  bool is_box = true;

  bool overlaps(const Region& other) const {
    for (int i = 0; i < dims.rank(); ++i) {
      if (starts[i] >= other.starts[i] + other.dims[i] || other.starts[i] >= starts[i] + dims[i]) {
        return false;
      }
    }
    return true;
  }
  // Where a box of the value is; all of the region where that is not known.
  Region part(const Box& box, const Dims& dims_of_part) const {
    if (!is_box) return *this;
    Region result{.starts = box.starts, .dims = dims_of_part};
    for (int i = 0; i < starts.rank(); ++i) result.starts[i] += starts[i];
    return result;
  }
  // Of the same elements under other dimensions.
  Region reshaped() const { return {.starts = starts, .dims = dims, .is_box = false}; }
};

Region all_of(const Graph& graph, ValueId state) {
  const Dims& dims = graph.type(state).dims;
  return {.starts = Dims::filled(dims.rank(), 0), .dims = dims};
}

// Calls visit(value, region) for `before` and all that may be a view of it.
template <typename F>
void for_each_view(const Graph& graph, ValueId before, F&& visit) {
  std::vector<std::pair<ValueId, Region>> views = {{before, all_of(graph, before)}};
  for (size_t next = 0; next < views.size(); ++next) {
    const auto [value, region] = views[next];
    visit(value, region);
    for (const Use& use : graph.uses(value)) {
      const Node& node = graph.node(use.node);
      if (use.operand != 0) continue;
      const bool whole = moves_whole(node);
      const OpDef& def = op_def(node.op);
      for (size_t i = 0; (whole || def.view) && i < node.outputs.size(); ++i) {
        if (!node.outputs[i]) continue;
        Region there = region.reshaped();
        if (!whole) {
          const auto box = def.view(node.op, types_of(graph, node.inputs), static_cast<int>(i));
          if (box) there = region.part(*box, graph.type(node.outputs[i]).dims);
        }
        views.emplace_back(node.outputs[i], there);
      }
    }
  }
}

struct Access {
  NodeId node;
  Region region;
};

std::vector<Access> reads_of(const Graph& graph, ValueId before) {
  std::vector<Access> reads;
  for_each_view(graph, before, [&](ValueId value, const Region& region) {
    for (const Use& use : graph.uses(value)) reads.push_back({use.node, region});
  });
  return reads;
}

// The nodes that would write the parts of `value`, which lies at `region`, if all that joins,
// reshapes or transposes on the way moved nothing: the first that there could be. False where a
// part is no node's.
bool add_writers(const Graph& graph, ValueId value, const Region& region,
                 std::vector<Access>& writers) {
  if (graph.value(value).kind != ValueKind::kResult) return false;
  const NodeId id = graph.value(value).producer;
  const Node& node = graph.node(id);
  const OpDef& def = op_def(node.op);
  if (moves_whole(node) && graph.has_single_use(value) &&
      graph.value(node.inputs[0]).kind == ValueKind::kResult) {
    return add_writers(graph, node.inputs[0], region.reshaped(), writers);
  }
  if (!def.destination) {
    writers.push_back({id, region});
    return true;
  }
  const auto types = types_of(graph, node.inputs);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const auto box = def.destination(node.op, types, static_cast<int>(i));
    if (!box) return false;
    const Region part = region.part(*box, graph.type(node.inputs[i]).dims);
    if (!add_writers(graph, node.inputs[i], part, writers)) return false;
  }
  return true;
}

class OrderFinder {
 public:
  explicit OrderFinder(const Graph& graph) : graph_(graph), later_(graph.node_count()) {}

  StateOrder run() {
    for (const State& state : graph_.states()) {
      const NodeId writer = graph_.value(next_value(graph_, state)).producer;
      for (const NodeId reader : possible_readers(graph_, state.before)) {
        if (reader != writer) add(reader, writer);
      }
    }
    for (const State& state : graph_.states()) {
      const NodeId writer = graph_.value(next_value(graph_, state)).producer;
      if (op_def(graph_.node(writer).op).destination) try_parts(state, writer);
    }
    Precedence& pairs = order_.precedence;
    std::sort(pairs.begin(), pairs.end());
    pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
    std::sort(order_.in_parts.begin(), order_.in_parts.end());
    return std::move(order_);
  }

 private:
  void add(NodeId first, NodeId second) {
    order_.precedence.emplace_back(first, second);
    later_[first.index()].push_back(second);
  }

  void try_parts(const State& state, NodeId concat) {
    std::vector<Access> writers;
    if (!add_writers(graph_, next_value(graph_, state), all_of(graph_, state.before), writers)) {
      return;
    }
    const std::vector<Access> reads = reads_of(graph_, state.before);
    Precedence pairs;
    for (const Access& write : writers) {
      const std::vector<bool> behind = nodes_behind(graph_, write.node, later_);
      for (const Access& read : reads) {
        if (!read.region.overlaps(write.region)) continue;
        if (behind[read.node.index()]) return;
        pairs.emplace_back(read.node, write.node);
      }
    }
    // Each alone is in no cycle; together they may be.
    const auto before = later_;
    const size_t count = order_.precedence.size();
    for (const auto& [first, second] : pairs) add(first, second);
    if (has_cycle()) {
      order_.precedence.resize(count);
      later_ = before;
      return;
    }
    order_.in_parts.push_back(concat);
  }

  bool has_cycle() const {
    std::vector<size_t> missing(graph_.node_count(), 0);
    const auto for_each_later = [&](NodeId id, auto&& visit) {
      for (const ValueId output : graph_.node(id).outputs) {
        if (!output) continue;
        for (const Use& use : graph_.uses(output)) visit(use.node);
      }
      for (const NodeId other : later_[id.index()]) visit(other);
    };
    for (const NodeId id : graph_.order()) {
      for_each_later(id, [&](NodeId other) { ++missing[other.index()]; });
    }
    std::vector<NodeId> done;
    for (const NodeId id : graph_.order()) {
      if (missing[id.index()] == 0) done.push_back(id);
    }
    for (size_t next = 0; next < done.size(); ++next) {
      for_each_later(done[next], [&](NodeId other) {
        if (--missing[other.index()] == 0) done.push_back(other);
      });
    }
    return done.size() < graph_.order().size();
  }

  const Graph& graph_;
  std::vector<std::vector<NodeId>> later_;
  StateOrder order_;
};

}  // namespace

std::vector<ValueId> possible_views(const Graph& graph, ValueId before) {
  std::vector<ValueId> views;
  for_each_view(graph, before, [&](ValueId value, const Region&) { views.push_back(value); });
  return views;
}

std::vector<NodeId> possible_readers(const Graph& graph, ValueId before) {
  std::vector<NodeId> readers;
  for (const Access& read : reads_of(graph, before)) readers.push_back(read.node);
  return readers;
}

ValueId next_value(const Graph& graph, const State& state) { return graph.outputs()[state.output]; }

std::vector<bool> nodes_behind(const Graph& graph, NodeId id,
                               const std::vector<std::vector<NodeId>>& later) {
  std::vector<bool> behind(graph.node_count(), false);
  std::vector<NodeId> reached;
  const auto reach = [&](NodeId next) {
    if (!behind[next.index()]) reached.push_back(next);
    behind[next.index()] = true;
  };
  reach(id);
  for (size_t next = 0; next < reached.size(); ++next) {
    const NodeId at = reached[next];
    for (const ValueId output : graph.node(at).outputs) {
      if (!output) continue;
      for (const Use& use : graph.uses(output)) reach(use.node);
    }
    if (at.index() >= later.size()) continue;
    for (const NodeId other : later[at.index()]) reach(other);
  }
  return behind;
}

StateOrder state_order(const Graph& graph) {
  return graph.states().empty() ? StateOrder() : OrderFinder(graph).run();
}

}  // namespace memopt
