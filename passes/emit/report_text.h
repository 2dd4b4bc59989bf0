// The report for a terminal: plain text, aligned columns, every size in binary units and exact.
#pragma once

#include <string>

#include "passes/emit/report.h"

namespace memopt {

// The classes of bytes, the bound, who sets the peak, what to try next. One screen.
std::string summary_text(const Report& report);
// One line per tensor, in the order of the plan.
std::string tensors_text(const Report& report);
// One line per step.
std::string steps_text(const Report& report);
// In words: how the steps around the peak lead to it, and what each byte of the arena is there.
std::string explain_text(const Report& report);

// "proved optimal: ..." or "within 1.2 % of the lower bound: ...". No newline.
std::string verdict_text(const Report& report);

}  // namespace memopt
