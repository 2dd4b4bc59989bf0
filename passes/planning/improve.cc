#include "passes/planning/improve.h"

#include <algorithm>

#include "passes/planning/exact.h"

namespace memopt {

Improvement fit_exactly(const Instance& instance, int64_t capacity, int64_t work_limit,
                        uint64_t seed) {
  const ExactPlacer placer(instance);
  ExactResult result = placer.decide(capacity, work_limit, seed);
  const bool proved = result.verdict == Verdict::kImpossible && placer.proves();
  return {std::move(result.offsets), proved ? capacity + 1 : 0, result.nodes};
}

Improvement improve_exactly(const Instance& instance, int64_t lower_bound, int64_t height,
                            int64_t work_limit, uint64_t seed) {
  const ExactPlacer placer(instance);
  Improvement best;
  if (!placer.available()) return best;
  const auto attempt = [&](int64_t capacity, int64_t nodes) {
    ExactResult result = placer.decide(capacity, std::min(nodes, work_limit - best.nodes), seed);
    best.nodes += result.nodes;
    if (result.verdict == Verdict::kImpossible) lower_bound = capacity + 1;
    if (result.verdict == Verdict::kFound) {
      best.offsets = std::move(result.offsets);
      height = height_of(instance, best.offsets);
    }
    return result.verdict;
  };
  // An attempt may end without spending a node, so the effort is bounded as well as the work.
  for (int64_t effort = 2000;
       effort / 4 < work_limit && best.nodes < work_limit && height > lower_bound; effort *= 4) {
    if (attempt(lower_bound, effort) != Verdict::kLimit) continue;
    int64_t floor = lower_bound;  // not reached with this effort
    while (best.nodes < work_limit && height - floor > std::max<int64_t>(1, floor / 512)) {
      const int64_t middle = floor + (height - floor) / 2;
      if (attempt(middle, effort) != Verdict::kFound) floor = middle;
    }
  }
  if (placer.proves()) best.lower_bound = std::min(lower_bound, height);
  return best;
}

}  // namespace memopt
