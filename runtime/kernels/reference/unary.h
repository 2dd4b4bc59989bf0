// The unary functions that keep the element type, over whole tensors.
#pragma once

#include "runtime/kernels/kernel.h"

namespace memopt {

// y = fn(x) for the number types (kIdentity, kNot, kIsInf and kIsNan are not served). y may be x.
Status apply_unary(const Activation& fn, const Tensor& x, const Tensor& y, Parallel* parallel);

}  // namespace memopt
