// main() of the tools that have the compiler in them.
#pragma once

#include "tools/cli/app.h"

namespace memopt {

// tool_main(), with the compiler's containers made to throw where there is no memory.
int compiler_main(ToolFunction tool, int argc, const char* const* argv);

}  // namespace memopt
