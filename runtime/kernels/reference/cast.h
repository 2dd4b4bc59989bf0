// Storing a real number as any element type.
#pragma once

#include <cstdint>

#include "runtime/ops/elementwise.h"

namespace memopt {

// Stores `value` as element `index` of type `to.to` by the rules of Cast (integers: truncated, low
// bits kept). Not for two threads in one byte of a packed type.
void store_double(const Cast& to, void* data, int64_t index, double value);

}  // namespace memopt
