// Random networks for differential tests.
#pragma once

#include <cstdint>

#include "compiler/ir/graph.h"

namespace memopt {

// A row-major graph of about `nodes` operators over small f32 tensors (1, C, H, W): convolutions
// (plain, 1x1, depth-wise), element-wise operators with and without broadcasting, pooling,
// concatenation, splits, slices, transposes and reshapes, with branches, values read several times,
// and one to three outputs. The same seed gives the same graph.
Graph random_graph(uint64_t seed, int nodes);

}  // namespace memopt
