#include "runtime/kernels/cpu/panel_loops.h"
#include "runtime/kernels/cpu/simd.h"

#define MEMOPT_UNROLL _Pragma("GCC unroll 16")
#define MEMOPT_INLINE inline __attribute__((always_inline))

namespace memopt::MEMOPT_SIMD_NAMESPACE {
namespace {

// A tile's sums fill the registers, but for those of two rows of a panel and an element of x.
#if defined(__AVX512F__)
constexpr int kMostRows = 14;
#else
constexpr int kMostRows = 6;
#endif
constexpr int64_t kPanel = 2 * kWidth;

// Where rows `first` and behind it begin, of which `begin` says it for all or for the first one.
template <int kRows, typename T>
MEMOPT_INLINE void find_rows(const PanelTile& t, T* const* begin, int64_t step, int64_t first,
                             T* (&rows)[kRows]) {
  if (t.even) {
    T* const row = *begin + first * step;
    MEMOPT_UNROLL for (int r = 0; r < kRows; ++r) rows[r] = row + r * step;
  } else {
    MEMOPT_UNROLL for (int r = 0; r < kRows; ++r) rows[r] = begin[first + r];
  }
}
template <int kRows>
MEMOPT_INLINE void find_rows_of_span(const PanelTile& t, int64_t span, int64_t first,
                                     const float* (&rows)[kRows]) {
  find_rows(t, t.x + (t.even ? span : span * t.rows), t.x_step, first, rows);
}

// Stores a vector of sums of each row at `column`, the first `n` lanes if not kWhole.
template <bool kWhole, int kRows, int kVectors>
MEMOPT_INLINE void finish_vector(const PanelTile& t, const Vec (&sums)[kRows][kVectors], int v,
                                 float* const (&to)[kRows], const float* const (&residual)[kRows],
                                 int64_t column, int64_t n) {
  const auto get = [&](const float* from) {
    return kWhole ? load(from + column) : load_part(from + column, n);
  };
  const Vec scale = splat(t.scale), low = splat(t.low), high = splat(t.high);
  const Vec bias = t.bias == nullptr ? Vec{} : get(t.bias) * splat(t.bias_scale);
  const bool has_residual = t.residual != nullptr;
  MEMOPT_UNROLL for (int r = 0; r < kRows; ++r) {
    Vec y = sums[r][v] * scale + bias;
    if (has_residual) y += get(residual[r]);
    y = min(high, max(low, y));
    if constexpr (kWhole) {
      store(to[r] + column, y);
    } else {
      store_part(to[r] + column, n, y);
    }
  }
}

// Stores the sums of kVectors neighbouring vectors of each row, from `column` on, as far as there
// are columns.
template <int kRows, int kVectors>
MEMOPT_INLINE void finish(const PanelTile& t, int64_t first_row, int64_t column,
                          const Vec (&sums)[kRows][kVectors]) {
  float* to[kRows];
  find_rows(t, t.y, t.y_step, first_row, to);
  const float* residual[kRows] = {};
  if (t.residual != nullptr) find_rows(t, t.residual, t.residual_step, first_row, residual);
  MEMOPT_UNROLL for (int v = 0; v < kVectors; ++v) {
    const int64_t at = column + v * kWidth;
    const int64_t n = t.columns - at;
    if (n >= kWidth) {
      finish_vector<true>(t, sums, v, to, residual, at, n);
    } else if (n > 0) {
      finish_vector<false>(t, sums, v, to, residual, at, n);
    }
  }
}

// kPanels panels of kVectors vectors each, from column `column` of the tile on.
template <int kRows, int kPanels, int kVectors>
void multiply_tile(const PanelTile& t, int64_t first_row, int64_t column) {
  constexpr int kAll = kPanels * kVectors;
  constexpr int64_t kStep = kVectors * kWidth;
  const int64_t panel = t.panel_rows * kStep;
  const float* const first = t.w + column * t.panel_rows;
  Vec sums[kRows][kAll];
  MEMOPT_UNROLL for (int r = 0; r < kRows; ++r) {
    MEMOPT_UNROLL for (int v = 0; v < kAll; ++v) sums[r][v] = Vec{};
  }
  for (int64_t span = 0; span < t.spans; ++span) {
    const float* x[kRows];
    find_rows_of_span(t, span, first_row, x);
    const float* w = first + t.w_rows[span] * kStep;
    for (int64_t k = 0; k < t.depth; ++k, w += kStep) {
      Vec b[kAll];
      MEMOPT_UNROLL for (int v = 0; v < kAll; ++v) {
        b[v] = load(w + v / kVectors * panel + v % kVectors * kWidth);
      }
      MEMOPT_UNROLL for (int r = 0; r < kRows; ++r) {
        const Vec a = load_splat(x[r] + k);
        MEMOPT_UNROLL for (int v = 0; v < kAll; ++v) sums[r][v] = fma(a, b[v], sums[r][v]);
      }
    }
  }
  finish(t, first_row, column, sums);
}

// Few rows take several panels at once, so that enough sums are under way.
template <int kRows>
void multiply_rows(const PanelTile& t, int64_t row) {
  constexpr int kPanels = kRows == 1 ? 4 : kRows <= kMostRows / 4 ? 2 : 1;
  int64_t column = 0;
  for (; column + (kPanels - 1) * kPanel + kWidth < t.columns; column += kPanels * kPanel) {
    multiply_tile<kRows, kPanels, 2>(t, row, column);
  }
  for (; column + kWidth < t.columns; column += kPanel) multiply_tile<kRows, 1, 2>(t, row, column);
  if (column < t.columns) multiply_tile<kRows, 1, 1>(t, row, column);
}

template <int kRows = kMostRows>
void multiply_some(const PanelTile& t, int64_t row, int64_t rows) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return multiply_some<kRows - 1>(t, row, rows);
  }
  multiply_rows<kRows>(t, row);
}

// In pieces of about equal size.
void multiply(const PanelTile& t) {
  const int64_t pieces = (t.rows + kMostRows - 1) / kMostRows;
  int64_t rows = 0;
  for (int64_t row = 0, piece = 0; row < t.rows; row += rows, ++piece) {
    rows = (t.rows - row + pieces - piece - 1) / (pieces - piece);
    multiply_some(t, row, rows);
  }
}

// kRows rows from `row` on, kVectors vectors from `column` on; if not kWhole, the last is cut
// short.
template <int kRows, int kVectors, bool kWhole>
void weigh_tile(const PanelTile& t, int64_t row, int64_t column) {
  const int64_t rest = t.columns - column - (kVectors - 1) * kWidth;  // in the last one
  const auto get = [&](const float* from, int v) {
    return kWhole || v < kVectors - 1 ? load(from + v * kWidth)
                                      : load_part(from + v * kWidth, rest);
  };
  const float* const first = t.w + column;
  Vec sums[kRows][kVectors];
  MEMOPT_UNROLL for (int r = 0; r < kRows; ++r) {
    MEMOPT_UNROLL for (int v = 0; v < kVectors; ++v) sums[r][v] = Vec{};
  }
  for (int64_t span = 0; span < t.spans; ++span) {
    const float* const w = first + t.w_rows[span] * t.panel_rows;
    const float* x[kRows];
    find_rows_of_span(t, span, row, x);
    Vec b[kVectors];
    MEMOPT_UNROLL for (int v = 0; v < kVectors; ++v) b[v] = get(w, v);
    MEMOPT_UNROLL for (int r = 0; r < kRows; ++r) {
      MEMOPT_UNROLL for (int v = 0; v < kVectors; ++v) {
        sums[r][v] = fma(get(x[r] + column, v), b[v], sums[r][v]);
      }
    }
  }
  finish(t, row, column, sums);
}

template <int kRows, int kVectors>
void weigh_last(const PanelTile& t, int64_t row, int64_t column) {
  if (t.columns % kWidth == 0) {
    weigh_tile<kRows, kVectors, true>(t, row, column);
  } else {
    weigh_tile<kRows, kVectors, false>(t, row, column);
  }
}

template <int kRows>
void weigh_rows(const PanelTile& t, int64_t row) {
  int64_t column = 0;
  for (; column + 4 * kWidth <= t.columns; column += 4 * kWidth) {
    weigh_tile<kRows, 4, true>(t, row, column);
  }
  switch ((t.columns - column + kWidth - 1) / kWidth) {
    case 0:
      return;
    case 1:
      return weigh_last<kRows, 1>(t, row, column);
    case 2:
      return weigh_last<kRows, 2>(t, row, column);
    case 3:
      return weigh_last<kRows, 3>(t, row, column);
    default:
      return weigh_last<kRows, 4>(t, row, column);
  }
}

void weigh(const PanelTile& t) {
  constexpr int kRows = kMostRows >= 8 ? 4 : 2;
  int64_t row = 0;
  for (; row + kRows <= t.rows; row += kRows) weigh_rows<kRows>(t, row);
  for (; row + 2 <= t.rows; row += 2) weigh_rows<2>(t, row);
  for (; row < t.rows; ++row) weigh_rows<1>(t, row);
}

}  // namespace

const PanelLoops& panel_loops() {
  static constexpr PanelLoops kLoops = {kPanel, kMostRows, multiply, weigh};
  return kLoops;
}

}  // namespace memopt::MEMOPT_SIMD_NAMESPACE
