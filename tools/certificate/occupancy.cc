#include "tools/certificate/occupancy.h"

namespace memopt::certificate {

Occupancy::Occupancy(const Problem& problem)
    : problem_(problem), bytes_(problem.always_bytes), done_(problem.steps.size(), 0) {
  for (const Step& step : problem.steps) waits_.push_back(static_cast<int32_t>(step.before.size()));
  for (const ArenaStorage& storage : problem.storages) {
    left_.push_back(storage.steps.size());
    if (storage.at_start && !storage.is_idle_input()) bytes_ += storage.bytes;
  }
}

bool Occupancy::is_occupied(int32_t storage) const {
  const ArenaStorage& at = storage_at(storage);
  if (at.is_idle_input()) return false;
  const bool begun = at.at_start || left(storage) < at.steps.size();
  return begun && (at.at_end || left(storage) > 0);
}

int64_t Occupancy::saved_bytes(int32_t step) const {
  const Step& at = problem_.steps[static_cast<size_t>(step)];
  if (at.overwrites.empty()) return 0;
  std::vector<Overwrite> possible;
  for (const Overwrite& pair : at.overwrites) {
    if (begins_here(pair.result) && ends_here(pair.operand)) possible.push_back(pair);
  }
  return most_saved(possible, has_many(at));
}

int64_t Occupancy::running_bytes(int32_t step) const {
  const Step& at = problem_.steps[static_cast<size_t>(step)];
  int64_t bytes = bytes_ + at.scratch_bytes;
  for (const int32_t storage : at.storages) {
    if (begins_here(storage)) bytes += storage_at(storage).bytes;
  }
  return bytes - saved_bytes(step);
}

int64_t Occupancy::growth_bytes(int32_t step) const {
  int64_t bytes = 0;
  for (const int32_t storage : problem_.steps[static_cast<size_t>(step)].storages) {
    if (begins_here(storage)) bytes += storage_at(storage).bytes;
    if (ends_here(storage)) bytes -= storage_at(storage).bytes;
  }
  return bytes;
}

void Occupancy::run(int32_t step) {
  bytes_ += growth_bytes(step);
  done_[static_cast<size_t>(step)] = 1;
  const Step& at = problem_.steps[static_cast<size_t>(step)];
  for (const int32_t storage : at.storages) --left_[static_cast<size_t>(storage)];
  for (const int32_t other : at.after) --waits_[static_cast<size_t>(other)];
}

void Occupancy::undo(int32_t step) {
  const Step& at = problem_.steps[static_cast<size_t>(step)];
  for (const int32_t other : at.after) ++waits_[static_cast<size_t>(other)];
  for (const int32_t storage : at.storages) ++left_[static_cast<size_t>(storage)];
  done_[static_cast<size_t>(step)] = 0;
  bytes_ -= growth_bytes(step);
}

int64_t start_bytes(const Problem& problem) {
  int64_t bytes = problem.always_bytes;
  for (const ArenaStorage& storage : problem.storages) {
    if (storage.at_start) bytes += storage.bytes;
  }
  return bytes;
}

int64_t end_bytes(const Problem& problem) {
  int64_t bytes = problem.always_bytes;
  for (const ArenaStorage& storage : problem.storages) {
    if (storage.at_end) bytes += storage.bytes;
  }
  return bytes;
}

std::vector<int64_t> running_bytes_in_order(const Problem& problem) {
  std::vector<int64_t> bytes;
  Occupancy occupancy(problem);
  for (int32_t step = 0; step < problem.step_count(); ++step) {
    bytes.push_back(occupancy.running_bytes(step));
    occupancy.run(step);
  }
  return bytes;
}

}  // namespace memopt::certificate
