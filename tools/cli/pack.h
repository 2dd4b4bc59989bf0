// memopt-pack: the memory planner on CSV problems (passes/planning/csv.h has the columns).
#pragma once

#include "tools/cli/app.h"

namespace memopt {

// Exit status: 0 planned (or the given plan is valid), 2 usage, 3 bad problem, 4 the capacity is
// proved impossible, 5 it was not reached within the work limit, or the search was cancelled
// by a signal or the time limit (the best plan is written all the same), 6 the plan to check is not
// valid, 9 the plan could not be written.
int run_pack(const Arguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace memopt
