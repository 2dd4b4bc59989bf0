#include "tools/cli/compiler_main.h"
#include "tools/cli/inspect.h"

int main(int argc, char** argv) { return memopt::compiler_main(memopt::run_inspect, argc, argv); }
