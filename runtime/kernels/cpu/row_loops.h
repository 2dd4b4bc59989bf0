// Loops over contiguous rows of floats: reductions, softmax, normalizations. "Columns" are up to
// kLanes neighbouring lines, whose elements are `step` apart. Every y may be its x.
#pragma once

#include <cstdint>

#include "runtime/kernels/cpu/simd_dispatch.h"

namespace memopt {

enum class ReduceStep : uint8_t { kSum, kAbs, kSquare, kMax, kMin };

struct RowLoops {
  // *total = *total (+, max, min) the reduction of x[0, n). Floats are summed in short pieces, the
  // pieces in double.
  void (*reduce)(ReduceStep step, const float* x, int64_t n, double* total);
  // The same for totals[c] and x[i * step + c], i < n, c < columns.
  void (*reduce_columns)(ReduceStep what, const float* x, int64_t step, int64_t n, int64_t columns,
                         double* totals);
  // Sums of (x - mean)^2.
  double (*variance)(const float* x, int64_t n, float mean);
  void (*variance_columns)(const float* x, int64_t step, int64_t n, int64_t columns,
                           const float* means, double* totals);

  // y = x - mean, times factor, plus bias; in the columns form, one of each per column.
  void (*normalize)(const float* x, float* y, int64_t n, float mean, float factor, float bias);
  void (*normalize_columns)(const float* x, int64_t x_step, float* y, int64_t y_step, int64_t n,
                            int64_t columns, const float* means, const float* factors,
                            const float* biases);
  // y = (x - mean) * inverse * scale + bias, with a scale and a bias (may be null) per element.
  void (*layer_normalize)(const float* x, float* y, int64_t n, float mean, float inverse,
                          const float* scale, const float* bias);

  void (*softmax)(const float* x, float* y, int64_t n, bool log);
  void (*softmax_columns)(const float* x, int64_t x_step, float* y, int64_t y_step, int64_t n,
                          int64_t columns, bool log);
};

MEMOPT_SIMD_FAMILY(RowLoops, row_loops)

}  // namespace memopt
