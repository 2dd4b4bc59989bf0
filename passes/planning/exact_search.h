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

// What a partial packing wastes: the bytes that its cliques cannot use any more ...
enum class WasteRule {
  kBytes,  // ... added up
  kShare,  // ... relative to what they could waste at all
};

class Search {
 public:
  // `ranks`: of the jobs, for each of kJobOrders.
  Search(const ExactModel& model, int64_t capacity, bool thorough, const std::vector<Rank>* ranks,
         StopToken stop);

  // One attempt: ends at `node_limit` nodes, when work() has come to `work_limit`, or when stopped.
  Verdict run(const Strategy& strategy, int64_t node_limit, int64_t work_limit, uint64_t seed);

  // Another attempt, breadth first: of partial packings that are as far, the `width` go on that
  // waste least. Proves nothing but what is plain from the start.
  Verdict run_beam(const Strategy& strategy, WasteRule rule, size_t width, int64_t work_limit,
                   uint64_t seed);

  size_t jobs() const { return model_.jobs.size(); }
  int64_t work() const;
  // Of a job, when the last attempt found a packing.
  int64_t offset(uint32_t job) const { return state_.offset(job); }
  // The furthest dead end of the last attempt.
  const Packing& furthest() const { return furthest_; }

 private:
  // A range of cliques and of jobs.
  struct Part {
    uint32_t clique_begin, clique_end, job_begin, job_end;
    uint32_t unplaced = 0;
  };
  // Of the unplaced jobs of a component and what decides their future.
  struct Key {
    uint64_t a = 0, b = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const { return key.a; }
  };

  void limit_work(int64_t work_limit);
  void set_ranks(uint64_t seed);
  Part everything() const;
  bool place_spanning(const Part& whole);
  bool spans(uint32_t job, const Part& part) const;
  Verdict solve(Part part, bool by_skyline);
  std::vector<Part> split(const Part& whole) const;
  Verdict solve_parts(std::vector<Part>& parts, bool by_skyline);
  bool has_restricted(const Part& part) const;
  Key skyline_key(const Part& part) const;
  Key bounds_key(const Part& part) const;
  void note_dead_end();
  uint32_t choose(const Part& part) const;
  class Beam;
  double tie(uint32_t q, int candidates) const;

  const ExactModel& model_;
  const std::vector<Rank>* ranks_;
  ExactState state_;
  StopToken stop_;
  double mean_size_ = 0;
  bool possible_ = true;  // false: found out before the first attempt
  Strategy strategy_;
  std::vector<Rank> rank_;
  std::unordered_set<Key, KeyHash> failed_;
  std::vector<Key> open_;  // keys of the states on the current path
  Packing furthest_;
  int64_t nodes_left_ = 0, work_limit_ = 0;
  int depth_ = 0;  // of the recursion
};

// splitmix64
uint64_t next_random(uint64_t& state);

}  // namespace memopt::exact
