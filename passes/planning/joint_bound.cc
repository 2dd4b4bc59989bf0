#include <algorithm>
#include <map>
#include <numeric>

#include "passes/planning/joint.h"
#include "passes/planning/storage.h"
#include "passes/planning/view_strides.h"
#include "runtime/base/checked.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

// Values that some choice of aliases puts into one storage are in one group.
class Groups {
 public:
  Groups(const Graph& graph, const BufferOptions& options)
      : graph_(graph), parent_(graph), outside_(graph, false) {
    for (const ValueId id : live_values(graph)) parent_[id] = id;
    for (const NodeId id : graph.order()) join_node(graph.node(id));
    for (const ValueId id : live_values(graph)) {
      if (storage_of(graph, options.io_in_arena, id) != Storage::kArena) {
        outside_[group_of(id)] = true;
      }
    }
  }

  ValueId group_of(ValueId id) {
    while (parent_[id] != id) id = parent_[id] = parent_[parent_[id]];
    return id;
  }
  // Its values may lie in the memory of the caller or of the plan.
  bool may_be_outside(ValueId group) const { return outside_[group]; }

 private:
  void join_node(const Node& node) {
    if (!moves_bytes_only(node)) return;
    for (const ValueId output : node.outputs) {
      if (!output) continue;  // a part that nobody reads
      for (const ValueId input : node.inputs) {
        // A constant is no part of a destination.
        if (op_def(node.op).destination && graph_.value(input).kind == ValueKind::kConstant)
          continue;
        parent_[group_of(output)] = group_of(input);
      }
    }
  }

  const Graph& graph_;
  ValueMap<ValueId> parent_;
  ValueMap<bool> outside_;
};

}  // namespace

bool moves_bytes_only(const Node& node) {
  const OpDef& def = op_def(node.op);
  return moves_whole(node) || def.view || def.destination;
}

int64_t shared_working_set_bound(const Graph& graph, const NodeMap<KernelChoice>& kernels,
                                 const BufferOptions& options) {
  Groups groups(graph, options);
  int64_t bound = 0;
  for (const ValueId input : graph.inputs()) {
    if (storage_of(graph, options.io_in_arena, input) != Storage::kArena) continue;
    bound += align_up(graph.type(input).bytes(), kArenaAlignment);
  }
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (moves_bytes_only(node)) continue;  // may not run at all
    std::map<ValueId, int64_t> largest;    // per group
    const auto add = [&](ValueId value) {
      if (!value) return;
      const ValueId group = groups.group_of(value);
      if (groups.may_be_outside(group)) return;
      largest[group] =
          std::max(largest[group], align_up(graph.type(value).bytes(), kArenaAlignment));
    };
    for (const ValueId input : node.inputs) add(input);
    for (const ValueId output : node.outputs) {
      const bool may_overwrite =
          options.in_place && kernels[id].kernel->in_place && output &&
          std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
            return input && graph.type(input).bytes() == graph.type(output).bytes();
          });
      if (!may_overwrite) add(output);
    }
    int64_t bytes = align_up(kernels[id].needs.scratch_bytes, kArenaAlignment);
    for (const auto& [group, group_bytes] : largest) bytes += group_bytes;
    bound = std::max(bound, bytes);
  }
  return bound;
}

}  // namespace memopt
