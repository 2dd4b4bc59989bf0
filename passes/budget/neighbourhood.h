// What is around the peak of a candidate, in terms of its moved graph put in the planned order:
// when values live, which of them share bytes, what each node costs. Estimates build on it; whether
// they were right is seen when a candidate is lowered.
#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "passes/budget/candidate.h"

namespace memopt {

struct Neighbourhood {
  Graph graph;
  size_t base_nodes = 0;      // nodes with smaller ids are the base's: moves may take them
  NodeMap<int64_t> position;  // in the planned order; -1 for nodes that are gone
  NodeMap<KernelRate> rate;
  KernelRate copy_rate;
  std::vector<ValueId> values;  // all but the constants
  ValueMap<int64_t> bytes;      // of the storage that the value lies in; 0 outside the arena
  ValueMap<uint32_t> group;     // values of one storage have one group
  ValueMap<int64_t> begin;      // position of the producer; -1 for inputs
  ValueMap<int64_t> end;        // of the last use; kForever for outputs
  static constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

  bool is_base_node(NodeId id) const { return id.index() < base_nodes && position[id] >= 0; }
};

// Of `moved`, whose order, aliases and kernels are those of `like`, a candidate with the same moves
// or with one more; nodes that are not there have the kernels of `unbudgeted`.
Neighbourhood make_neighbourhood(const MovedGraph& moved, size_t base_nodes, const Candidate& like,
                                 const Candidate& unbudgeted, bool io_in_arena,
                                 const CostModel& costs);

}  // namespace memopt
