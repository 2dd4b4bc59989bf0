// Runs a function in a process of its own for every point where it can fail.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/faults/inject.h"

namespace memopt::faults {

struct Outcome {
  Fault fault;
  bool hit = false;          // the point was reached
  bool output_lost = false;  // it could not write to standard output
  bool hung = false;         // ended after kMostSeconds
  int status = 0;            // that it ended with; 128 + n after signal n
  std::string message;       // what it wrote to standard error
  int64_t points = 0;        // passed
  // The library in which it died by a failure of the library's own calls; "" where it did not die,
  // or memopt is to blame.
  std::string died_in_library;
  // Where the first operation failed, and where it died: "module+offset ...", innermost first, for
  // addr2line.
  std::string fault_stack, crash_stack;

  bool died() const { return hung || status >= 128 || !died_in_library.empty(); }
};

inline constexpr int kMostSeconds = 60;

// Forks; the child runs `body`, exits with its result, and meets `fault` on the way.
Outcome run_with(const Fault& fault, const std::function<int()>& body);

// Points are tried from `first` on, every `stride`-th.
struct Sampling {
  int64_t first = 1;
  int64_t stride = 1;
};

// Calls `see` with the outcome of the undisturbed run and then of each point. The number of points.
int64_t for_each_point(Fault kind, const Sampling& sampling, const std::function<int()>& body,
                       const std::function<void(const Outcome&)>& see);

}  // namespace memopt::faults
