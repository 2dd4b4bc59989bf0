// memopt-inspect: what a plan needs, why, and what changed.
#pragma once

#include <iosfwd>

#include "tools/cli/app.h"

namespace memopt {

int run_inspect(const Arguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace memopt
