// From a graph that somebody else made to a plan that ran.
#pragma once

#include "compiler/ir/graph.h"
#include "tests/fuzz/fuzz.h"

namespace memopt::fuzz {

// Compiles a graph that passed verify_graph(), with small limits and options that follow from
// `choice`, encodes the plan, loads and runs it. Errors of the graph are fine, internal ones and
// plans that do not load are findings. Larger graphs than a fuzzer has time for are left alone.
void compile_and_run(Graph graph, uint64_t choice);

}  // namespace memopt::fuzz
