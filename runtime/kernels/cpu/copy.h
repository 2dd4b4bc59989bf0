// Copying boxes of elements at the speed of memory: whole rows where both sides are contiguous,
// tiles where one of them is turned.
#pragma once

#include "runtime/kernels/reference/copy.h"

namespace memopt {

// The contract of copy_box.
void copy_box_fast(DType dtype, const Dims& dims, const Place& from, const Place& to,
                   Parallel* parallel);

}  // namespace memopt
