// How compiler and runtime show the same operands to a kernel.
#pragma once

#include <span>

#include "runtime/kernels/kernel.h"

namespace memopt {

// A dense tensor that lies the same in row-major and channels-last (same_memory) may carry either
// label, depending on where it came from. Gives all such operands the label of the node: that of
// the results and of input 0 where they leave no doubt, else channels-last if any of them says so.
// So a kernel sees one layout, not two names for the same bytes.
void unify_layouts(std::span<Operand> inputs, std::span<Operand> outputs);

}  // namespace memopt
