// memopt-opt: passes on graphs in text form.
#pragma once

#include "tools/cli/app.h"

namespace memopt {

int run_opt(const Arguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace memopt
