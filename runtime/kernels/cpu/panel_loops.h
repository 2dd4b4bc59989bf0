// Products of rows with packed columns: what convolutions and matrix products are made of.
//
// A panel is `width` neighbouring columns of a matrix, stored row after row, so that a register
// tile reads it from front to back. Columns that are left over at the end and fit into one vector
// are a panel of half the width; what is missing there is zero.
#pragma once

#include <cstdint>

#include "runtime/kernels/cpu/simd_dispatch.h"

namespace memopt {

// y[r][j] = clamp(scale * sum over s < spans, k < depth of x[s][r][k] w[s][k][j] +
// bias_scale * bias[j] + residual[r][j]), for r < rows and j < columns. Every sum is taken in the
// order of s and k, whatever the other numbers are.
struct PanelTile {
  // Rows that are equally far apart in memory: x, y and residual point to the first one (x for each
  // span), the others follow after their steps, in floats. Else there are most_rows at most, and a
  // pointer for each of them (for x: of each span).
  bool even = false;
  int64_t rows = 0;
  int64_t spans = 0;
  int64_t depth = 0;
  const float* const* x = nullptr;
  int64_t x_step = 0;
  // Where span s lies in its panels, in rows of the panel; panels follow each other after
  // `panel_rows` of them.
  const int64_t* w_rows = nullptr;
  int64_t panel_rows = 0;
  const float* w = nullptr;
  int64_t columns = 0;
  float* const* y = nullptr;
  int64_t y_step = 0;
  const float* bias = nullptr;             // null: none
  const float* const* residual = nullptr;  // null: none; a row may be the row of y
  int64_t residual_step = 0;
  float scale = 1;
  float bias_scale = 1;
  float low = 0, high = 0;  // NaN stays NaN
};

struct PanelLoops {
  int64_t width;      // columns of a panel
  int64_t most_rows;  // of a tile that is not even
  void (*multiply)(const PanelTile& tile);
  // Column by column instead (depthwise): the sum is that of x[s][r][j] w[w_rows[s]][j],
  // the rows of w are `panel_rows` floats apart, and there is no depth.
  void (*weigh)(const PanelTile& tile);
};

MEMOPT_SIMD_FAMILY(PanelLoops, panel_loops)

}  // namespace memopt
