// When the bytes of each storage are live.
#pragma once

#include <algorithm>
#include <cstdint>

namespace memopt {

// Half-open, in steps; empty (begin == end) for a storage that is never live.
struct StepRange {
  int64_t begin = 0;
  int64_t end = 0;
  bool operator==(const StepRange&) const = default;
};

// Grows `lifetime` to hold step `step`.
inline void touch(StepRange& lifetime, int64_t step) {
  if (lifetime.begin == lifetime.end) {
    lifetime = {step, step + 1};
    return;
  }
  lifetime.begin = std::min(lifetime.begin, step);
  lifetime.end = std::max(lifetime.end, step + 1);
}

}  // namespace memopt
