// memopt-verify: is a plan file complete and safe to run?
#pragma once

#include "tools/cli/app.h"

namespace memopt {

int run_verify(const Arguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace memopt
