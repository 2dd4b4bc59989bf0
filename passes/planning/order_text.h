// Ordering problems as text, one value per storage:
//   values operators inputs outputs      (counts)
//   bytes of each value
//   input value ids
//   output value ids
//   one line per operator, in the given order: inplace n_in in… n_out out…
// `inplace` is the input that the operator's first output may overwrite, or -1.
#pragma once

#include <string_view>

#include "passes/planning/order.h"

namespace memopt {

// Error (kBadInput): a number is missing or out of range, a value has two producers, text is left.
Result<OrderProblem> parse_order_problem(std::string_view text);

}  // namespace memopt
