// Facts about layouts that passes and the lowering share.
#pragma once

#include "runtime/base/type.h"

namespace memopt {

// True where a tensor of these dimensions has its elements at the same places in both layouts, so
// that a value in one is as good as one in the other (channels or all spatial dimensions of extent
// 1, say).
inline bool same_memory(const Dims& dims, Layout a, Layout b) {
  if (a == b) return true;
  if (a == Layout::kPacked || b == Layout::kPacked || dims.rank() < 3) return false;
  return is_dense(dims, dense_strides(dims, a), b);
}

}  // namespace memopt
