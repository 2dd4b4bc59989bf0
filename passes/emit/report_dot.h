// The plan as a Graphviz graph: one node per step, one edge per tensor that a step hands to
// another, with its bytes; the peak step and the tensors alive at it stand out.
#pragma once

#include <string>

#include "passes/emit/report.h"

namespace memopt {

std::string report_dot(const Report& report);

}  // namespace memopt
