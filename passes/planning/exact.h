// Exact placement under a capacity: branch and bound with proof.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "passes/planning/instance.h"
#include "passes/planning/stop.h"

namespace memopt {

enum class Verdict {
  kFound,       // offsets hold a packing within the capacity
  kImpossible,  // proved: there is none
  kLimit,       // the work limit or the token came first
};

struct ExactResult {
  Verdict verdict = Verdict::kLimit;
  std::vector<int64_t> offsets;  // of the instance's items, when found
  int64_t work = 0;
};

// Decides whether the instance fits into `capacity` bytes, in at most `work_limit` units of work:
// deterministic ones, about as long as a search node of a problem with a few hundred buffers
// (microseconds). Deterministic for a seed. Needs a model of the conflicts, which is built once.
class ExactPlacer {
 public:
  explicit ExactPlacer(const Instance& instance);
  ~ExactPlacer();
  // False when there are too many conflicts to search among: decide() then always meets its limit.
  bool available() const;
  // False for instances with windows in gaps, which are searched as if they were full conflicts: a
  // packing is one, but kImpossible only holds for that reading.
  bool proves() const;
  ExactResult decide(int64_t capacity, int64_t work_limit, uint64_t seed,
                     StopToken stop = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace memopt
