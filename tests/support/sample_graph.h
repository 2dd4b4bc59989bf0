// Operator samples as graphs.
#pragma once

#include "compiler/ir/graph.h"
#include "runtime/base/result.h"
#include "tests/support/samples.h"

namespace memopt::testing {

// One node, all of whose results are outputs. Its first operand is an input; the others are
// constants, or inputs too.
Result<Graph> sample_graph(const Sample& sample, bool constants);

}  // namespace memopt::testing
