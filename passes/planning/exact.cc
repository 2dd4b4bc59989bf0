#include "passes/planning/exact.h"

#include <algorithm>
#include <atomic>
#include <deque>

#include "passes/planning/exact_search.h"
#include "runtime/base/joined_threads.h"

namespace memopt {
namespace {

using exact::JobOrder;
using exact::kJobOrders;
using exact::kTieRules;
using exact::Packing;
using exact::Rank;
using exact::Search;
using exact::Strategy;
using exact::WasteRule;

// Luby's universal sequence of restarts: 1 1 2 1 1 2 4 1 1 2 1 1 2 4 8 ..., from i = 1.
int64_t luby(uint64_t i) {
  while ((i & (i + 1)) != 0) i -= (uint64_t{1} << (63 - __builtin_clzll(i))) - 1;
  return static_cast<int64_t>((i + 1) / 2);
}

// Every tie rule with every order once, as their numbers have no common divisor.
constexpr int64_t kPlainAttempts = std::size(kTieRules) * std::size(kJobOrders);

// Nodes of a plain attempt. A dive to a full packing visits one node a job; as many again, and
// again, are for turning back. More would go to what is near the top, where the choices that fail
// are near the bottom: another attempt makes others there. Small problems are better exhausted.
constexpr int64_t kNodesPerJob = 3;
constexpr int64_t kLeastNodes = 300;

// Attempts take turns between lanes that share nothing, so that each can have a thread.
constexpr int64_t kLanes = 2;

// Of the later attempts, three of four follow one of the furthest dead ends so far, with noise.
constexpr size_t kMaxGuides = 4;
// Noise swaps jobs whose ranks differ by less than a third; along a guide, jobs that lie less than
// a job of mean size apart.
constexpr double kRankNoise = 0.3;
constexpr double kGuideNoise = 1.0;

// After this much work, the lanes part: one draws more conclusions and stays depth first, the other
// goes breadth first. Half of what the planner has by default: a compile gets the most of the cheap
// attempts, and a longer search another way of searching.
constexpr int64_t kWorkBeforeBeams = 200000;
constexpr int64_t kBaseWidth = 16;
// About what a beam takes for each job and unit of width: makes attempts of both lanes as long.
constexpr int64_t kBeamWork = 40;

// The attempts number `lane`, lane + kLanes, lane + 2 kLanes ...; what they do depends on nothing
// else.
class Lane {
 public:
  Lane(const ExactModel& model, int64_t capacity, const std::vector<Rank>* ranks,
       const DecideOptions& options, int64_t lane)
      : stop_(options.stop.with(&overtaken_)),
        is_beam_lane_(lane == 0),
        search_(model, capacity, !is_beam_lane_, ranks, stop_),
        base_nodes_(std::max(kLeastNodes, kNodesPerJob * std::ssize(model.jobs))),
        work_limit_(std::max<int64_t>(options.work_limit / kLanes, 1)),
        seed_(options.seed),
        current_(lane) {
    if (options.near.empty()) return;
    Packing& packing = guides_.emplace_back();
    packing.area = INT64_MAX;  // stays
    for (const ExactModel::Job& job : model.jobs) {
      packing.offsets.push_back(options.near[job.item]);
    }
  }

  // The number of the attempt that is under way, or the next.
  int64_t current() const { return current_; }
  bool is_done() const {
    return verdict_ != Verdict::kLimit || search_.work() >= work_limit_ || stop_.stopped();
  }
  Verdict verdict() const { return verdict_; }
  const Search& search() const { return search_; }
  // Another lane had an answer at an earlier attempt than the current one.
  void stop() { overtaken_ = true; }

  // Spent on its attempts up to number `last`.
  int64_t work_until(int64_t last) const {
    int64_t work = 0;
    for (const auto& [attempt, after] : work_after_) {
      if (attempt <= last) work = after;
    }
    return work;
  }

  // Leaves current() as it is when that has the answer.
  void attempt() {
    const int64_t number = current_;
    if (search_.work() < kWorkBeforeBeams || number < kPlainAttempts) {
      dive();
    } else {
      const int64_t width = kBaseWidth * luby(static_cast<uint64_t>(++wide_attempts_));
      if (is_beam_lane_) {
        beam(width);
      } else {
        const auto jobs = static_cast<int64_t>(search_.jobs());
        const int64_t until = search_.work() + kBeamWork * width * jobs;
        do dive();
        while (!is_done() && search_.work() < until);
      }
    }
    work_after_.emplace_back(number, search_.work());
    if (verdict_ == Verdict::kLimit) current_ = number + kLanes;
  }

 private:
  // Depth first, from one of the plain strategies to noise and guides.
  void dive() {
    const int64_t number = dives_ * kLanes + (is_beam_lane_ ? 0 : 1);
    uint64_t random = seed_ * 1000003u + static_cast<uint64_t>(number);
    Strategy strategy = strategy_of(number);
    int64_t nodes = base_nodes_;
    size_t guide = kMaxGuides;
    if (number >= kPlainAttempts) {
      nodes *= luby(static_cast<uint64_t>(dives_ - kPlainAttempts / kLanes) + 1);
      strategy.noise = kRankNoise;
      if (exact::next_random(random) % 4 != 0) {
        guide = exact::next_random(random) % guides_.size();
        strategy.guide = &guides_[guide].offsets;
        strategy.noise = kGuideNoise;
      }
    }
    ++dives_;
    verdict_ = search_.run(strategy, nodes, work_limit_, random);
    if (verdict_ == Verdict::kLimit) keep(search_.furthest(), guide);
  }

  void beam(int64_t width) {
    uint64_t random = ~seed_ * 1000003u + static_cast<uint64_t>(wide_attempts_);
    Strategy strategy = strategy_of(wide_attempts_ - 1);
    strategy.noise = kRankNoise;
    const auto rule = wide_attempts_ % 2 == 1 ? WasteRule::kShare : WasteRule::kBytes;
    verdict_ = search_.run_beam(strategy, rule, static_cast<size_t>(width), work_limit_, random);
  }

  static Strategy strategy_of(int64_t number) {
    const auto index = static_cast<size_t>(number);
    return {.tie_rule = kTieRules[index % std::size(kTieRules)],
            .job_order = kJobOrders[index % std::size(kJobOrders)]};
  }

  // In place of the guide that it followed, or of the worst, if it got further.
  void keep(const Packing& packing, size_t guide) {
    if (guide == kMaxGuides && guides_.size() < kMaxGuides) {
      guides_.push_back(packing);
      return;
    }
    const auto worst =
        std::min_element(guides_.begin(), guides_.end(),
                         [](const Packing& a, const Packing& b) { return a.area < b.area; });
    Packing& replaced = guide == kMaxGuides ? *worst : guides_[guide];
    if (packing.area > replaced.area) replaced = packing;
  }

  std::atomic<bool> overtaken_ = false;
  const StopToken stop_;
  const bool is_beam_lane_;
  Search search_;
  const int64_t base_nodes_, work_limit_;
  const uint64_t seed_;
  std::atomic<int64_t> current_;
  Verdict verdict_ = Verdict::kLimit;
  int64_t dives_ = 0, wide_attempts_ = 0;
  std::vector<Packing> guides_;
  std::vector<std::pair<int64_t, int64_t>> work_after_;  // (attempt, work)
};
using Lanes = std::deque<Lane>;

// Until one has an answer.
void run_in_turns(Lanes& lanes) {
  for (bool any = true; any;) {
    any = false;
    for (Lane& lane : lanes) {
      if (lane.is_done()) continue;
      lane.attempt();
      if (lane.verdict() != Verdict::kLimit) return;
      any = true;
    }
  }
}

// A lane goes on for as long as its attempts are earlier than the earliest that had an answer. What
// a lane throws (out of memory) ends all of them, and is thrown to the caller.
void run_in_threads(Lanes& lanes) {
  std::atomic<int64_t> answered = INT64_MAX;
  const auto search = [&](Lane& lane) {
    while (!lane.is_done() && lane.current() < answered) lane.attempt();
    if (lane.verdict() == Verdict::kLimit) return;
    int64_t earliest = answered;
    while (lane.current() < earliest && !answered.compare_exchange_weak(earliest, lane.current())) {
    }
    for (Lane& other : lanes) {
      if (other.current() > lane.current()) other.stop();
    }
  };
  const auto run = [&](Lane& lane) {
    try {
      search(lane);
    } catch (...) {  // there will be no answer
      for (Lane& other : lanes) other.stop();
      throw;
    }
  };
  JoinedThreads threads;
  size_t started = 1;
  while (started < lanes.size() && threads.start([&run, &lane = lanes[started]] { run(lane); })) {
    ++started;
  }
  run(lanes[0]);
  for (size_t k = started; k < lanes.size(); ++k) run(lanes[k]);  // no thread to be had
  threads.join();
}

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

ExactResult ExactPlacer::decide(int64_t capacity, const DecideOptions& options) const {
  ExactResult result;
  if (!available()) return result;
  const ExactModel& model = *impl_->model;
  Lanes lanes;
  for (int64_t k = 0; k < kLanes; ++k) {
    lanes.emplace_back(model, capacity, impl_->ranks, options, k);
  }
  options.threads > 1 ? run_in_threads(lanes) : run_in_turns(lanes);
  // The earliest answer counts, so that the result does not depend on the number of threads.
  const Lane* first = nullptr;
  for (const Lane& lane : lanes) {
    if (lane.verdict() == Verdict::kLimit) continue;
    if (!first || lane.current() < first->current()) first = &lane;
  }
  const int64_t last = first ? first->current() : INT64_MAX;
  for (const Lane& lane : lanes) result.work += lane.work_until(last);
  if (!first) return result;
  result.verdict = first->verdict();
  if (result.verdict == Verdict::kFound) {
    result.offsets.resize(model.jobs.size());
    for (uint32_t j = 0; j < model.jobs.size(); ++j) {
      result.offsets[model.jobs[j].item] = first->search().offset(j);
    }
  }
  return result;
}

}  // namespace memopt
