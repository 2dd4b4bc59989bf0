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
  // What it computes in a band: rows that no band before it has left.
  struct Band {
    std::optional<OpBand> computes;  // nullopt: nothing new
    Interval fresh;                  // of its rows those that are needed and new
    Interval rows;                   // of the results at hand in this band; the fresh ones are last
  };
  NodeId node;
  std::vector<Band> bands;  // one per band
  int axis = 0;             // of its results
  bool stays = false;       // something outside of the region reads it too
};

struct TilePlan {
  std::vector<TiledNode> nodes;  // in the order of the graph
  TileResult cost;
};

// The rows of band `k` of `bands` nearly equal ones.
Interval band_rows(int64_t extent, int64_t bands, int64_t k);

// Which of `needed` must be computed where `at_hand` are kept. Rows are made from the first to the
// last: where some before those at hand are needed, all are computed again.
Interval fresh_rows(Interval at_hand, Interval needed);

Result<TilePlan> plan_tiles(const Graph& graph, const TileRegion& region);

}  // namespace memopt
