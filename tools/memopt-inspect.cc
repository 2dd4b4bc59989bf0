#include "tools/cli/compiler_main.h"
#include "tools/cli/inspect.h"

int main(int argc, char** argv) {
  return memopt::compiler_main(
      [](const memopt::Arguments& arguments, std::ostream& out, std::ostream& err) {
        return memopt::run_inspect(arguments, out, err, &memopt::kAllocationCounter);
      },
      argc, argv);
}
