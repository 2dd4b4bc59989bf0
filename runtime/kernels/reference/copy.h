// Copying elements between differently strided places: the heart of every operator that only moves.
#pragma once

#include "runtime/kernels/kernel.h"

namespace memopt {

// Where the elements of a box lie: their base, the offset of the first one and the strides, both in
// elements. The strides may be 0 (broadcast) or negative for a source.
struct Place {
  void* data = nullptr;
  int64_t offset = 0;
  Dims strides;
};
inline Place place_of(const Tensor& tensor) { return {tensor.data, 0, tensor.strides}; }

// Copies the `dims` elements at `from` to `to`, which do not overlap (or are the same). Any element
// type. Does nothing for an empty box.
void copy_box(DType dtype, const Dims& dims, const Place& from, const Place& to,
              Parallel* parallel);

}  // namespace memopt
