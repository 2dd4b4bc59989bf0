// Computing a part of the graph in bands: row by row of images (the working set of a few bands
// replaces that of whole maps), or image by image of a batch (micro-batches). Windows of
// neighbouring bands overlap. These rows are computed in both bands, at the price of time, or kept
// from one to the next, at the price of the bytes that wait and of moving them: every value of the
// region then is a line buffer, as in streaming hardware.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "passes/pass.h"
#include "runtime/base/result.h"

namespace memopt {

// The region is every node on the way from `inputs` to `output`; constants are free.
struct TileRegion {
  ValueId output;
  std::vector<ValueId> inputs;
  int64_t axis = 2;   // of the output; 0 splits a batch
  int64_t bands = 2;  // of nearly equal numbers of rows
  Overlap overlap = Overlap::kRecompute;
};

// OpDef::operations of the region's nodes: before, and of everything that takes their place.
struct TileResult {
  int64_t operations_before = 0;
  int64_t operations_after = 0;
};

// Computes `output` in bands: for each a copy of the region's nodes on the rows that it needs (and,
// with kKeep, does not have yet), and one concatenation of the results, which gets the output's
// name. Inputs are sliced; what the bands
// need all of (a scale per channel) is computed once. Nodes of the region that nothing else reads
// disappear; those that are read elsewhere stay, so their work is done twice. The graph has the
// meaning of ONNX (row-major), as before the layout pass. Unchanged on error.
Result<TileResult> tile_region(Graph& graph, const TileRegion& region);

// Why tile_region cannot do it: names the node or value that is in the way.
Status check_tile(const Graph& graph, const TileRegion& region);

// What tile_region would return, without doing it.
Result<TileResult> price_tile(const Graph& graph, const TileRegion& region);

// The values of a request by name.
Result<TileRegion> find_region(const Graph& graph, const TileRequest& request);

// "OUTPUT=INPUT[,INPUT...]:AXIS:BANDS[:keep]".
Result<TileRequest> parse_tile(std::string_view text);

}  // namespace memopt
