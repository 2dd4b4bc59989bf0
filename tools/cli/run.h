// memopt-run: runs a plan on given inputs, compares and measures.
#pragma once

#include "tools/allocation/count.h"
#include "tools/cli/app.h"

namespace memopt {

// `counter` may be null: heap and runtime bytes are not measured then.
int run_run(const Arguments& arguments, std::ostream& out, std::ostream& err,
            const AllocationCounter* counter);

}  // namespace memopt
