#include "runtime/plan/roots.h"

#include <limits>
#include <string>

#include "runtime/plan/limits.h"

namespace memopt {

Result<std::vector<uint32_t>> find_roots(const Plan& plan) {
  constexpr uint32_t kUnknown = std::numeric_limits<uint32_t>::max();
  std::vector<uint32_t> roots(plan.values.size(), kUnknown);
  std::vector<size_t> depths(plan.values.size());
  std::vector<uint32_t> path;  // values on the way to one whose root is known
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    path.clear();
    uint32_t at = i;
    while (roots[at] == kUnknown && plan.values[at].alias && path.size() <= kMaxPlanAliasDepth) {
      path.push_back(at);
      at = plan.values[at].alias->parent;
    }
    if (!plan.values[at].alias) roots[at] = at;
    if (depths[at] + path.size() > kMaxPlanAliasDepth) {  // also where the root is not known yet
      return Error{Code::kVerifyFailed, "value " + std::to_string(i) + " ('" + plan.values[i].name +
                                            "'): is an alias of itself, or of too many aliases"};
    }
    for (size_t depth = depths[at] + path.size(); const uint32_t value : path) {
      roots[value] = roots[at];
      depths[value] = depth--;
    }
  }
  return roots;
}

}  // namespace memopt
