// Matrices packed into panels (panel_loops.h), and what both convolutions and matrix products do
// with them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "runtime/kernels/cpu/elementwise_loops.h"
#include "runtime/kernels/cpu/panel_loops.h"
#include "runtime/kernels/kernel.h"
#include "runtime/kernels/strided.h"
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

// Of a tile that has a pointer for each row, on any instruction set.
inline constexpr int64_t kMostPanelRows = 16;

// The panels of a matrix.
struct Panels {
  int64_t rows = 0, columns = 0;
  int64_t width = 0;
  int64_t count() const { return (columns + width - 1) / width; }
};

// How the tiles of a product are shared out: ranges of tiles, or, where there are few of them,
// ranges of panels. Results do not depend on it.
struct ProductParts {
  int64_t tiles = 1;
  int64_t panels = 1;
};
ProductParts product_parts(const Parallel* parallel, int64_t tiles, int64_t panels);

// Calls body(first tile, end tile, first column, columns) for ranges that cover all tiles and
// panels, on the threads of `parallel`: as many panels at a time as stay in the cache while the
// tiles pass by.
template <typename Body>
void for_each_tile_range(Parallel* parallel, int64_t tiles, const Panels& panels, Body&& body) {
  constexpr int64_t kCachedBytes = 256 << 10;
  const int64_t step = std::max<int64_t>(1, kCachedBytes / (panels.rows * panels.width * 4));
  const ProductParts parts = product_parts(parallel, tiles, panels.count());
  for_each_chunk(parallel, parts.tiles * parts.panels, [&](int64_t chunk) {
    const int64_t part = chunk / parts.panels, of_panels = chunk % parts.panels;
    const int64_t end = panels.count() * (of_panels + 1) / parts.panels;
    for (int64_t panel = panels.count() * of_panels / parts.panels; panel < end; panel += step) {
      const int64_t column = panel * panels.width;
      const int64_t behind = std::min(panels.columns, std::min(end, panel + step) * panels.width);
      body(tiles * part / parts.tiles, tiles * (part + 1) / parts.tiles, column, behind - column);
    }
  });
}

// The residual is read where the result is then written, element by element.
bool over_residual(const KernelRequest& request, int input, int output);

}  // namespace memopt::cpu
