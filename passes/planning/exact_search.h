// One attempt after another at packing below a capacity: depth-first branch and bound that
// remembers what failed.
#pragma once

#include <limits>
#include <span>
#include <unordered_set>
#include <utility>
#include <vector>

#include "passes/planning/exact.h"
#include "passes/planning/exact_state.h"

namespace memopt::exact {

// Among the cliques whose level is lowest, the one to branch on ...
enum class TieRule {
  kHeaviest,  // has the most bytes still to place
  kFewest,  // has the fewest candidates for its lowest place, for the contradictions it has caused
  kConflicts,  // has caused the most contradictions
  kTightest,   // can waste least, times candidates, for the contradictions it has caused
};
inline constexpr TieRule kTieRules[] = {TieRule::kHeaviest, TieRule::kFewest, TieRule::kConflicts,
                                        TieRule::kTightest};

// ... and among its candidates, the job that ranks first.
enum class JobOrder { kLoadThenArea, kLoadThenLifetime, kLifetime, kArea, kSize };
inline constexpr JobOrder kJobOrders[] = {JobOrder::kLoadThenArea, JobOrder::kLoadThenLifetime,
                                          JobOrder::kLifetime, JobOrder::kArea, JobOrder::kSize};
using Rank = std::pair<double, double>;  // the greater, the earlier

// How one attempt branches.
struct Strategy {
  TieRule tie_rule = TieRule::kHeaviest;
  JobOrder job_order = JobOrder::kLoadThenArea;
  // Ranks come from these offsets of jobs instead, the lowest first; those with kUnplaced last.
  const std::vector<int64_t>* guide = nullptr;
  double noise = 0;  // relative to the ranks, or to the mean size where there is a guide
};
inline constexpr int64_t kUnplaced = INT64_MAX;

// The offsets of the jobs placed at a dead end; what is packed further is the better guide.
struct Packing {
  int64_t area = 0;  // ExactState::placed_area
  std::vector<int64_t> offsets;
};

class Search {
 public:
  // `ranks`: of the jobs, for each of kJobOrders.
  Search(const ExactModel& model, int64_t capacity, const std::vector<Rank>* ranks, StopToken stop);

  // One attempt: ends at `node_limit` nodes, when work() has come to `work_limit`, or when stopped.
  Verdict run(const Strategy& strategy, int64_t node_limit, int64_t work_limit, uint64_t seed);

  int64_t work() const;
  // Of a job, when the last attempt found a packing.
  int64_t offset(uint32_t job) const { return state_.offset(job); }
  // The furthest dead end of the last attempt.
  const Packing& furthest() const { return furthest_; }

 private:
  struct Part {
    uint32_t clique_begin, clique_end, job_begin, job_end, unplaced;
    StateKey key;
  };
  struct KeyHash {
    size_t operator()(const StateKey& key) const { return key.a; }
  };

  void set_ranks(uint64_t seed);
  bool place_spanning(uint32_t clique_begin, uint32_t clique_end, uint32_t job_begin,
                      uint32_t job_end);
  bool spans(uint32_t job, const Part& part) const;
  Verdict solve(uint32_t clique_begin, uint32_t clique_end, uint32_t job_begin, uint32_t job_end);
  std::vector<Part> split(uint32_t clique_begin, uint32_t clique_end, uint32_t job_begin,
                          uint32_t job_end) const;
  Verdict solve_parts(std::vector<Part>& parts);
  void note_dead_end();
  uint32_t choose(uint32_t clique_begin, uint32_t clique_end) const;
  double tie(uint32_t q, int candidates) const;

  const ExactModel& model_;
  const std::vector<Rank>* ranks_;
  ExactState state_;
  StopToken stop_;
  double mean_size_ = 0;
  bool possible_ = true;  // false: found out before the first attempt
  Strategy strategy_;
  std::vector<Rank> rank_;
  std::unordered_set<StateKey, KeyHash> failed_;
  std::vector<StateKey> open_;  // keys of the states on the current path
  Packing furthest_;
  int64_t nodes_left_ = 0, work_limit_ = 0;
};

// splitmix64
uint64_t next_random(uint64_t& state);

}  // namespace memopt::exact
