#include "passes/planning/improve.h"

#include <algorithm>

#include "passes/planning/exact.h"

namespace memopt {

Improvement improve_exactly(const Instance& instance, int64_t target, int64_t height,
                            int64_t work_limit, uint64_t seed) {
  const ExactPlacer placer(instance);
  Improvement best;
  if (!placer.available()) return best;
  const auto attempt = [&](int64_t capacity, int64_t effort) {
    ExactResult result = placer.decide(capacity, std::min(effort, work_limit - best.work), seed);
    best.work += result.work;
    if (result.verdict == Verdict::kImpossible) {
      target = capacity + 1;
      if (placer.proves()) best.lower_bound = target;
    }
    if (result.verdict == Verdict::kFound) {
      best.offsets = std::move(result.offsets);
      height = height_of(instance, best.offsets);
    }
    return result.verdict;
  };
  for (int64_t effort = 4000; best.work < work_limit && height > target;
       effort = std::min(effort * 4, work_limit)) {
    // Below or at `floor` nothing was found with this effort; below the target nothing is.
    int64_t floor = attempt(target, effort) == Verdict::kLimit ? target : target - 1;
    while (best.work < work_limit && height > target &&
           (floor < target || height - floor > std::max<int64_t>(1, floor / 512))) {
      const int64_t middle = floor + (height - floor) / 2;
      if (attempt(middle, effort) != Verdict::kFound) floor = middle;
    }
  }
  return best;
}

}  // namespace memopt
