// Plans memory for buffers given as CSV; see --help.
#include "tools/cli/compiler_main.h"
#include "tools/cli/pack.h"

int main(int argc, char** argv) { return memopt::compiler_main(memopt::run_pack, argc, argv); }
