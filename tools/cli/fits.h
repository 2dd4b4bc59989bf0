// Does a model fit a memory budget? `memopt-inspect fits`.
#pragma once

#include <iosfwd>
#include <string>

#include "tools/allocation/count.h"
#include "tools/cli/compile_flags.h"

namespace memopt {

struct FitsFlags {
  CompileFlags compile;
  std::string budget;
  std::string budget_of = "arena";
  bool json = false;
};

// Adds the subcommand `fits` with its flags.
CLI::App* add_fits(CLI::App& app, FitsFlags& flags);

// Answers on `out`, and says on `err` what it had to assume; no file is written. The exit status: 0
// yes, 4 no and proved, 5 no as far as the search got. Errors: of the flags and of the model.
Result<int> answer_fits(const FitsFlags& flags, std::ostream& out, std::ostream& err,
                        const AllocationCounter* counter);

}  // namespace memopt
