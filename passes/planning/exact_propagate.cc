// The conclusions that ExactState draws.
#include <algorithm>

#include "passes/planning/exact_state.h"
#include "runtime/base/checked.h"

namespace memopt {
namespace {

// Insertion: the order changed little since the last time.
template <typename Value>
void sort_by(uint32_t* jobs, size_t count, const Value& value) {
  for (size_t i = 1; i < count; ++i) {
    const uint32_t job = jobs[i];
    const int64_t own = value(job);
    size_t k = i;
    for (; k > 0 && value(jobs[k - 1]) > own; --k) jobs[k] = jobs[k - 1];
    jobs[k] = job;
  }
}

}  // namespace

// The unplaced jobs must fit above their lowest offsets, one after the other by those.
bool ExactState::propagate_clique(uint32_t q) {
  const size_t m = count_[q];
  if (m == 0) return true;
  uint32_t* const jobs = &members_[first_member_[q]];
  for (;;) {
    if (is_limit_reached()) return false;
    steps_ += static_cast<int64_t>(4 * m);
    sort_by(jobs, m, [&](uint32_t job) { return jobs_[job].low; });
    const int64_t latest_first = capacity_ - total_[q];
    int64_t end = 0;
    size_t firsts = 0;
    for (size_t i = 0; i < m; ++i) {
      const Times& job = jobs_[jobs[i]];
      firsts += job.low <= latest_first;
      end = std::max(end, job.low) + job.size;
    }
    const int64_t slack = capacity_ - end;
    if (slack < 0) {
      weight_[q] += 1;
      return false;
    }
    const size_t before = trail_.size();
    const bool ok =
        firsts == m || (thorough_ ? raise_above_enough(q, firsts) : raise_not_first(q, firsts));
    if (!ok) {
      weight_[q] += 1;
      return false;
    }
    if (trail_.size() > before) continue;
    Clique& old = cached_[q];
    const Clique now{jobs_[jobs[0]].low, slack};
    if (old.level != now.level || old.slack != now.slack) {
      trail_.push_back({Change::kClique, false, q, old.level, old.slack});
      old = now;
    }
    return true;
  }
}

// A job that, lowest of all, would push the clique past the capacity rests on one of the `firsts`
// that would not.
bool ExactState::raise_not_first(uint32_t q, size_t firsts) {
  const uint32_t* const jobs = &members_[first_member_[q]];
  int64_t support = INT64_MAX;
  for (size_t i = 0; i < firsts; ++i) support = std::min(support, jobs_[jobs[i]].end());
  bool restricted = false, looked = false;
  for (size_t i = firsts; i < count_[q]; ++i) {
    const uint32_t job = jobs[i];
    if (jobs_[job].low >= support) continue;
    if (support == INT64_MAX) return false;
    for (size_t k = 0; k < count_[q] && !looked; ++k) restricted |= rest_[jobs[k]].restricted;
    looked = true;
    const int64_t low = align_up(support, alignment_[job]);
    if (!set_low(job, low, rest_[job].rest, restricted)) return false;
  }
  return true;
}

// The same for every subset of the clique at once: below a job that lies at x, there are at least
// x + total - capacity bytes of others, which end at x or before.
bool ExactState::raise_above_enough(uint32_t q, size_t firsts) {
  const size_t m = count_[q];
  const uint32_t* const jobs = &members_[first_member_[q]];
  uint32_t* const by_end = &by_end_[first_member_[q]];
  steps_ += static_cast<int64_t>(4 * m);
  sort_by(by_end, m, [&](uint32_t job) { return jobs_[job].end(); });
  // What changes below is looked at in the next round.
  for (size_t k = 0; k < m; ++k) ends_[k] = {jobs_[by_end[k]].end(), jobs_[by_end[k]].size};
  const int64_t excess = total_[q] - capacity_;
  size_t below = 0;   // of the ends: those at the current job's lowest offset or before
  int64_t bytes = 0;  // of those
  bool restricted = false, looked = false;
  for (size_t i = firsts; i < m; ++i) {
    const uint32_t job = jobs[i];
    const int64_t low = jobs_[job].low;
    for (; below < m && ends_[below].end <= low; ++below) {
      if (by_end[below] != job) bytes += ends_[below].size;
    }
    if (bytes >= low + excess) continue;
    int64_t more = bytes, x = low;
    for (size_t k = below; more < x + excess; ++k) {
      if (k == m) return false;
      if (by_end[k] == job) continue;
      x = ends_[k].end;
      more += ends_[k].size;
    }
    for (size_t k = 0; k < m && !looked; ++k) restricted |= rest_[jobs[k]].restricted;
    looked = true;
    if (!set_low(job, align_up(x, alignment_[job]), rest_[job].rest, restricted)) return false;
  }
  return true;
}

bool ExactState::drain_queue() {
  for (bool any = true; any;) {
    any = false;
    for (size_t word = 0; word < queue_.size(); ++word) {
      while (queue_[word] != 0) {
        any = true;
        const auto bit = static_cast<uint32_t>(__builtin_ctzll(queue_[word]));
        const auto q = static_cast<uint32_t>(64 * word) + bit;
        const bool ok = propagate_clique(q);
        queue_[word] &= ~(uint64_t{1} << bit);
        if (!ok) return fail();
      }
    }
  }
  return true;
}

// When no unplaced neighbor can get under it at rest_, it can lie there whatever comes. Had it been
// raised, the packing could be pushed down.
int ExactState::settle_job(uint32_t job) {
  const int64_t top = rest_[job].rest + jobs_[job].size;
  const auto& neighbors = model_.neighbors[job];
  const auto gets_under = [&](uint32_t k) {
    return !placed_[neighbors[k]] && jobs_[neighbors[k]].low < top;
  };
  const auto count = static_cast<uint32_t>(neighbors.size());
  if (under_[job] < count && gets_under(under_[job])) return 0;
  uint32_t k = 0;
  while (k < count && !gets_under(k)) ++k;
  steps_ += k;
  under_[job] = k;
  if (k < count) return 0;
  return jobs_[job].low == rest_[job].rest && place(job) ? 1 : -1;
}

// A job that cannot lie on its placed neighbors rests on an unplaced one.
int ExactState::support_job(uint32_t job) {
  const int64_t low = jobs_[job].low;
  if (low == rest_[job].rest) return 0;
  const auto& neighbors = model_.neighbors[job];
  const auto supports = [&](uint32_t k) {
    return !placed_[neighbors[k]] && jobs_[neighbors[k]].end() <= low;
  };
  const auto count = static_cast<uint32_t>(neighbors.size());
  if (support_[job] < count && supports(support_[job])) return 0;
  uint32_t k = 0;
  while (k < count && !supports(k)) ++k;
  steps_ += k;
  support_[job] = k;
  if (k < count) return 0;
  int64_t lowest = INT64_MAX;
  bool restricted = rest_[job].restricted;
  for (uint32_t other : neighbors) {
    if (placed_[other]) continue;
    lowest = std::min(lowest, jobs_[other].end());
    restricted |= rest_[other].restricted;
  }
  steps_ += count;
  if (lowest == INT64_MAX) return -1;
  return set_low(job, align_up(lowest, alignment_[job]), rest_[job].rest, restricted) ? 1 : -1;
}

int ExactState::settle(uint32_t begin, uint32_t end) {
  int result = 0;
  steps_ += end - begin;
  for (uint32_t job = begin; job < end; ++job) {
    if (placed_[job]) continue;
    const int settled = settle_job(job);
    if (settled < 0) return -1;
    const int supported = settled == 0 ? support_job(job) : 0;
    if (supported < 0) return -1;
    result |= settled | supported;
  }
  return result;
}

bool ExactState::propagate(uint32_t begin, uint32_t end) {
  for (;;) {
    if (is_limit_reached()) return fail();
    if (!drain_queue()) return false;
    const int settled = settle(begin, end);
    if (settled < 0) return fail();
    if (settled == 0) return true;
  }
}

}  // namespace memopt
