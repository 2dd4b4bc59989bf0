// The NAS and randomly wired networks as ordering problems, and what is published about them.
#pragma once

#include <string>
#include <vector>

#include "passes/planning/order.h"
#include "runtime/base/result.h"

namespace memopt {

// Measured with the program of HMCOS (Wang et al., DAC 2022) on a machine of two cores of the class
// that memopt's figures are from, in this memory model; arenas with TensorFlow Lite's planner
// behind the order. KB of 1024 bytes, CPU seconds of one thread; 0: no result in 600 s.
struct Published {
  const char* name = nullptr;
  double hmcos_peak_kb = 0;
  double hmcos_seconds = 0;
  double rpo_arena_kb = 0;    // post-order and TFLite's arena
  double hmcos_arena_kb = 0;  // HMCOS and TFLite's arena
};

struct Network {
  std::string name;
  OrderProblem problem;
  const Published* published = nullptr;  // null where there is none
};

// The files FOLDER/*.g whose names begin with `prefix`, by name. Error (kBadInput): none, or a bad
// one.
Result<std::vector<Network>> load_networks(const std::string& folder, const std::string& prefix);

// CPU seconds of this process so far.
double cpu_seconds();

// Bytes as KB of 1024 bytes with one decimal.
std::string kb(int64_t bytes);

}  // namespace memopt
