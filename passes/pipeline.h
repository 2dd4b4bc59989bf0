// The default pipeline: which passes run in which order, and why.
#pragma once

#include <vector>

#include "passes/pass.h"

namespace memopt {

// Runs on the imported graph (row-major, ONNX meaning); the result still has that meaning and can
// be exported.
std::vector<const Pass*> optimization_pipeline();
// Gives every value its layout. Behind this the graph is ready for kernels and no longer
// exportable.
std::vector<const Pass*> layout_pipeline();

}  // namespace memopt
