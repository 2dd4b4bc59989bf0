#include "runtime/kernels/reference/copy.h"

#include <cstring>

#include "runtime/kernels/element.h"
#include "runtime/kernels/strided.h"

namespace memopt {
namespace {

template <typename T>
void copy_typed(const Dims& dims, const Place& from, const Place& to, Parallel* parallel) {
  const Walk<2> walk(dims, {to.strides, from.strides});
  const auto [dto, dfrom] = walk.steps();
  walk.visit_all(parallel, [&, dto = dto, dfrom = dfrom](const auto& at, int64_t n) {
    T* const out = static_cast<T*>(to.data) + to.offset + at[0];
    const T* const in = static_cast<const T*>(from.data) + from.offset + at[1];
    if (dto == 1 && dfrom == 1) {
      std::memmove(out, in, static_cast<size_t>(n) * sizeof(T));
    } else if (dto == 1 && dfrom == 0) {
      std::fill_n(out, n, *in);
    } else {
      for (int64_t i = 0; i < n; ++i) out[i * dto] = in[i * dfrom];
    }
  });
}

// Neighbours share bytes, so this one runs on one thread.
void copy_packed(DType dtype, const Dims& dims, const Place& from, const Place& to) {
  for_each_coordinate(dims, [&](const Dims& at) {
    store_bits(dtype, to.data, to.offset + offset_of(at, to.strides),
               load_bits(dtype, from.data, from.offset + offset_of(at, from.strides)));
  });
}

}  // namespace

void copy_box(DType dtype, const Dims& dims, const Place& from, const Place& to,
              Parallel* parallel) {
  if (dims.count() == 0) return;
  if (dtype_bits(dtype) < 8) return copy_packed(dtype, dims, from, to);
  const Status status = dispatch_width(dtype, [&](auto tag) {
    copy_typed<typename decltype(tag)::type>(dims, from, to, parallel);
    return Status();
  });
  MEMOPT_CHECK(status.ok());
}

}  // namespace memopt
