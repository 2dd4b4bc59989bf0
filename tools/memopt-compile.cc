#include "tools/cli/compile.h"
#include "tools/cli/compiler_main.h"

int main(int argc, char** argv) {
  return memopt::compiler_main(
      [](const memopt::Arguments& arguments, std::ostream& out, std::ostream& err) {
        return memopt::run_compile(arguments, out, err, &memopt::kAllocationCounter);
      },
      argc, argv);
}
