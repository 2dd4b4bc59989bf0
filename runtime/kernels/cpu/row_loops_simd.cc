#include "runtime/kernels/cpu/row_loops.h"
#include "runtime/kernels/cpu/simd.h"

namespace memopt::MEMOPT_SIMD_NAMESPACE {
namespace {

// Floats are summed over at most this many steps of a vector before they go into a double.
constexpr int64_t kPiece = 64;

constexpr float kInfinity = __builtin_inff();

int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Calls body(offset, n) for vectors of [0, n): n == kWidth but for the last.
template <typename F>
void for_each_vec(int64_t n, F&& body) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) body(i, kWidth);
  if (i < n) body(i, n - i);
}

// Lanes beyond n are `fill`.
Vec load_lanes(const float* from, int64_t n, float fill = 0) {
  return n == kWidth ? load(from) : load_part(from, n, fill);
}
void store_lanes(float* to, int64_t n, Vec value) {
  if (n == kWidth) {
    store(to, value);
  } else {
    store_part(to, n, value);
  }
}

// How one vector enters an accumulator, which starts at neutral().
template <ReduceStep kStep>
struct Step {
  static constexpr bool kOrders = kStep == ReduceStep::kMax || kStep == ReduceStep::kMin;
  static float neutral() {
    return kStep == ReduceStep::kMax ? -kInfinity : kStep == ReduceStep::kMin ? kInfinity : 0;
  }
  static Vec add(Vec sum, Vec x) {
    if constexpr (kStep == ReduceStep::kSum) return sum + x;
    if constexpr (kStep == ReduceStep::kAbs) return sum + abs(x);
    if constexpr (kStep == ReduceStep::kSquare) return fma(x, x, sum);
    // max and min give x where either is NaN: what was NaN stays so.
    if constexpr (kStep == ReduceStep::kMax) return sum == sum ? max(sum, x) : sum;
    if constexpr (kStep == ReduceStep::kMin) return sum == sum ? min(sum, x) : sum;
  }
  static void combine(double& total, double value) {
    if constexpr (kStep == ReduceStep::kMax) {
      total = value > total || value != value ? value : total;  // NaN wins
    } else if constexpr (kStep == ReduceStep::kMin) {
      total = value < total || value != value ? value : total;
    } else {
      total += value;
    }
  }
  static double all(Vec x) {
    if constexpr (kStep == ReduceStep::kMax) return max_of(x);
    if constexpr (kStep == ReduceStep::kMin) return min_of(x);
    if constexpr (!kOrders) return sum_of(x);
  }
};

template <ReduceStep kStep>
void reduce_row(const float* x, int64_t n, double* total) {
  using S = Step<kStep>;
  for (int64_t begin = 0; begin < n; begin += 4 * kPiece * kWidth) {
    const int64_t end = smaller(n, begin + 4 * kPiece * kWidth);
    Vec sums[4] = {splat(S::neutral()), splat(S::neutral()), splat(S::neutral()),
                   splat(S::neutral())};
    int64_t i = begin;
    for (; i + 4 * kWidth <= end; i += 4 * kWidth) {
      for (int64_t k = 0; k < 4; ++k) sums[k] = S::add(sums[k], load(x + i + k * kWidth));
    }
    for (; i + kWidth <= end; i += kWidth) sums[0] = S::add(sums[0], load(x + i));
    if (i < end) sums[1] = S::add(sums[1], load_part(x + i, end - i, S::neutral()));
    for (int64_t k = 0; k < 4; ++k) S::combine(*total, S::all(sums[k]));
  }
}

template <ReduceStep kStep>
void reduce_columns_as(const float* x, int64_t step, int64_t n, int64_t columns, double* totals) {
  using S = Step<kStep>;
  for_each_vec(columns, [&](int64_t column, int64_t lanes) {
    for (int64_t begin = 0; begin < n; begin += kPiece) {
      const int64_t end = smaller(n, begin + kPiece);
      Vec sum = splat(S::neutral());
      for (int64_t i = begin; i < end; ++i) {
        sum = S::add(sum, load_lanes(x + i * step + column, lanes));
      }
      for (int64_t lane = 0; lane < lanes; ++lane) S::combine(totals[column + lane], sum[lane]);
    }
  });
}

void reduce(ReduceStep step, const float* x, int64_t n, double* total) {
  switch (step) {
    case ReduceStep::kSum:
      return reduce_row<ReduceStep::kSum>(x, n, total);
    case ReduceStep::kAbs:
      return reduce_row<ReduceStep::kAbs>(x, n, total);
    case ReduceStep::kSquare:
      return reduce_row<ReduceStep::kSquare>(x, n, total);
    case ReduceStep::kMax:
      return reduce_row<ReduceStep::kMax>(x, n, total);
    case ReduceStep::kMin:
      return reduce_row<ReduceStep::kMin>(x, n, total);
  }
}

void reduce_columns(ReduceStep what, const float* x, int64_t step, int64_t n, int64_t columns,
                    double* totals) {
  switch (what) {
    case ReduceStep::kSum:
      return reduce_columns_as<ReduceStep::kSum>(x, step, n, columns, totals);
    case ReduceStep::kAbs:
      return reduce_columns_as<ReduceStep::kAbs>(x, step, n, columns, totals);
    case ReduceStep::kSquare:
      return reduce_columns_as<ReduceStep::kSquare>(x, step, n, columns, totals);
    case ReduceStep::kMax:
      return reduce_columns_as<ReduceStep::kMax>(x, step, n, columns, totals);
    case ReduceStep::kMin:
      return reduce_columns_as<ReduceStep::kMin>(x, step, n, columns, totals);
  }
}

double variance(const float* x, int64_t n, float mean) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kPiece * kWidth) {
    Vec sum{};
    for_each_vec(smaller(n - begin, kPiece * kWidth), [&](int64_t i, int64_t lanes) {
      const Vec centred = load_lanes(x + begin + i, lanes, mean) - mean;
      sum = fma(centred, centred, sum);
    });
    total += sum_of(sum);
  }
  return total;
}

void variance_columns(const float* x, int64_t step, int64_t n, int64_t columns, const float* means,
                      double* totals) {
  for_each_vec(columns, [&](int64_t column, int64_t lanes) {
    const Vec mean = load_lanes(means + column, lanes);
    for (int64_t begin = 0; begin < n; begin += kPiece) {
      const int64_t end = smaller(n, begin + kPiece);
      Vec sum{};
      for (int64_t i = begin; i < end; ++i) {
        const Vec centred = load_lanes(x + i * step + column, lanes) - mean;
        sum = fma(centred, centred, sum);
      }
      for (int64_t lane = 0; lane < lanes; ++lane) totals[column + lane] += sum[lane];
    }
  });
}

void normalize(const float* x, float* y, int64_t n, float mean, float factor, float bias) {
  const Vec factors = splat(factor);
  const Vec biases = splat(bias);
  for_each_vec(n, [&](int64_t i, int64_t lanes) {
    store_lanes(y + i, lanes, fma(load_lanes(x + i, lanes) - mean, factors, biases));
  });
}

void normalize_columns(const float* x, int64_t x_step, float* y, int64_t y_step, int64_t n,
                       int64_t columns, const float* means, const float* factors,
                       const float* biases) {
  for_each_vec(columns, [&](int64_t column, int64_t lanes) {
    const Vec mean = load_lanes(means + column, lanes);
    const Vec factor = load_lanes(factors + column, lanes);
    const Vec bias = load_lanes(biases + column, lanes);
    for (int64_t i = 0; i < n; ++i) {
      const Vec centred = load_lanes(x + i * x_step + column, lanes) - mean;
      store_lanes(y + i * y_step + column, lanes, fma(centred, factor, bias));
    }
  });
}

void layer_normalize(const float* x, float* y, int64_t n, float mean, float inverse,
                     const float* scale, const float* bias) {
  for_each_vec(n, [&](int64_t i, int64_t lanes) {
    const Vec unit = (load_lanes(x + i, lanes) - mean) * inverse;
    const Vec shift = bias ? load_lanes(bias + i, lanes) : Vec{};
    store_lanes(y + i, lanes, fma(unit, load_lanes(scale + i, lanes), shift));
  });
}

void softmax(const float* x, float* y, int64_t n, bool log) {
  Vec maxima = splat(-kInfinity);
  for_each_vec(n, [&](int64_t i, int64_t lanes) {
    maxima = max(maxima, load_lanes(x + i, lanes, -kInfinity));
  });
  const float top = max_of(maxima);
  Vec sums{};
  for_each_vec(n, [&](int64_t i, int64_t lanes) {
    const Vec power = exp(load_lanes(x + i, lanes, -kInfinity) - top);
    sums += power;
    if (!log) store_lanes(y + i, lanes, power);
  });
  const float sum = sum_of(sums);
  if (log) {
    const float shift = __builtin_logf(sum);
    for_each_vec(n, [&](int64_t i, int64_t lanes) {
      store_lanes(y + i, lanes, load_lanes(x + i, lanes) - top - shift);
    });
  } else {
    const float factor = 1 / sum;
    for_each_vec(n, [&](int64_t i, int64_t lanes) {
      store_lanes(y + i, lanes, load_lanes(y + i, lanes) * factor);
    });
  }
}

void softmax_columns(const float* x, int64_t x_step, float* y, int64_t y_step, int64_t n,
                     int64_t columns, bool log) {
  for_each_vec(columns, [&](int64_t column, int64_t lanes) {
    const float* from = x + column;
    float* to = y + column;
    Vec top = splat(-kInfinity);
    for (int64_t i = 0; i < n; ++i) top = max(top, load_lanes(from + i * x_step, lanes));
    Vec sum{};
    for (int64_t i = 0; i < n; ++i) {
      const Vec power = exp(load_lanes(from + i * x_step, lanes) - top);
      sum += power;
      if (!log) store_lanes(to + i * y_step, lanes, power);
    }
    if (log) {
      for (int64_t lane = 0; lane < lanes; ++lane) sum[lane] = __builtin_logf(sum[lane]);
      for (int64_t i = 0; i < n; ++i) {
        store_lanes(to + i * y_step, lanes, load_lanes(from + i * x_step, lanes) - top - sum);
      }
    } else {
      const Vec factor = 1.0f / sum;
      for (int64_t i = 0; i < n; ++i) {
        store_lanes(to + i * y_step, lanes, load_lanes(to + i * y_step, lanes) * factor);
      }
    }
  });
}

}  // namespace

const RowLoops& row_loops() {
  static constexpr RowLoops kLoops = {reduce,           reduce_columns, variance,
                                      variance_columns, normalize,      normalize_columns,
                                      layer_normalize,  softmax,        softmax_columns};
  return kLoops;
}

}  // namespace memopt::MEMOPT_SIMD_NAMESPACE
