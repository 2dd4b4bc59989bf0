#include "passes/planning/exact_search.h"

#include <algorithm>

namespace memopt::exact {
namespace {

// Makes a unit of work about as long as a search node of a problem with a few hundred buffers.
constexpr int64_t kStepsPerWork = 2048;

// Of the states that failed, about 60 bytes each; later ones are not remembered.
constexpr size_t kMaxFailed = size_t{1} << 20;

// Of the recursion, a few hundred bytes of stack each.
constexpr int kMaxDepth = 8192;

constexpr uint64_t kJobSalt = 0x9e3779b97f4a7c15u;

uint64_t mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t next_random(uint64_t& state) { return mix(state += kJobSalt); }

Search::Search(const ExactModel& model, int64_t capacity, bool thorough,
               const std::vector<Rank>* ranks, StopToken stop)
    : model_(model), ranks_(ranks), state_(model, capacity, thorough, stop), stop_(stop) {
  for (const ExactModel::Job& job : model.jobs) {
    mean_size_ += static_cast<double>(job.size) / static_cast<double>(model.jobs.size());
  }
  possible_ = place_spanning(everything());
}

Search::Part Search::everything() const {
  return {0, static_cast<uint32_t>(model_.cliques.size()), 0,
          static_cast<uint32_t>(model_.jobs.size())};
}

Verdict Search::run(const Strategy& strategy, int64_t node_limit, int64_t work_limit,
                    uint64_t seed) {
  if (!possible_) return Verdict::kImpossible;
  strategy_ = strategy;
  nodes_left_ = node_limit;
  work_limit_ = work_limit;
  limit_work(work_limit);
  set_ranks(seed);
  furthest_.area = 0;
  furthest_.offsets.assign(model_.jobs.size(), kUnplaced);
  state_.look_at_everything();
  return solve(everything(), true);
}

int64_t Search::work() const { return state_.steps() / kStepsPerWork; }

void Search::limit_work(int64_t work_limit) {
  state_.limit_steps(work_limit > INT64_MAX / kStepsPerWork ? INT64_MAX
                                                            : work_limit * kStepsPerWork);
}

void Search::set_ranks(uint64_t seed) {
  rank_ = ranks_[static_cast<int>(strategy_.job_order)];
  if (strategy_.noise == 0) return;
  for (uint32_t j = 0; j < rank_.size(); ++j) {
    const double noise =
        strategy_.noise * (static_cast<double>(next_random(seed) >> 11) * 0x1p-53 - 0.5);
    if (!strategy_.guide) {
      rank_[j].first *= 1 + noise;
      continue;
    }
    const int64_t offset = (*strategy_.guide)[j];
    const double guided = offset == kUnplaced ? -std::numeric_limits<double>::infinity()
                                              : -static_cast<double>(offset) + noise * mean_size_;
    rank_[j] = {guided, rank_[j].first};
  }
}

// A job that is in all cliques of an empty component may as well lie below everything else there;
// without it, the component may fall apart. False: they do not fit.
bool Search::place_spanning(const Part& whole) {
  for (const Part& part : split(whole)) {
    std::vector<uint32_t> spanning;
    bool has_fixed = false;
    for (uint32_t job = part.job_begin; job < part.job_end; ++job) {
      has_fixed |= model_.jobs[job].fixed_offset.has_value();
      if (!state_.placed(job) && spans(job, part)) spanning.push_back(job);
    }
    if (has_fixed || spanning.empty()) continue;
    std::stable_sort(spanning.begin(), spanning.end(), [&](uint32_t a, uint32_t b) {
      return model_.jobs[a].size > model_.jobs[b].size;
    });
    for (uint32_t job : spanning) {
      if (!state_.place(job)) return false;
    }
    if (!place_spanning(part)) return false;
  }
  return true;
}

// Others can be moved up by its size: they stay aligned, and no padding hides above the capacity.
bool Search::spans(uint32_t job, const Part& part) const {
  const ExactModel::Job& self = model_.jobs[job];
  const auto& neighbors = model_.neighbors[job];
  return model_.cliques_of[job].size() == part.clique_end - part.clique_begin &&
         self.raw_size == self.size &&
         std::all_of(neighbors.begin(), neighbors.end(),
                     [&](uint32_t other) { return self.size % model_.jobs[other].alignment == 0; });
}

void Search::note_dead_end() {
  if (state_.placed_area() <= furthest_.area) return;
  furthest_.area = state_.placed_area();
  for (uint32_t j = 0; j < model_.jobs.size(); ++j) {
    furthest_.offsets[j] = state_.placed(j) ? state_.offset(j) : kUnplaced;
  }
}

// Places all unplaced jobs of the component, or leaves the state as it was.
//
// What failed is remembered. When a state has failed, so have all places that were excluded on the
// way to it; so there is no packing above the same skyline whatsoever, and rest() of the unplaced
// jobs identifies it. But an exclusion may be due to another component that is still to be solved:
// then (`by_skyline` is false) the lowest offsets are part of what failed.
Verdict Search::solve(Part part, bool by_skyline) {
  const size_t mark = state_.mark();
  const size_t first_key = open_.size();
  ++depth_;
  const auto leave = [&](Verdict verdict) {
    --depth_;
    if (verdict == Verdict::kImpossible) {
      for (size_t k = first_key; k < open_.size() && failed_.size() < kMaxFailed; ++k) {
        failed_.insert(open_[k]);
      }
    }
    open_.resize(first_key);
    if (verdict != Verdict::kFound) state_.undo_to(mark);
    return verdict;
  };
  for (;;) {
    if (!state_.propagate(part.job_begin, part.job_end)) {
      note_dead_end();
      return leave(state_.gave_up() ? Verdict::kLimit : Verdict::kImpossible);
    }
    std::vector<Part> parts = split(part);
    if (parts.empty()) return leave(Verdict::kFound);
    if (parts.size() > 1) return leave(solve_parts(parts, by_skyline));
    part = parts[0];
    Key key = skyline_key(part);
    if (failed_.contains(key)) return leave(Verdict::kImpossible);
    if (!by_skyline) {
      key = bounds_key(part);
      if (failed_.contains(key)) return leave(Verdict::kImpossible);
    }
    if (open_.size() == first_key || open_.back() != key) open_.push_back(key);
    if (nodes_left_-- <= 0 || work() >= work_limit_ || depth_ > kMaxDepth || stop_.stopped()) {
      return leave(Verdict::kLimit);
    }
    const uint32_t job = choose(part);
    const size_t before = state_.mark();
    if (state_.place(job)) {
      const Verdict verdict = solve(part, by_skyline);
      if (verdict != Verdict::kImpossible) return leave(verdict);
    }
    state_.undo_to(before);
    if (!state_.raise(job)) return leave(Verdict::kImpossible);
  }
}

// The independent components that still have unplaced jobs.
std::vector<Search::Part> Search::split(const Part& whole) const {
  std::vector<Part> parts;
  uint32_t job = whole.job_begin;
  for (uint32_t from = whole.clique_begin; from < whole.clique_end;) {
    uint32_t to = from;
    while (to + 1 < whole.clique_end && state_.crossing(to) > 0) ++to;
    ++to;
    Part part{from, to, job, job};
    for (; job < whole.job_end && model_.jobs[job].first_clique < to; ++job) {
      part.unplaced += !state_.placed(job);
    }
    part.job_end = job;
    if (part.unplaced > 0) parts.push_back(part);
    from = to;
  }
  return parts;
}

Verdict Search::solve_parts(std::vector<Part>& parts, bool by_skyline) {
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return a.unplaced < b.unplaced; });
  for (const Part& part : parts) {
    // Once all others are solved, the last fails only for itself.
    const bool last = &part == &parts.back();
    const Verdict verdict = solve(part, (last && by_skyline) || !has_restricted(part));
    if (verdict != Verdict::kFound) return verdict;
  }
  return Verdict::kFound;
}

bool Search::has_restricted(const Part& part) const {
  for (uint32_t job = part.job_begin; job < part.job_end; ++job) {
    if (!state_.placed(job) && state_.restricted(job)) return true;
  }
  return false;
}

Search::Key Search::skyline_key(const Part& part) const {
  Key key;
  for (uint32_t job = part.job_begin; job < part.job_end; ++job) {
    if (state_.placed(job)) continue;
    const uint64_t x = mix(static_cast<uint64_t>(state_.rest(job)) + kJobSalt * (job + 1));
    key.a += x;
    key.b += mix(x);
  }
  return key;
}

Search::Key Search::bounds_key(const Part& part) const {
  Key key;
  for (uint32_t job = part.job_begin; job < part.job_end; ++job) {
    if (state_.placed(job)) continue;
    const uint64_t x = mix(static_cast<uint64_t>(state_.rest(job)) + kJobSalt * (job + 1));
    const uint64_t y = mix(x ^ static_cast<uint64_t>(state_.offset(job)));
    key.a += y;
    key.b += mix(y);
  }
  return key;
}

// The job to place next: a clique with the lowest level, so that the packing grows from the bottom,
// and of its jobs at that level that nothing fits under, the one that ranks first. There is one:
// the jobs with the lowest offset of all are candidates in each of their cliques.
uint32_t Search::choose(const Part& part) const {
  int64_t lowest = INT64_MAX;
  for (uint32_t q = part.clique_begin; q < part.clique_end; ++q) {
    if (state_.unplaced_in(q) > 0) lowest = std::min(lowest, state_.clique(q).level);
  }
  double best_tie = std::numeric_limits<double>::infinity();
  uint32_t best_job = UINT32_MAX;
  for (uint32_t q = part.clique_begin; q < part.clique_end; ++q) {
    if (state_.unplaced_in(q) == 0 || state_.clique(q).level != lowest) continue;
    if (tie(q, 1) >= best_tie) continue;
    int candidates = 0;
    uint32_t top = UINT32_MAX;
    for (uint32_t k = 0; k < state_.unplaced_in(q); ++k) {
      const uint32_t job = state_.members_of(q)[k];
      if (state_.offset(job) != lowest) continue;
      ++candidates;
      const bool first =
          top == UINT32_MAX || rank_[job] > rank_[top] || (rank_[job] == rank_[top] && job < top);
      if (first) top = job;
    }
    const double t = tie(q, candidates);
    if (t < best_tie) best_tie = t, best_job = top;
  }
  return best_job;
}

double Search::tie(uint32_t q, int candidates) const {
  switch (strategy_.tie_rule) {
    case TieRule::kHeaviest:
      return -static_cast<double>(state_.total(q));
    case TieRule::kFewest:
      return candidates / state_.weight(q);
    case TieRule::kConflicts:
      return -state_.weight(q);
    case TieRule::kTightest:
      return static_cast<double>(state_.clique(q).slack + 1) * candidates / state_.weight(q);
  }
  return 0;
}

}  // namespace memopt::exact
