// memopt-compile: an ONNX model becomes a plan.
#pragma once

#include "tools/cli/app.h"

namespace memopt {

int run_compile(const Arguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace memopt
