#include "runtime/kernels/strided.h"

namespace memopt {

Dims broadcast_strides(const Dims& dims, const Dims& strides, const Dims& to) {
  Dims result = Dims::filled(to.rank(), 0);
  const int shift = to.rank() - dims.rank();
  for (int i = 0; i < dims.rank(); ++i) {
    if (dims[i] == to[i + shift]) result[i + shift] = strides[i];
  }
  return result;
}

}  // namespace memopt
