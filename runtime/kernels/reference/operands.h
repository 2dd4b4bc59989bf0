// Optional operands of a kernel's run.
#pragma once

#include <cstddef>
#include <span>

#include "runtime/base/tensor.h"

namespace memopt {

// Operand `i`, or nullptr where it is missing (an input) or nobody reads it (an output).
inline const Tensor* optional_operand(std::span<const Tensor> operands, size_t i) {
  return i < operands.size() && operands[i].data != nullptr ? &operands[i] : nullptr;
}

}  // namespace memopt
