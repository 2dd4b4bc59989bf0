// Applying a function to every element of tensors that broadcast to the output's shape, in parallel
// pieces of fixed size.
#pragma once

#include "runtime/kernels/element.h"
#include "runtime/kernels/strided.h"

namespace memopt {

// y[i] = f(x[i]). To and From are the storage types; f maps values of them. x may be y.
template <typename To, typename From, typename F>
void map1(const Tensor& x, const Tensor& y, Parallel* parallel, F f) {
  const Walk<2> walk(y.dims, {y.strides, broadcast_strides(x.dims, x.strides, y.dims)});
  const auto [dy, dx] = walk.steps();
  walk.visit_all(parallel, [&, dy = dy, dx = dx](const auto& offsets, int64_t n) {
    To* const to = y.as<To>() + offsets[0];
    const From* const from = x.as<From>() + offsets[1];
    if (dy == 1 && dx == 1) {
      for (int64_t i = 0; i < n; ++i) to[i] = f(from[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) to[i * dy] = f(from[i * dx]);
    }
  });
}

// y[i] = f(a[i], b[i]).
template <typename To, typename A, typename B, typename F>
void map2(const Tensor& a, const Tensor& b, const Tensor& y, Parallel* parallel, F f) {
  const Walk<3> walk(y.dims, {y.strides, broadcast_strides(a.dims, a.strides, y.dims),
                              broadcast_strides(b.dims, b.strides, y.dims)});
  const auto [dy, da, db] = walk.steps();
  walk.visit_all(parallel, [&, dy = dy, da = da, db = db](const auto& offsets, int64_t n) {
    To* const to = y.as<To>() + offsets[0];
    const A* const left = a.as<A>() + offsets[1];
    const B* const right = b.as<B>() + offsets[2];
    if (dy == 1 && da == 1 && db == 1) {
      for (int64_t i = 0; i < n; ++i) to[i] = f(left[i], right[i]);
    } else if (dy == 1 && da == 1 && db == 0) {
      const B value = *right;
      for (int64_t i = 0; i < n; ++i) to[i] = f(left[i], value);
    } else {
      for (int64_t i = 0; i < n; ++i) to[i * dy] = f(left[i * da], right[i * db]);
    }
  });
}

// y[i] = f(c[i], a[i], b[i]).
template <typename To, typename C, typename A, typename B, typename F>
void map3(const Tensor& c, const Tensor& a, const Tensor& b, const Tensor& y, Parallel* parallel,
          F f) {
  const Walk<4> walk(y.dims, {y.strides, broadcast_strides(c.dims, c.strides, y.dims),
                              broadcast_strides(a.dims, a.strides, y.dims),
                              broadcast_strides(b.dims, b.strides, y.dims)});
  const auto [dy, dc, da, db] = walk.steps();
  walk.visit_all(parallel, [&, dy = dy, dc = dc, da = da, db = db](const auto& at, int64_t n) {
    To* const to = y.as<To>() + at[0];
    const C* const choice = c.as<C>() + at[1];
    const A* const left = a.as<A>() + at[2];
    const B* const right = b.as<B>() + at[3];
    for (int64_t i = 0; i < n; ++i) to[i * dy] = f(choice[i * dc], left[i * da], right[i * db]);
  });
}

}  // namespace memopt
