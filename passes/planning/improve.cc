#include "passes/planning/improve.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace memopt {
namespace {

constexpr uint64_t kAttemptsPerEffort = 8;

}  // namespace

Improvement improve_exactly(const Instance& instance, const ImproveOptions& options) {
  const ExactPlacer placer(instance);
  Improvement best;
  if (!placer.available()) return best;
  int64_t target = options.target_bytes, height = options.height_bytes, effort = options.effort;
  const int64_t work_limit = options.search.work_limit;
  for (uint64_t k = 0; best.work < work_limit && height > target; ++k) {
    if (options.search.stop.stopped()) break;
    if (k % kAttemptsPerEffort == 0 && k > 0) effort = std::min(4 * effort, work_limit);
    // The golden ratio spreads the attempts evenly.
    const double spread = std::fmod(static_cast<double>(k % kAttemptsPerEffort) * 0.6180339887, 1);
    const int64_t capacity =
        target + static_cast<int64_t>(std::sqrt(spread) * static_cast<double>(height - target));
    if (options.progress) {
      options.progress("placement in " + std::to_string(height) + " bytes, looking for " +
                       std::to_string(capacity) + " bytes, work " + std::to_string(best.work) +
                       " of " + std::to_string(work_limit));
    }
    DecideOptions search = options.search;
    search.work_limit = std::min(effort, work_limit - best.work);
    search.seed += k;
    search.near = best.offsets;
    ExactResult result = placer.decide(capacity, search);
    best.work += std::max<int64_t>(result.work, 1);  // so that attempts that take none end too
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
