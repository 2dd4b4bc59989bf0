// memopt-bench: how long a plan takes, and where.
#pragma once

#include "tools/cli/app.h"

namespace memopt {

int run_bench(const Arguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace memopt
