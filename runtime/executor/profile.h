// Where the time of a session goes, per instruction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace memopt {

struct StepTime {
  int64_t begin_ns = 0;  // of the last run, from its start
  int64_t end_ns = 0;
  int64_t total_ns = 0;  // over all runs
};

struct Profile {
  int64_t runs = 0;
  std::vector<StepTime> steps;  // one per instruction
};

// The last run as a Chrome trace (JSON; opens in Perfetto and chrome://tracing): one event per
// instruction, and the bytes of the arena in use over time as a counter.
std::string to_trace(const Plan& plan, const Profile& profile);

}  // namespace memopt
