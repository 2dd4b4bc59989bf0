// memopt-compile: an ONNX model becomes a plan.
#pragma once

#include "tools/allocation/count.h"
#include "tools/cli/app.h"

namespace memopt {

// `counter` may be null: the runtime bytes of the report are an estimate then.
int run_compile(const Arguments& arguments, std::ostream& out, std::ostream& err,
                const AllocationCounter* counter = nullptr);

}  // namespace memopt
