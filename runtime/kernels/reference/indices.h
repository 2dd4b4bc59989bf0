// Index operands of gathers and scatters. Indices are values of the run, so they are checked there,
// all of them before the first element moves.
#pragma once

#include <string>

#include "runtime/kernels/element.h"
#include "runtime/kernels/strided.h"

namespace memopt {

// `index` in [-extent, extent) counted from the start; checked before.
inline int64_t from_start(int64_t index, int64_t extent) {
  return index < 0 ? index + extent : index;
}

inline Status check_index(int64_t index, int64_t extent) {
  if (index >= -extent && index < extent) return {};
  return bad_input("index " + std::to_string(index) + " is out of range for an extent of " +
                   std::to_string(extent));
}

// All indices, into an extent that `extent_of` gives for their coordinates.
template <typename F>
Status check_indices(const Tensor& indices, F&& extent_of) {
  Status status;
  for_each_coordinate(indices.dims, [&](const Dims& at) {
    if (!status.ok()) return;
    const int64_t index = load_int(indices.dtype, indices.data, offset_of(at, indices.strides));
    status = check_index(index, extent_of(at));
  });
  return status;
}

}  // namespace memopt
