#include "tools/cli/compiler_main.h"

#include "compiler/ir/out_of_memory.h"

namespace memopt {

int compiler_main(ToolFunction tool, int argc, const char* const* argv) {
  throw_when_out_of_memory();
  return tool_main(tool, argc, argv);
}

}  // namespace memopt
