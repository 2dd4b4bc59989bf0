// What changed between two plans.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "passes/emit/report.h"
#include "runtime/base/result.h"

namespace memopt {

// One figure of a plan in two versions.
struct FigureChange {
  std::string name;  // as in the JSON report: "arena_bytes", ...
  int64_t before = 0, after = 0;
  bool gated = false;  // a deployer pays for it: growth fails a gate
  bool operator==(const FigureChange&) const = default;
};

// Every figure, changed or not, in the order of the report.
std::vector<FigureChange> compare_figures(const Report& before, const Report& after);

// A table of the figures, who sets the peak in each, and the tensors (by name) that came, went,
// grew or moved; at most `most_tensors` of each.
std::string diff_text(const Report& before, const Report& after, size_t most_tensors = 12);
// The same as JSON, schema "memopt.diff/1"; all tensors.
std::string diff_json(const Report& before, const Report& after);

// Ok, or kRegression naming every gated figure that grew: from what to what, by how much, and which
// tensors of `after` are at its peak.
Status check_growth(const std::vector<FigureChange>& figures, const Report& after);

}  // namespace memopt
