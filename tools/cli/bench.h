// memopt-bench: how long a plan takes, and where.
#pragma once

#include "tools/allocation/count.h"
#include "tools/cli/app.h"

namespace memopt {

// `counter` may be null: runtime bytes are not measured then.
int run_bench(const Arguments& arguments, std::ostream& out, std::ostream& err,
              const AllocationCounter* counter);

}  // namespace memopt
