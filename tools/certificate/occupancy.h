// The bytes that are occupied as steps run, by the rules of problem.h.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/certificate/problem.h"

namespace memopt::certificate {

// A set of steps that have run; grows and shrinks by one step at a time.
class Occupancy {
 public:
  explicit Occupancy(const Problem& problem);

  // Between two steps. Before the first one this leaves out the inputs that no step reads.
  int64_t bytes() const { return bytes_; }
  bool has_run(int32_t step) const { return done_[static_cast<size_t>(step)] != 0; }
  bool is_ready(int32_t step) const {
    return !has_run(step) && waits_[static_cast<size_t>(step)] == 0;
  }
  // `storage` is occupied now, without what the next step adds.
  bool is_occupied(int32_t storage) const;

  // While `step` (ready) runs: the fewest bytes, overwriting what can be; and what of that is
  // saved.
  int64_t running_bytes(int32_t step) const;
  int64_t saved_bytes(int32_t step) const;
  // By how much bytes() grows when it has run.
  int64_t growth_bytes(int32_t step) const;

  void run(int32_t step);
  void undo(int32_t step);  // nothing that waits for it has run

 private:
  const ArenaStorage& storage_at(int32_t storage) const {
    return problem_.storages[static_cast<size_t>(storage)];
  }
  size_t left(int32_t storage) const { return left_[static_cast<size_t>(storage)]; }
  bool begins_here(int32_t storage) const {
    return !storage_at(storage).at_start && left(storage) == storage_at(storage).steps.size();
  }
  bool ends_here(int32_t storage) const {
    return !storage_at(storage).at_end && left(storage) == 1;
  }

  const Problem& problem_;
  int64_t bytes_ = 0;
  std::vector<uint8_t> done_;
  std::vector<int32_t> waits_;  // per step: steps it still waits for
  std::vector<size_t> left_;    // per storage: steps that have yet to touch it
};

// Everything that is occupied at the start, and at the end, inputs that no step reads included.
int64_t start_bytes(const Problem& problem);
int64_t end_bytes(const Problem& problem);

// While each step runs, in the order of the plan.
std::vector<int64_t> running_bytes_in_order(const Problem& problem);

}  // namespace memopt::certificate
