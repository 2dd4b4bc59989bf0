#include "tools/cli/compile.h"
#include "tools/cli/compiler_main.h"

int main(int argc, char** argv) { return memopt::compiler_main(memopt::run_compile, argc, argv); }
