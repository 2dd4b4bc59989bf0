// memopt-inspect: what a plan needs, why, and what changed.
#pragma once

#include <iosfwd>

#include "tools/allocation/count.h"
#include "tools/cli/app.h"

namespace memopt {

// `counter` may be null: reports do not say the runtime bytes then, and those of fits are an
// estimate.
int run_inspect(const Arguments& arguments, std::ostream& out, std::ostream& err,
                const AllocationCounter* counter = nullptr);

}  // namespace memopt
