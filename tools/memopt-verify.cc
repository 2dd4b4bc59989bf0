#include "tools/cli/verify.h"

int main(int argc, char** argv) { return memopt::tool_main(memopt::run_verify, argc, argv); }
