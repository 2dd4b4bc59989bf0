// From an order of an ordering problem to the buffers that it leaves to the placement.
#pragma once

#include <vector>

#include "passes/planning/order.h"
#include "passes/planning/problem.h"

namespace memopt {

// One buffer per storage that has bytes, those that an operator overwrites in place merged, and one
// per scratch. The largest load is the peak of the order: in-place pairs must be equally large.
MemoryProblem buffers_of_order(const OrderProblem& problem, const std::vector<int32_t>& order);

}  // namespace memopt
