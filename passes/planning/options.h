// What the planning of memory may do; every technique can be switched off.
#pragma once

#include <string>

#include "passes/planning/order.h"
#include "passes/planning/planner.h"
#include "runtime/base/target.h"

namespace memopt {

struct BufferOptions {
  Target target;
  bool views = true;         // reshapes, transposes and slices that move nothing
  bool destinations = true;  // concatenations whose parts are written in place
  bool in_place = true;      // results that overwrite a dying operand
  bool reuse = true;         // false: every storage has its own bytes (the oracle for reuse)
  bool order = true;         // look for an order of the operators with a smaller peak
  bool io_in_arena = true;   // false: the caller binds inputs and outputs to its own memory
  OrderOptions ordering;     // its stop token is set from planner.stop
  PlannerOptions planner;
};

}  // namespace memopt
