// memopt-inspect: what a plan needs, why, and what changed.
#pragma once

#include <iosfwd>

#include "tools/allocation/count.h"
#include "tools/cli/app.h"

namespace memopt {

// `counter` may be null: the runtime bytes of the report are an estimate then.
int run_inspect(const Arguments& arguments, std::ostream& out, std::ostream& err,
                const AllocationCounter* counter = nullptr);

}  // namespace memopt
