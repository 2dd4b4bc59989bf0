// How compiler and runtime show the same operands to a kernel.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/kernels/kernel.h"

namespace memopt {

// A dense tensor that lies the same in row-major and channels-last (same_memory) may carry either
// label, depending on where it came from. Gives all such operands the label of the node: that of
// the results and of input 0 where they leave no doubt, else channels-last if any of them says so.
// So a kernel sees one layout, not two names for the same bytes.
void unify_layouts(std::span<Operand> inputs, std::span<Operand> outputs);

// What distinguishes two requests, apart from operator and target: equal exactly where no kernel
// could tell the operands of one from those of the other (without data).
std::vector<int64_t> fingerprint(const KernelRequest& request);

}  // namespace memopt
