// memopt-run: runs a plan on given inputs, compares and measures.
#pragma once

#include "tools/allocation/count.h"
#include "tools/cli/app.h"

namespace memopt {

// How the caller counts heap allocations (tools/allocation/count.h), as what counts them is not
// part of every program.
struct AllocationCounter {
  bool (*available)() = nullptr;
  void (*start)() = nullptr;
  AllocationCounts (*stop)() = nullptr;
};

// `counter` may be null.
int run_run(const Arguments& arguments, std::ostream& out, std::ostream& err,
            const AllocationCounter* counter);

}  // namespace memopt
