// Tensors of reproducible random numbers.
#pragma once

#include <cstdint>

#include "runtime/base/tensor_data.h"

namespace memopt {

// Which numbers: element j is lo + (hi - lo) u, where u is the upper 24 bits of splitmix64 of
// seed + stream 2^36 + (j + 1) times the golden ratio, divided by 2^24. Integers are rounded down.
// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
struct Seeded {
  uint64_t seed = 20260822;
  uint64_t stream = 0;
  double lo = -1;
  double hi = 1;
};

// [-1, 1) for signed numbers and floats; 0 or 1 for unsigned integers, bool, and integers of 32 and
// 64 bits, which mostly are indices or shapes.
Seeded default_seeded(DType dtype);

// Complex and sub-byte types are all zero bytes.
TensorData seeded_tensor(const TensorType& type, const Seeded& numbers);

}  // namespace memopt
