// The lock that keeps a plan from growing unnoticed: what a network needs on a target, as JSON of
// schema "memopt.lock/2", to be kept under version control.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "passes/emit/report_diff.h"

namespace memopt {

struct MemoryLock {
  std::string model;    // its name, for people
  std::string network;  // network_digest()
  std::string target;
  std::vector<FigureChange> figures;  // the gated ones; `before` as locked
};

// The gated figures of a plan. kBadInput for a plan that does not say which network it is of.
Result<std::string> lock_text(const Report& report);
// An Error (kBadInput) names what is wrong with the file.
Result<MemoryLock> parse_lock(std::string_view text);

// The figures of a lock against a plan's. kBadInput where the plan is for another target or, unless
// `any_network`, of another network: such figures say nothing about each other.
Result<std::vector<FigureChange>> compare_with_lock(const MemoryLock& lock, const Report& report,
                                                    bool any_network = false);

}  // namespace memopt
