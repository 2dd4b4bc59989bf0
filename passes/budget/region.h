// Estimates of what tiling a region would bring: the bytes live while its bands run, and the time
// that the overlap of the bands adds.
#pragma once

#include <optional>
#include <vector>

#include "passes/budget/neighbourhood.h"

namespace memopt {

// A region grown backward from its output: the nodes between `inputs` and `output`.
struct Region {
  ValueId output;
  std::vector<ValueId> inputs;
  std::vector<NodeId> nodes;  // in the order of the graph
};

struct RegionEstimate {
  int64_t outside_bytes = 0;  // inputs, output, and what lives on beside the region
  int64_t inside_bytes = 0;   // largest sum of a band's own values
  double extra_ns = 0;        // time added
  int64_t peak_bytes() const { return outside_bytes + inside_bytes; }
};

// Bytes of the inputs and the output, and of values that live while the region runs as one block in
// the place of its last node.
int64_t outside_bytes(const Neighbourhood& around, const Region& region);

// How a region may be cut.
struct Cut {
  int64_t axis = 2;
  int64_t bands = 2;
  Overlap overlap = Overlap::kRecompute;
};

// `outside_bytes` is what the function above gives. Nullopt where an operator of the region cannot
// be split along the axis, or the axis has fewer than `bands` rows.
std::optional<RegionEstimate> estimate_region(const Neighbourhood& around, const Region& region,
                                              int64_t outside_bytes, const Cut& cut);

}  // namespace memopt
