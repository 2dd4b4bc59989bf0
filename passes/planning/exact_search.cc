#include "passes/planning/exact_search.h"

#include <algorithm>

namespace memopt::exact {
namespace {

// Makes a unit of work about as long as a search node of a problem with a few hundred buffers.
constexpr int64_t kStepsPerWork = 2048;

}  // namespace

uint64_t next_random(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

Search::Search(const ExactModel& model, int64_t capacity, const std::vector<Rank>* ranks,
               StopToken stop)
    : model_(model), ranks_(ranks), state_(model, capacity), stop_(stop) {
  for (const ExactModel::Job& job : model.jobs) {
    mean_size_ += static_cast<double>(job.size) / static_cast<double>(model.jobs.size());
  }
  possible_ = place_spanning(0, static_cast<uint32_t>(model.cliques.size()), 0,
                             static_cast<uint32_t>(model.jobs.size()));
}

Verdict Search::run(const Strategy& strategy, int64_t node_limit, int64_t work_limit,
                    uint64_t seed) {
  if (!possible_) return Verdict::kImpossible;
  strategy_ = strategy;
  nodes_left_ = node_limit;
  work_limit_ = work_limit;
  set_ranks(seed);
  furthest_.area = 0;
  furthest_.offsets.assign(model_.jobs.size(), kUnplaced);
  state_.look_at_everything();
  return solve(0, static_cast<uint32_t>(model_.cliques.size()), 0,
               static_cast<uint32_t>(model_.jobs.size()));
}

int64_t Search::work() const { return state_.steps() / kStepsPerWork; }

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
bool Search::place_spanning(uint32_t clique_begin, uint32_t clique_end, uint32_t job_begin,
                            uint32_t job_end) {
  for (const Part& part : split(clique_begin, clique_end, job_begin, job_end)) {
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
    if (!place_spanning(part.clique_begin, part.clique_end, part.job_begin, part.job_end)) {
      return false;
    }
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
Verdict Search::solve(uint32_t clique_begin, uint32_t clique_end, uint32_t job_begin,
                      uint32_t job_end) {
  const size_t mark = state_.mark();
  const size_t first_key = open_.size();
  const auto leave = [&](Verdict verdict) {
    if (verdict == Verdict::kImpossible) {
      for (size_t k = first_key; k < open_.size(); ++k) failed_.insert(open_[k]);
    }
    open_.resize(first_key);
    if (verdict != Verdict::kFound) state_.undo_to(mark);
    return verdict;
  };
  for (;;) {
    if (!state_.propagate(job_begin, job_end)) {
      note_dead_end();
      return leave(Verdict::kImpossible);
    }
    std::vector<Part> parts = split(clique_begin, clique_end, job_begin, job_end);
    if (parts.empty()) return leave(Verdict::kFound);
    if (parts.size() > 1) return leave(solve_parts(parts));
    clique_begin = parts[0].clique_begin;
    clique_end = parts[0].clique_end;
    job_begin = parts[0].job_begin;
    job_end = parts[0].job_end;
    if (failed_.contains(state_.key)) return leave(Verdict::kImpossible);
    open_.push_back(state_.key);
    if (nodes_left_-- <= 0 || work() >= work_limit_ || stop_.stopped()) {
      return leave(Verdict::kLimit);
    }
    const uint32_t job = choose(clique_begin, clique_end);
    const size_t before = state_.mark();
    if (state_.place(job)) {
      const Verdict verdict = solve(clique_begin, clique_end, job_begin, job_end);
      if (verdict != Verdict::kImpossible) return leave(verdict);
    }
    state_.undo_to(before);
    if (!state_.raise(job)) return leave(Verdict::kImpossible);
  }
}

// The independent components of a range of cliques that still have unplaced jobs.
std::vector<Search::Part> Search::split(uint32_t clique_begin, uint32_t clique_end,
                                        uint32_t job_begin, uint32_t job_end) const {
  std::vector<Part> parts;
  uint32_t job = job_begin;
  for (uint32_t from = clique_begin; from < clique_end;) {
    uint32_t to = from;
    while (to + 1 < clique_end && state_.crossing(to) > 0) ++to;
    ++to;
    const uint32_t first_job = job;
    uint32_t unplaced = 0;
    StateKey key;
    for (; job < job_end && model_.jobs[job].first_clique < to; ++job) {
      if (state_.placed(job)) continue;
      ++unplaced;
      key += state_.key_of(job);
    }
    if (unplaced > 0) parts.push_back({from, to, first_job, job, unplaced, key});
    from = to;
  }
  return parts;
}

Verdict Search::solve_parts(std::vector<Part>& parts) {
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return a.unplaced < b.unplaced; });
  StateKey rest = state_.key;
  for (const Part& part : parts) {
    state_.key = part.key;
    const Verdict verdict = solve(part.clique_begin, part.clique_end, part.job_begin, part.job_end);
    if (verdict != Verdict::kFound) {
      state_.key = rest;
      return verdict;
    }
    rest -= part.key;
  }
  state_.key = {};
  return Verdict::kFound;
}

// The job to place next: a clique with the lowest level, so that the packing grows from the bottom,
// and of its jobs at that level that nothing fits under, the one that ranks first. There is one:
// the jobs with the lowest offset of all are candidates in each of their cliques.
uint32_t Search::choose(uint32_t clique_begin, uint32_t clique_end) const {
  int64_t lowest = INT64_MAX;
  for (uint32_t q = clique_begin; q < clique_end; ++q) {
    if (state_.unplaced_in(q) > 0) lowest = std::min(lowest, state_.clique(q).level);
  }
  double best_tie = std::numeric_limits<double>::infinity();
  uint32_t best_job = UINT32_MAX;
  for (uint32_t q = clique_begin; q < clique_end; ++q) {
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
