#include "tools/cli/compiler_main.h"
#include "tools/cli/opt.h"

int main(int argc, char** argv) { return memopt::compiler_main(memopt::run_opt, argc, argv); }
