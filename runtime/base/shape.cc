#include "runtime/base/shape.h"

#include <algorithm>

#include "runtime/base/checked.h"

namespace memopt {

std::optional<int64_t> checked_count(const Dims& dims) {
  std::optional<int64_t> n = 1;
  bool has_zero = false;
  for (const int64_t dim : dims) {
    if (dim < 0 || dim > kMaxDim) return std::nullopt;
    if (dim == 0) has_zero = true;
    if (n && dim != 0) n = checked_mul(*n, dim);
    if (!n) return std::nullopt;
  }
  return has_zero ? 0 : n;
}

std::string to_string(const Dims& dims) {
  if (dims.empty()) return "scalar";
  std::string text;
  for (const int64_t dim : dims) {
    if (!text.empty()) text += 'x';
    text += std::to_string(dim);
  }
  return text;
}

Dims row_major_strides(const Dims& dims) {
  Dims strides = Dims::filled(dims.rank(), 1);
  for (int i = dims.rank() - 2; i >= 0; --i) {
    strides[i] = strides[i + 1] * std::max<int64_t>(dims[i + 1], 1);
  }
  return strides;
}

Dims channels_last_strides(const Dims& dims) {
  MEMOPT_CHECK(dims.rank() >= 3);
  Dims strides = Dims::filled(dims.rank(), 1);
  int64_t stride = std::max<int64_t>(dims[1], 1);
  for (int i = dims.rank() - 1; i >= 2; --i) {
    strides[i] = stride;
    stride *= std::max<int64_t>(dims[i], 1);
  }
  strides[0] = stride;
  return strides;
}

std::optional<Dims> broadcast(const Dims& a, const Dims& b) {
  const int rank = std::max(a.rank(), b.rank());
  Dims out = Dims::filled(rank, 1);
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank());
    const int ib = i - (rank - b.rank());
    const int64_t da = ia >= 0 ? a[ia] : 1;
    const int64_t db = ib >= 0 ? b[ib] : 1;
    if (da != db && da != 1 && db != 1) return std::nullopt;
    out[i] = da == 1 ? db : da;
  }
  return out;
}

}  // namespace memopt
