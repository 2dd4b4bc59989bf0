#include "passes/planning/improve.h"

#include <algorithm>
#include <cmath>

#include "passes/planning/exact.h"

namespace memopt {
namespace {

constexpr uint64_t kAttemptsPerEffort = 8;

}  // namespace

Improvement improve_exactly(const Instance& instance, int64_t target, int64_t height,
                            int64_t effort, int64_t work_limit, uint64_t seed, StopToken stop) {
  const ExactPlacer placer(instance);
  Improvement best;
  if (!placer.available()) return best;
  for (uint64_t k = 0; best.work < work_limit && height > target && !stop.stopped(); ++k) {
    if (k % kAttemptsPerEffort == 0 && k > 0) effort = std::min(4 * effort, work_limit);
    // The golden ratio spreads the attempts evenly.
    const double spread = std::fmod(static_cast<double>(k % kAttemptsPerEffort) * 0.6180339887, 1);
    const int64_t capacity =
        target + static_cast<int64_t>(spread * static_cast<double>(height - target));
    ExactResult result =
        placer.decide(capacity, std::min(effort, work_limit - best.work), seed + k, stop);
    best.work += result.work;
    if (result.verdict == Verdict::kImpossible) {
      target = capacity + 1;
      if (placer.proves()) best.lower_bound = target;
    } else if (result.verdict == Verdict::kFound) {
      best.offsets = std::move(result.offsets);
      height = height_of(instance, best.offsets);
    }
  }
  return best;
}

}  // namespace memopt
