#include "runtime/kernels/reference/unary.h"

#include <array>
#include <iterator>
#include <utility>

#include "runtime/kernels/scalar_math.h"
#include "runtime/kernels/strided.h"

namespace memopt {
namespace {

template <typename T>
struct Row {
  T* y;
  int64_t dy;
  const T* x;
  int64_t dx;
  int64_t n;
  Compute<T> alpha, beta;
};

template <typename T, UnaryFn kFn>
void run_row(const Row<T>& row) {
  for (int64_t i = 0; i < row.n; ++i) {
    row.y[i * row.dy] = store<T>(unary_value(kFn, load(row.x[i * row.dx]), row.alpha, row.beta));
  }
}

// One loop per function, so that the choice is made outside of it.
template <typename T>
using RunRow = void (*)(const Row<T>&);
template <typename T, size_t... kFns>
RunRow<T> row_loop(UnaryFn fn, std::index_sequence<kFns...>) {
  static constexpr std::array<RunRow<T>, sizeof...(kFns)> kLoops = {
      &run_row<T, static_cast<UnaryFn>(kFns)>...};
  return kLoops[static_cast<size_t>(fn)];
}

template <typename T>
Status apply(const Activation& fn, const Tensor& x, const Tensor& y, Parallel* parallel) {
  using C = Compute<T>;
  constexpr size_t kCount = std::size(EnumNames<UnaryFn>::kNames);
  const RunRow<T> run = row_loop<T>(fn.fn, std::make_index_sequence<kCount>());
  const C alpha = convert<C>(fn.alpha);
  const C beta = convert<C>(fn.beta);
  const Walk<2> walk(y.dims, {y.strides, x.strides});
  const auto [dy, dx] = walk.steps();
  walk.visit_all(parallel, [&, dy = dy, dx = dx](const auto& at, int64_t n) {
    run({y.as<T>() + at[0], dy, x.as<const T>() + at[1], dx, n, alpha, beta});
  });
  return {};
}

}  // namespace

Status apply_unary(const Activation& fn, const Tensor& x, const Tensor& y, Parallel* parallel) {
  return dispatch_number(
      x.dtype, [&](auto tag) { return apply<typename decltype(tag)::type>(fn, x, y, parallel); });
}

}  // namespace memopt
