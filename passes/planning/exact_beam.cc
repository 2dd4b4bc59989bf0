// Breadth first search with a limited width. Where cliques have bytes to waste, the depth-first
// search spends them unawares near the bottom and fails near the top; this one compares.
#include <algorithm>
#include <cmath>

#include "passes/planning/exact_search.h"

namespace memopt::exact {
namespace {

constexpr size_t kMaxStages = 1000;
// Jobs that are tried as the next one of a partial packing.
constexpr int kMaxChildren = 5;
// Bound the memory for snapshots, 17 bytes a job: jobs times width of one stage, and of all.
constexpr size_t kMaxSnapshotJobs = size_t{1} << 18;
constexpr size_t kMaxWaitingJobs = size_t{1} << 22;
constexpr size_t kMaxSeen = size_t{1} << 20;  // skylines, about 60 bytes each

}  // namespace

// Partial packings wait in the stage of their area. `Search` draws the conclusions.
class Search::Beam {
 public:
  Beam(Search& search, WasteRule rule, size_t width)
      : search_(search),
        state_(search.state_),
        all_(search.everything()),
        rule_(rule),
        width_(std::clamp<size_t>(kMaxSnapshotJobs / std::max<size_t>(all_.job_end, 1), 1, width)),
        small_(search.mean_size_ / 4 + 1) {
    for (uint32_t j = 0; j < all_.job_end; ++j) {
      const auto cliques = static_cast<int64_t>(search.model_.cliques_of[j].size());
      whole_area_ += search.model_.jobs[j].size * cliques;
    }
    for (uint32_t q = 0; q < all_.clique_end; ++q) slack_.push_back(state_.clique(q).slack);
    stages_.resize(std::min<size_t>(all_.job_end, kMaxStages) + 1);
  }

  // From a state that is not complete.
  Verdict run(int64_t work_limit) {
    add();
    for (std::vector<Entry>& stage : stages_) {
      while (!stage.empty()) {  // what grows little stays in the stage
        keep_best(stage);
        std::vector<Entry> entries;
        entries.swap(stage);
        for (const Entry& entry : entries) {
          if (is_at_limit(work_limit)) return Verdict::kLimit;
          state_.restore(entry.snapshot);
          --waiting_;
          if (propagate() && expand()) return Verdict::kFound;
        }
      }
    }
    return Verdict::kLimit;
  }

 private:
  struct Entry {
    double waste;
    uint64_t number;  // among equals, the first
    ExactState::Snapshot snapshot;
  };

  bool is_at_limit(int64_t work_limit) const {
    return search_.work() >= work_limit || search_.stop_.stopped() || state_.gave_up() ||
           waiting_ * all_.job_end > kMaxWaitingJobs || seen_.size() > kMaxSeen;
  }

  bool propagate() { return state_.propagate(all_.job_begin, all_.job_end); }
  bool is_complete() const { return state_.placed_area() == whole_area_; }

  // True when that completes the packing.
  bool expand() {
    for (int k = 0; k < kMaxChildren; ++k) {
      const uint32_t job = search_.choose(all_);
      const size_t before = state_.mark();
      if (state_.place(job) && propagate()) {
        if (is_complete()) return true;
        add();
      } else {
        search_.note_dead_end();
      }
      state_.undo_to(before);
      if (!state_.raise(job) || !propagate()) return false;
      if (is_complete()) return true;
    }
    return false;
  }

  // The current state, unless it has the skyline of another.
  void add() {
    if (!seen_.insert(search_.skyline_key(all_)).second) return;
    const double share =
        static_cast<double>(state_.placed_area()) / static_cast<double>(whole_area_);
    auto& stage = stages_[static_cast<size_t>(share * static_cast<double>(stages_.size() - 1))];
    if (stage.size() >= 2 * width_) keep_best(stage);
    stage.push_back({waste(), seen_.size(), state_.snapshot()});
    ++waiting_;
  }

  void keep_best(std::vector<Entry>& stage) {
    std::sort(stage.begin(), stage.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.waste, a.number) < std::pair(b.waste, b.number);
    });
    if (stage.size() <= width_) return;
    waiting_ -= stage.size() - width_;
    stage.resize(width_);
  }

  double waste() const {
    double waste = 0;
    for (uint32_t q = 0; q < all_.clique_end; ++q) {
      if (state_.unplaced_in(q) == 0) continue;  // does not matter any more
      const auto before = static_cast<double>(slack_[q]);
      const auto now = static_cast<double>(state_.clique(q).slack);
      waste +=
          rule_ == WasteRule::kBytes ? before - now : std::log((before + small_) / (now + small_));
    }
    return waste;
  }

  Search& search_;
  ExactState& state_;
  const Part all_;
  const WasteRule rule_;
  const size_t width_;
  const double small_;  // bytes that hardly matter
  int64_t whole_area_ = 0;
  std::vector<int64_t> slack_;  // of the cliques, at the start
  std::vector<std::vector<Entry>> stages_;
  size_t waiting_ = 0;  // in all stages
  std::unordered_set<Key, KeyHash> seen_;
};

Verdict Search::run_beam(const Strategy& strategy, WasteRule rule, size_t width, int64_t work_limit,
                         uint64_t seed) {
  if (!possible_) return Verdict::kImpossible;
  strategy_ = strategy;
  limit_work(work_limit);
  set_ranks(seed);
  furthest_.area = 0;
  furthest_.offsets.assign(model_.jobs.size(), kUnplaced);
  const ExactState::Snapshot start = state_.snapshot();
  state_.look_at_everything();
  const Part all = everything();
  Verdict verdict = Verdict::kImpossible;
  if (state_.propagate(all.job_begin, all.job_end)) {
    verdict = split(all).empty() ? Verdict::kFound : Beam(*this, rule, width).run(work_limit);
  } else if (state_.gave_up()) {
    verdict = Verdict::kLimit;
  }
  if (verdict != Verdict::kFound) state_.restore(start);
  return verdict;
}

}  // namespace memopt::exact
