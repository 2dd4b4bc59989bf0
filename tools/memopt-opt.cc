#include "tools/cli/opt.h"

int main(int argc, char** argv) { return memopt::tool_main(memopt::run_opt, argc, argv); }
