#include "tools/cli/bench.h"

int main(int argc, char** argv) { return memopt::tool_main(memopt::run_bench, argc, argv); }
