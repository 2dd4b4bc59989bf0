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

void append(Precedence& all, const Precedence& more) {
  all.insert(all.end(), more.begin(), more.end());
}

NodeId writer_of(const Graph& graph, const State& state) {
  return graph.value(next_value(graph, state)).producer;
}

// Every part of the state is read before it is written; nullopt where parts cannot be written. Who
// reads what it writes itself waits for itself: a cycle.
std::optional<Precedence> part_readers_first(const Graph& graph, const State& state) {
  std::vector<Access> writers;
  if (!add_writers(graph, next_value(graph, state), all_of(graph, state.before), writers)) {
    return std::nullopt;
  }
  const std::vector<Access> reads = reads_of(graph, state.before);
  Precedence pairs;
  for (const Access& write : writers) {
    for (const Access& read : reads) {
      if (read.region.overlaps(write.region)) pairs.emplace_back(read.node, write.node);
    }
  }
  return pairs;
}

}  // namespace

std::vector<ValueId> possible_views(const Graph& graph, ValueId before) {
  std::vector<ValueId> views;
  for_each_view(graph, before, [&](ValueId value, const Region&) { views.push_back(value); });
  return views;
}

ValueId next_value(const Graph& graph, const State& state) { return graph.outputs()[state.output]; }

Precedence readers_first(const Graph& graph, const State& state) {
  const NodeId writer = writer_of(graph, state);
  Precedence pairs;
  for (const Access& read : reads_of(graph, state.before)) {
    if (read.node != writer) pairs.emplace_back(read.node, writer);
  }
  return pairs;
}

StateOrder state_order(const Graph& graph) {
  StateOrder order;
  Precedence& all = order.precedence;
  for (const State& state : graph.states()) append(all, readers_first(graph, state));
  for (const State& state : graph.states()) {
    const NodeId writer = writer_of(graph, state);
    if (!op_def(graph.node(writer).op).destination) continue;
    const auto pairs = part_readers_first(graph, state);
    if (!pairs) continue;
    const size_t count = all.size();
    append(all, *pairs);
    if (topological_order(graph, all).ok()) {
      order.in_parts.push_back(writer);
    } else {
      all.resize(count);
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::sort(order.in_parts.begin(), order.in_parts.end());
  return order;
}

}  // namespace memopt
