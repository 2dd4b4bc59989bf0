#include "tools/cli/compile.h"

int main(int argc, char** argv) { return memopt::tool_main(memopt::run_compile, argc, argv); }
