#include "passes/planning/exact.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "passes/planning/exact_state.h"

namespace memopt {
namespace {

// Among the cliques whose level is lowest, the one to branch on ...
enum class TieRule {
  kHeaviest,  // has the most bytes still to place
  kFewest,  // has the fewest candidates for its lowest place, for the contradictions it has caused
  kConflicts,  // has caused the most contradictions
  kTightest,   // can waste least, times candidates, for the contradictions it has caused
};
constexpr TieRule kTieRules[] = {TieRule::kHeaviest, TieRule::kFewest, TieRule::kConflicts,
                                 TieRule::kTightest};

// ... and among its candidates, the job that ranks first.
enum class JobOrder { kLoadThenArea, kLoadThenLifetime, kLifetime, kArea, kSize };
constexpr JobOrder kJobOrders[] = {JobOrder::kLoadThenArea, JobOrder::kLoadThenLifetime,
                                   JobOrder::kLifetime, JobOrder::kArea, JobOrder::kSize};
using Rank = std::pair<double, double>;  // the greater, the earlier

// How one attempt branches.
struct Strategy {
  TieRule tie_rule = TieRule::kHeaviest;
  JobOrder job_order = JobOrder::kLoadThenArea;
  double noise = 0;  // relative, on the ranks of jobs
};

struct KeyHash {
  size_t operator()(const StateKey& key) const { return key.a; }
};

uint64_t next_random(uint64_t& state) {  // splitmix64
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// Luby's universal sequence of restarts: 1 1 2 1 1 2 4 1 1 2 1 1 2 4 8 ..., from i = 1.
int64_t luby(uint64_t i) {
  while ((i & (i + 1)) != 0) i -= (uint64_t{1} << (63 - __builtin_clzll(i))) - 1;
  return static_cast<int64_t>((i + 1) / 2);
}

// Every tie rule with every order once, as their numbers have no common divisor.
constexpr int64_t kPlainAttempts = std::size(kTieRules) * std::size(kJobOrders);

// Makes a unit of work about as long as a search node of a problem with a few hundred buffers.
constexpr int64_t kStepsPerWork = 2048;

class Search {
 public:
  Search(const ExactModel& model, int64_t capacity, const std::vector<Rank>* ranks, StopToken stop)
      : model_(model), ranks_(ranks), state_(model, capacity), stop_(stop) {}

  // One attempt: ends at `node_limit` nodes, when work() has come to `work_limit`, or when stopped.
  Verdict run(const Strategy& strategy, int64_t node_limit, int64_t work_limit, uint64_t seed) {
    strategy_ = strategy;
    nodes_left_ = node_limit;
    work_limit_ = work_limit;
    rank_ = ranks_[static_cast<int>(strategy.job_order)];
    if (strategy.noise > 0) {
      for (Rank& r : rank_) {
        r.first *=
            1 + strategy.noise * (static_cast<double>(next_random(seed) >> 11) * 0x1p-53 - 0.5);
      }
    }
    state_.look_at_everything();
    return solve(0, static_cast<uint32_t>(model_.cliques.size()), 0,
                 static_cast<uint32_t>(model_.jobs.size()));
  }

  int64_t work() const { return state_.steps() / kStepsPerWork; }

  int64_t offset(uint32_t job) const { return state_.offset(job); }

 private:
  struct Part {
    uint32_t clique_begin, clique_end, job_begin, job_end, unplaced;
    StateKey key;
  };

  // Places all unplaced jobs of the component, or leaves the state as it was.
  Verdict solve(uint32_t clique_begin, uint32_t clique_end, uint32_t job_begin, uint32_t job_end) {
    const size_t mark = state_.mark();
    const size_t first_key = open_.size();
    const auto leave = [&](Verdict verdict) {
      if (verdict == Verdict::kImpossible) {
        for (size_t k = first_key; k < open_.size(); ++k) failed_.insert(open_[k]);
      }
      open_.resize(first_key);
      state_.undo_to(mark);
      return verdict;
    };
    for (;;) {
      if (!state_.propagate(job_begin, job_end)) return leave(Verdict::kImpossible);
      std::vector<Part> parts = split(clique_begin, clique_end, job_begin, job_end);
      if (parts.empty()) {
        open_.resize(first_key);
        return Verdict::kFound;
      }
      if (parts.size() > 1) {
        const Verdict verdict = solve_parts(parts);
        if (verdict == Verdict::kFound) {
          open_.resize(first_key);
          return verdict;
        }
        return leave(verdict);
      }
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
        if (verdict == Verdict::kFound) {
          open_.resize(first_key);
          return verdict;
        }
        if (verdict == Verdict::kLimit) return leave(verdict);
      }
      state_.undo_to(before);
      if (!state_.raise(job)) return leave(Verdict::kImpossible);
    }
  }

  // The independent components of a range of cliques that still have unplaced jobs.
  std::vector<Part> split(uint32_t clique_begin, uint32_t clique_end, uint32_t job_begin,
                          uint32_t job_end) const {
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

  Verdict solve_parts(std::vector<Part>& parts) {
    std::stable_sort(parts.begin(), parts.end(),
                     [](const Part& a, const Part& b) { return a.unplaced < b.unplaced; });
    StateKey rest = state_.key;
    for (const Part& part : parts) {
      state_.key = part.key;
      const Verdict verdict =
          solve(part.clique_begin, part.clique_end, part.job_begin, part.job_end);
      if (verdict != Verdict::kFound) {
        state_.key = rest;
        return verdict;
      }
      rest -= part.key;
    }
    state_.key = {};
    return Verdict::kFound;
  }

  // The job to place next: a clique with the lowest level, so that the packing grows from the
  // bottom, and of its jobs at that level that nothing fits under, the one that ranks first. There
  // is one: the jobs with the lowest offset of all are candidates in each of their cliques.
  uint32_t choose(uint32_t clique_begin, uint32_t clique_end) {
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
        if (top == UINT32_MAX || rank_[job] > rank_[top] ||
            (rank_[job] == rank_[top] && job < top)) {
          top = job;
        }
      }
      const double t = tie(q, candidates);
      if (t < best_tie) best_tie = t, best_job = top;
    }
    return best_job;
  }

  double tie(uint32_t q, int candidates) const {
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

  const ExactModel& model_;
  const std::vector<Rank>* ranks_;
  ExactState state_;
  Strategy strategy_;
  std::vector<Rank> rank_;
  std::unordered_set<StateKey, KeyHash> failed_;
  std::vector<StateKey> open_;  // keys of the states on the current path
  int64_t nodes_left_ = 0, work_limit_ = 0;
  StopToken stop_;
};

}  // namespace

struct ExactPlacer::Impl {
  bool proves = true;  // windows are searched as full conflicts: what is found is valid, no more
  std::optional<ExactModel> model;
  std::vector<Rank> ranks[std::size(kJobOrders)];
};

ExactPlacer::ExactPlacer(const Instance& instance) : impl_(std::make_unique<Impl>()) {
  impl_->model = make_exact_model(instance);
  impl_->proves = !instance.has_windows;
  if (!impl_->model) return;
  const ExactModel& model = *impl_->model;
  std::vector<int64_t> load(model.cliques.size(), 0);
  for (size_t q = 0; q < load.size(); ++q) {
    for (uint32_t j : model.cliques[q]) load[q] += model.jobs[j].size;
  }
  for (uint32_t j = 0; j < model.jobs.size(); ++j) {
    const Item& item = instance.items[model.jobs[j].item];
    const double size = static_cast<double>(item.size);
    const double lifetime = instance.has_graph
                                ? static_cast<double>(model.neighbors[j].size()) + 1
                                : static_cast<double>(item.upper) - static_cast<double>(item.lower);
    int64_t most = 0;
    for (uint32_t q : model.cliques_of[j]) most = std::max(most, load[q]);
    const auto rank = [&](JobOrder order) -> Rank {
      switch (order) {
        case JobOrder::kLoadThenArea:
          return {static_cast<double>(most), size * lifetime};
        case JobOrder::kLoadThenLifetime:
          return {static_cast<double>(most), lifetime};
        case JobOrder::kLifetime:
          return {lifetime, size};
        case JobOrder::kArea:
          return {size * lifetime, size};
        case JobOrder::kSize:
          return {size, lifetime};
      }
      return {};
    };
    for (JobOrder order : kJobOrders) impl_->ranks[static_cast<int>(order)].push_back(rank(order));
  }
}

ExactPlacer::~ExactPlacer() = default;

bool ExactPlacer::available() const { return impl_->model.has_value(); }

bool ExactPlacer::proves() const { return impl_->proves; }

ExactResult ExactPlacer::decide(int64_t capacity, int64_t work_limit, uint64_t seed,
                                StopToken stop) const {
  ExactResult result;
  if (!available()) return result;
  const ExactModel& model = *impl_->model;
  Search search(model, capacity, impl_->ranks, stop);
  const int64_t base = std::max<int64_t>(300, 2 * static_cast<int64_t>(model.jobs.size()));
  for (int64_t attempt = 0; search.work() < work_limit && !stop.stopped(); ++attempt) {
    Strategy strategy{kTieRules[attempt % std::size(kTieRules)],
                      kJobOrders[attempt % std::size(kJobOrders)], 0};
    int64_t nodes = base;
    if (attempt >= kPlainAttempts) {
      nodes *= luby(static_cast<uint64_t>(attempt - kPlainAttempts) + 1);
      strategy.noise = 0.3;
    }
    result.verdict =
        search.run(strategy, nodes, work_limit, seed * 1000003u + static_cast<uint64_t>(attempt));
    if (result.verdict != Verdict::kLimit) break;
  }
  result.work = search.work();
  if (result.verdict == Verdict::kFound) {
    result.offsets.resize(model.jobs.size());
    for (uint32_t j = 0; j < model.jobs.size(); ++j) {
      result.offsets[model.jobs[j].item] = search.offset(j);
    }
  }
  return result;
}

}  // namespace memopt
