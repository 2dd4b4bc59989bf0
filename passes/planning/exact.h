// Exact placement under a capacity: branch and bound with proof.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
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

struct DecideOptions {
  // Units are deterministic ones, about as long as a search node of a problem with a few hundred
  // buffers (microseconds).
  int64_t work_limit = 0;
  uint64_t seed = 1;
  int threads = 1;  // used, at most; the result does not depend on it
  // Offsets of the items in a packing that is a little too high, to search near; or empty.
  std::span<const int64_t> near = {};
  StopToken stop = {};
};

// Decides whether the instance fits into `capacity` bytes. Deterministic. Needs a model of the
// conflicts, which is built once.
class ExactPlacer {
 public:
  explicit ExactPlacer(const Instance& instance);
  ~ExactPlacer();
  // False when there are too many conflicts to search among: decide() then always meets its limit.
  bool available() const;
  // False for instances with windows in gaps, which are searched as if they were full conflicts: a
  // packing is one, but kImpossible only holds for that reading.
  bool proves() const;
  ExactResult decide(int64_t capacity, const DecideOptions& options) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace memopt
