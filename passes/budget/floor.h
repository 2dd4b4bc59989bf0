// What no technique of the budget gets below.
#pragma once

#include <string>

#include "passes/budget/candidate.h"

namespace memopt {

struct BudgetFloor {
  int64_t bytes = 0;
  std::string reason;  // "the inputs are whole at the start"
};

// The techniques reorder, split and repeat operators and choose kernels; they do not change what
// the inputs and outputs are, nor the operands of an operator that cannot be split along any axis.
// So the arena holds all inputs before the first step, all outputs after the last, and the whole
// operands, or the whole results, of every operator that cannot be split.
BudgetFloor budget_floor(const Candidate& unbudgeted, bool io_in_arena);

}  // namespace memopt
