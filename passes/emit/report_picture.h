// Before and after as one SVG picture: left every tensor and scratch block in its own memory, right
// the plan, both on the same scale of bytes and of steps.
#pragma once

#include <string>

#include "passes/emit/report.h"

namespace memopt {

// Self-contained; readable on light and dark pages. The title and sizes are its only text.
std::string picture_svg(const Report& report);

}  // namespace memopt
