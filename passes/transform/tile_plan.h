// What every band of a region computes, worked out from its output backwards before the graph is
// touched (passes/transform/tile.h).
#pragma once

#include <optional>
#include <vector>

#include "passes/transform/tile.h"
#include "runtime/ops/op_def.h"

namespace memopt {

// A node of the region that is computed in bands.
struct TiledNode {
  NodeId node;
  std::vector<OpBand> bands;  // one per band
  int axis = 0;               // of its results
  bool stays = false;         // something outside of the region reads it too
};

struct TilePlan {
  std::vector<TiledNode> nodes;  // in the order of the graph
  TileResult cost;
};

// The rows of band `k` of `bands` nearly equal ones.
Interval band_rows(int64_t extent, int64_t bands, int64_t k);

Result<TilePlan> plan_tiles(const Graph& graph, const TileRegion& region);

}  // namespace memopt
