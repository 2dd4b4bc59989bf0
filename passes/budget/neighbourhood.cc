#include "passes/budget/neighbourhood.h"

#include <algorithm>
#include <map>

#include "passes/planning/storage.h"
#include "runtime/base/checked.h"
#include "runtime/kernels/kernel.h"

namespace memopt {
namespace {

// What a candidate knows of a value, by name.
struct Known {
  int64_t position = 0;  // of the producer in the lowered order
  ValueId root;
  int64_t root_bytes = 0;
  KernelRate rate;
};

std::map<std::string, Known, std::less<>> known_values(const Candidate& like,
                                                       const CostModel& costs) {
  const Graph& graph = like.lowered.graph;
  const auto& placement = like.lowered.buffers.assignment.aliases.placement;
  std::map<std::string, Known, std::less<>> known;
  for (const ValueId input : graph.inputs()) {
    known[graph.value(input).name] = {.position = -1,
                                      .root = placement[input].root,
                                      .root_bytes = graph.type(placement[input].root).bytes(),
                                      .rate = {}};
  }
  int64_t position = 0;
  for (const NodeId id : graph.order()) {
    for (const ValueId output : graph.node(id).outputs) {
      if (!output) continue;
      const ValueId root = placement[output].root;
      const bool is_constant = graph.value(root).kind == ValueKind::kConstant;
      const bool elided = like.lowered.buffers.assignment.aliases.elided[id];
      known[graph.value(output).name] = {
          .position = position,
          .root = root,
          .root_bytes = is_constant ? 0 : graph.type(root).bytes(),
          .rate = elided ? KernelRate{} : costs.rate(like.lowered.kernels[id].kernel->name)};
    }
    ++position;
  }
  return known;
}

// The planned order where it is known; other nodes stay behind their predecessors.
void reorder(Graph& graph, const std::map<std::string, Known, std::less<>>& known) {
  std::vector<std::pair<int64_t, NodeId>> keyed;
  int64_t last = -1;
  for (const NodeId id : graph.order()) {
    for (const ValueId output : graph.node(id).outputs) {
      if (!output) continue;
      if (const auto found = known.find(graph.value(output).name); found != known.end()) {
        last = found->second.position;
        break;
      }
    }
    keyed.emplace_back(last, id);
  }
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<NodeId> order;
  order.reserve(keyed.size());
  for (const auto& [position, id] : keyed) order.push_back(id);
  graph.set_order(std::move(order));
  MEMOPT_CHECK(sort_topologically(graph).ok());
}

}  // namespace

Neighbourhood make_neighbourhood(const MovedGraph& moved, size_t base_nodes, const Candidate& like,
                                 const Candidate& unbudgeted, bool io_in_arena,
                                 const CostModel& costs) {
  const auto known = known_values(like, costs);
  const auto known_at_first = known_values(unbudgeted, costs);
  Graph graph = moved.graph;
  reorder(graph, known);
  Neighbourhood result{.graph = std::move(graph),
                       .base_nodes = base_nodes,
                       .position = NodeMap<int64_t>(moved.graph, -1),
                       .rate = NodeMap<KernelRate>(moved.graph, costs.other),
                       .copy_rate = costs.rate(kernels_for(kOpKind<Copy>).front()->name),
                       .values = {},
                       .bytes = ValueMap<int64_t>(moved.graph, 0),
                       .group = ValueMap<uint32_t>(moved.graph, 0),
                       .begin = ValueMap<int64_t>(moved.graph, -1),
                       .end = ValueMap<int64_t>(moved.graph, -1)};
  const Graph& g = result.graph;
  int64_t position = 0;
  for (const NodeId id : g.order()) result.position[id] = position++;
  std::map<ValueId, uint32_t> group_of_root;
  uint32_t next_group = 0;
  for (const ValueId id : live_values(g)) {
    const Value& value = g.value(id);
    if (value.kind == ValueKind::kConstant) continue;
    result.values.push_back(id);
    const auto found = known.find(value.name);
    int64_t bytes = value.type.bytes();
    if (found == known.end()) {
      result.group[id] = next_group++;
      const auto first = known_at_first.find(value.name);
      if (first != known_at_first.end() && value.kind == ValueKind::kResult) {
        result.rate[value.producer] = first->second.rate;
      }
    } else {
      const auto [entry, is_new] = group_of_root.emplace(found->second.root, next_group);
      if (is_new) ++next_group;
      result.group[id] = entry->second;
      bytes = found->second.root_bytes;
      if (value.kind == ValueKind::kResult) result.rate[value.producer] = found->second.rate;
    }
    const bool in_arena = storage_of(g, io_in_arena, id) == Storage::kArena;
    result.bytes[id] = in_arena ? align_up(bytes, kArenaAlignment) : 0;
    if (value.kind == ValueKind::kResult) result.begin[id] = result.position[value.producer];
    for (const Use& use : g.uses(id)) {
      result.end[id] = std::max(result.end[id], result.position[use.node]);
    }
    if (g.is_output(id)) result.end[id] = Neighbourhood::kForever;
  }
  return result;
}

}  // namespace memopt
