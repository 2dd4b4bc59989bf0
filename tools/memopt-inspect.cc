#include "tools/cli/inspect.h"

int main(int argc, char** argv) { return memopt::tool_main(memopt::run_inspect, argc, argv); }
