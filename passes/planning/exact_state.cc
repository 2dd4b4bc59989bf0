#include "passes/planning/exact_state.h"

#include <algorithm>

#include "runtime/base/checked.h"

namespace memopt {
namespace {

// Of the trail: 32 bytes each. The packings that anyone has looked for need a hundredth of it.
constexpr size_t kMaxChanges = size_t{1} << 20;

}  // namespace

ExactState::ExactState(const ExactModel& model, int64_t capacity, bool thorough, StopToken stop)
    : model_(model),
      thorough_(thorough),
      stop_(stop),
      capacity_(align_up(capacity, model.granularity)),
      placed_(model.jobs.size(), 0),
      under_(model.jobs.size(), 0),
      support_(model.jobs.size(), 0),
      crossing_(model.cliques.size(), 0),
      weight_(model.cliques.size(), 1.0),
      queue_(model.cliques.size() / 64 + 1, 0) {
  for (uint32_t j = 0; j < model.jobs.size(); ++j) {
    const ExactModel::Job& job = model.jobs[j];
    const int64_t top = capacity - job.raw_size;
    ceiling_.push_back(job.fixed_offset ? std::min(*job.fixed_offset, top)
                                        : (top < 0 ? -1 : top / job.alignment * job.alignment));
    alignment_.push_back(job.alignment);
    const int64_t low = job.below == ExactModel::kNone
                            ? job.fixed_offset.value_or(0)
                            : align_up(jobs_[job.below].end(), job.alignment);
    jobs_.push_back({low, job.size});
    rest_.push_back({job.fixed_offset.value_or(0), false});
    for (uint32_t q = job.first_clique; q < job.last_clique; ++q) ++crossing_[q];
  }
  for (const auto& members : model.cliques) {
    int64_t total = 0;
    for (uint32_t j : members) total += jobs_[j].size;
    count_.push_back(static_cast<uint32_t>(members.size()));
    total_.push_back(total);
    cached_.emplace_back();
    first_member_.push_back(static_cast<uint32_t>(members_.size()));
    members_.insert(members_.end(), members.begin(), members.end());
  }
  if (!thorough_) return;
  by_end_ = members_;
  ends_.resize(jobs_.size());
}

void ExactState::look_at_everything() {
  for (uint32_t job = 0; job < model_.jobs.size(); ++job) touch_cliques(job);
}

bool ExactState::fail() {
  std::fill(queue_.begin(), queue_.end(), 0);
  return false;
}

bool ExactState::is_limit_reached() {
  gave_up_ = gave_up_ || steps_ >= max_steps_ || trail_.size() >= kMaxChanges || stop_.stopped();
  return gave_up_;
}

void ExactState::touch_cliques(uint32_t job) {
  const auto& cliques = model_.cliques_of[job];
  const uint32_t first = cliques.front(), last = cliques.back();
  if (last - first + 1 != cliques.size()) {
    for (uint32_t q : cliques) queue_[q / 64] |= uint64_t{1} << (q % 64);
    steps_ += static_cast<int64_t>(cliques.size());
    return;
  }
  const uint64_t from = ~uint64_t{0} << (first % 64), to = ~uint64_t{0} >> (63 - last % 64);
  const uint32_t first_word = first / 64, last_word = last / 64;
  steps_ += last_word - first_word + 1;
  if (first_word == last_word) {
    queue_[first_word] |= from & to;
    return;
  }
  queue_[first_word] |= from;
  for (uint32_t k = first_word + 1; k < last_word; ++k) queue_[k] = ~uint64_t{0};
  queue_[last_word] |= to;
}

bool ExactState::set_low(uint32_t job, int64_t low, int64_t rest, bool restricted) {
  trail_.push_back({Change::kBounds, rest_[job].restricted, job, jobs_[job].low, rest_[job].rest});
  if (low > jobs_[job].low) touch_cliques(job);
  jobs_[job].low = low;
  rest_[job] = {rest, restricted && low > rest};
  if (low > ceiling_[job]) return false;
  const uint32_t above = model_.jobs[job].above;
  if (above == ExactModel::kNone || placed_[above]) return true;
  const int64_t next = align_up(jobs_[job].end(), alignment_[above]);
  return jobs_[above].low >= next ||
         set_low(above, next, rest_[above].rest, rest_[above].restricted || rest_[job].restricted);
}

// Behind the unplaced members, whose order is kept.
void ExactState::take_out(std::vector<uint32_t>& members, uint32_t q, uint32_t job) {
  uint32_t* const begin = &members[first_member_[q]];
  uint32_t* const end = begin + count_[q];
  uint32_t* at = begin;
  while (*at != job) ++at;
  std::copy(at + 1, end, at);
  end[-1] = job;
}

bool ExactState::place(uint32_t job) {
  steps_ += static_cast<int64_t>(model_.neighbors[job].size());
  if (jobs_[job].low > ceiling_[job]) return fail();
  const int64_t top = jobs_[job].end();
  trail_.push_back({Change::kPlaced, false, job, 0, 0});
  placed_[job] = 1;
  placed_area_ += jobs_[job].size * static_cast<int64_t>(model_.cliques_of[job].size());
  for (uint32_t q : model_.cliques_of[job]) {
    take_out(members_, q, job);
    if (thorough_) take_out(by_end_, q, job);
    steps_ += count_[q] / 8;
    --count_[q];
    total_[q] -= jobs_[job].size;
  }
  const auto& self = model_.jobs[job];
  for (uint32_t q = self.first_clique; q < self.last_clique; ++q) --crossing_[q];
  touch_cliques(job);
  for (uint32_t other : model_.neighbors[job]) {
    if (placed_[other]) continue;
    const int64_t above = align_up(top, alignment_[other]);
    if (rest_[other].rest >= above) continue;
    if (!set_low(other, std::max(jobs_[other].low, above), above, rest_[other].restricted)) {
      return fail();
    }
  }
  return true;
}

bool ExactState::raise(uint32_t job) {
  int64_t support = INT64_MAX;
  for (uint32_t other : model_.neighbors[job]) {
    if (!placed_[other]) support = std::min(support, jobs_[other].end());
  }
  if (support == INT64_MAX) return fail();
  return set_low(job, align_up(support, alignment_[job]), rest_[job].rest, true) || fail();
}

void ExactState::undo_to(size_t mark) {
  while (trail_.size() > mark) {
    const Undo& undo = trail_.back();
    const uint32_t i = undo.index;
    switch (undo.change) {
      case Change::kBounds:
        jobs_[i].low = undo.low;
        rest_[i] = {undo.rest, undo.restricted};
        break;
      case Change::kPlaced: {
        placed_[i] = 0;
        placed_area_ -= jobs_[i].size * static_cast<int64_t>(model_.cliques_of[i].size());
        for (uint32_t q : model_.cliques_of[i]) {
          ++count_[q];
          total_[q] += jobs_[i].size;
        }
        const auto& self = model_.jobs[i];
        for (uint32_t q = self.first_clique; q < self.last_clique; ++q) ++crossing_[q];
        break;
      }
      case Change::kClique:
        cached_[i] = {undo.low, undo.rest};
        break;
    }
    trail_.pop_back();
  }
}

ExactState::Snapshot ExactState::snapshot() const {
  Snapshot result;
  const size_t n = jobs_.size();
  steps_ += static_cast<int64_t>(n);
  result.low.reserve(n);
  result.rest.reserve(n);
  for (size_t j = 0; j < n; ++j) {
    result.low.push_back(jobs_[j].low);
    result.rest.push_back(rest_[j].rest);
    result.placed.push_back(placed_[j]);
    result.restricted.push_back(rest_[j].restricted);
  }
  return result;
}

void ExactState::restore(const Snapshot& snapshot) {
  trail_.clear();
  placed_area_ = 0;
  std::fill(crossing_.begin(), crossing_.end(), 0);
  for (uint32_t j = 0; j < jobs_.size(); ++j) {
    jobs_[j].low = snapshot.low[j];
    rest_[j] = {snapshot.rest[j], snapshot.restricted[j]};
    placed_[j] = snapshot.placed[j];
    const ExactModel::Job& self = model_.jobs[j];
    if (placed_[j]) {
      placed_area_ += self.size * static_cast<int64_t>(model_.cliques_of[j].size());
      continue;
    }
    for (uint32_t q = self.first_clique; q < self.last_clique; ++q) ++crossing_[q];
  }
  for (uint32_t q = 0; q < count_.size(); ++q) {
    const auto begin = members_.begin() + first_member_[q];
    const auto end = begin + static_cast<int64_t>(model_.cliques[q].size());
    const auto unplaced_end =
        std::stable_partition(begin, end, [&](uint32_t j) { return !placed_[j]; });
    count_[q] = static_cast<uint32_t>(unplaced_end - begin);
    total_[q] = 0;
    for (auto at = begin; at != unplaced_end; ++at) total_[q] += jobs_[*at].size;
    queue_[q / 64] |= uint64_t{1} << (q % 64);
  }
  if (thorough_) by_end_ = members_;
  steps_ += static_cast<int64_t>(members_.size() + jobs_.size());
}

}  // namespace memopt
