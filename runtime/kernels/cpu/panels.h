// Matrices packed into panels (panel_loops.h), and what both convolutions and matrix products do
// with them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "runtime/kernels/cpu/elementwise_loops.h"
#include "runtime/kernels/cpu/panel_loops.h"
#include "runtime/kernels/kernel.h"
#include "runtime/ops/elementwise.h"

namespace memopt::cpu {

// The columns that the panels of a matrix store: whole panels, and half a one where that is enough.
inline int64_t panel_columns(int64_t columns, int64_t width) {
  const int64_t rest = columns % width;
  return columns - rest + (rest == 0 ? 0 : rest <= width / 2 ? width / 2 : width);
}

// Packed bytes of `matrices` matrices of rows x columns; none where 64 bits do not hold them.
std::optional<int64_t> panel_bytes(int64_t matrices, int64_t rows, int64_t columns, int64_t width);

// Writes one matrix as panels: its row r begins at row_at(r), and its elements are `step` floats
// apart; what is missing becomes 0.
template <typename RowAt>
void pack_panels(RowAt&& row_at, int64_t rows, int64_t columns, int64_t step, int64_t width,
                 float* to) {
  for (int64_t column = 0; column < columns; column += width) {
    const int64_t used = std::min(width, columns - column);
    const int64_t stored = std::min(width, panel_columns(columns, width) - column);
    for (int64_t row = 0; row < rows; ++row) {
      const float* const from = row_at(row) + column * step;
      for (int64_t j = 0; j < used; ++j) to[j] = from[j * step];
      std::fill(to + used, to + stored, 0.0f);
      to += stored;
    }
  }
}

// What follows a product: a clamp in registers, or a loop over what was just written.
struct AfterProduct {
  float low = 0, high = 0;
  UnaryLoop loop = nullptr;  // null: the clamp is all
  float alpha = 0, beta = 0;

  void apply(const PanelTile& tile) const {
    if (loop == nullptr) return;
    for (int64_t row = 0; row < tile.rows; ++row) {
      float* const y = tile.even ? *tile.y + row * tile.y_step : tile.y[row];
      loop(y, y, tile.columns, alpha, beta);
    }
  }
};
// None where there is no loop for the function.
std::optional<AfterProduct> after_product(const Activation& activation, Isa isa);

// How the tiles of a product are shared out: ranges of tiles, or, where there are few of them,
// ranges of columns. Results do not depend on it.
struct ProductParts {
  int64_t tiles = 1;    // parts of the tiles
  int64_t columns = 1;  // parts of the panels
};
ProductParts product_parts(const Parallel* parallel, int64_t tiles, int64_t panels);

}  // namespace memopt::cpu
