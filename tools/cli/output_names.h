// The files that the outputs of a run are written to.
#pragma once

#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace memopt {

// A name without extension for each output of a plan, in order; all different, also where a file
// system takes small and capital letters for the same. The output's own name where that is a plain
// file name that no output before it has; else "output_K" with its number, with "_" behind it while
// that is taken.
std::vector<std::string> output_file_names(const Plan& plan);

}  // namespace memopt
