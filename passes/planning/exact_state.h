// The partial packing of the exact search: which items are placed, how low the others can still be,
// and what follows. Every change is on a trail and can be undone.
//
// Each clique of the interference graph is a unary machine on the address axis: its items are jobs,
// sizes are processing times, lowest possible offsets are release dates, the capacity is the
// deadline.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/planning/exact_model.h"
#include "passes/planning/stop.h"

namespace memopt {

class ExactState {
 public:
  // Cached view of a clique: `slack` are the bytes that its machine can still waste.
  struct Clique {
    int64_t level = 0, slack = 0;  // level: the lowest offset of its unplaced jobs
  };

  // `thorough`: draws more conclusions, at about twice the time. They pay where little can be
  // wasted.
  ExactState(const ExactModel& model, int64_t capacity, bool thorough, StopToken stop);

  // Conclusions can be many more than places: bounds may creep up to the capacity a few bytes at a
  // time. Where steps() passes this, the trail grows too long, or the token stops it, propagate()
  // gives up.
  void limit_steps(int64_t max_steps) {
    max_steps_ = max_steps;
    gave_up_ = false;
  }
  // Since limit_steps(): the last false of propagate() is no contradiction.
  bool gave_up() const { return gave_up_; }

  // Makes the next propagate() start from nothing known.
  void look_at_everything();
  // Puts the job at its lowest offset, below all its unplaced neighbors. False: a contradiction.
  bool place(uint32_t job);
  // Excludes that offset: the job will rest on one of its unplaced neighbors. False: a
  // contradiction.
  bool raise(uint32_t job);
  // Draws conclusions until there are no more; false on a contradiction or a limit. Jobs outside
  // [begin, end) are left alone: they belong to other components.
  bool propagate(uint32_t begin, uint32_t end);

  // All that the future depends on, to come back to from any other state.
  struct Snapshot {
    std::vector<int64_t> low, rest;
    std::vector<bool> placed, restricted;
  };
  Snapshot snapshot() const;
  // Everything is to be looked at then, and nothing can be undone.
  void restore(const Snapshot& snapshot);

  size_t mark() const { return trail_.size(); }
  void undo_to(size_t mark);

  bool placed(uint32_t job) const { return placed_[job]; }
  // Of a placed job; the lowest that an unplaced one can still have.
  int64_t offset(uint32_t job) const { return jobs_[job].low; }
  // The lowest offset above the placed neighbors.
  int64_t rest(uint32_t job) const { return rest_[job].rest; }
  // Whether offset() follows from more than rest() of the unplaced jobs: from a raise().
  bool restricted(uint32_t job) const { return rest_[job].restricted; }
  const Clique& clique(uint32_t q) const { return cached_[q]; }
  uint32_t unplaced_in(uint32_t q) const { return count_[q]; }
  // The unplaced ones come first.
  const uint32_t* members_of(uint32_t q) const { return &members_[first_member_[q]]; }
  // Unplaced jobs that are in both clique q and clique q + 1.
  uint32_t crossing(uint32_t q) const { return crossing_[q]; }
  int64_t total(uint32_t q) const { return total_[q]; }
  double weight(uint32_t q) const { return weight_[q]; }

  // Bytes times cliques of the placed jobs: how far the packing is.
  int64_t placed_area() const { return placed_area_; }

  // Elementary steps done so far: a deterministic measure of time.
  int64_t steps() const { return steps_; }

 private:
  enum class Change : uint8_t { kBounds, kPlaced, kClique };
  struct Undo {
    Change change;
    bool restricted;
    uint32_t index;
    int64_t low, rest;  // of a job; level and slack of a clique
  };
  struct Times {
    int64_t low, size;
    int64_t end() const { return low + size; }
  };
  struct End {
    int64_t end, size;
  };
  struct Rest {
    int64_t rest;
    bool restricted;
  };

  bool set_low(uint32_t job, int64_t low, int64_t rest, bool restricted);
  void touch_cliques(uint32_t job);
  bool propagate_clique(uint32_t q);
  bool raise_not_first(uint32_t q, size_t firsts);
  bool raise_above_enough(uint32_t q, size_t firsts);
  bool drain_queue();
  // Places what nothing can get under; 0: nothing to do, 1: placed, -1: contradiction.
  int settle(uint32_t begin, uint32_t end);
  int settle_job(uint32_t job);
  int support_job(uint32_t job);
  void take_out(std::vector<uint32_t>& members, uint32_t q, uint32_t job);
  bool fail();
  bool is_limit_reached();

  const ExactModel& model_;
  const bool thorough_;
  const StopToken stop_;
  int64_t max_steps_ = INT64_MAX;
  bool gave_up_ = false;
  mutable int64_t steps_ = 0;
  int64_t placed_area_ = 0;
  int64_t capacity_ = 0;          // rounded up to the granularity
  std::vector<int64_t> ceiling_;  // the largest offset of each job
  std::vector<int64_t> alignment_;
  std::vector<Times> jobs_;  // low: lowest offset not excluded; the offset of a placed job
  std::vector<Rest> rest_;
  std::vector<char> placed_;
  std::vector<uint32_t> under_;    // a neighbor that may get under the job: see settle()
  std::vector<uint32_t> support_;  // a neighbor that the job may rest on: see settle()
  // Members of cliques, those of q from first_member_[q] on: unplaced ones first, nearly sorted by
  // low.
  std::vector<uint32_t> members_, first_member_;
  std::vector<uint32_t> by_end_;  // the same, nearly sorted by end; only when thorough
  std::vector<uint32_t> count_;
  std::vector<int64_t> total_;
  std::vector<Clique> cached_;
  std::vector<uint32_t> crossing_;
  std::vector<double> weight_;
  std::vector<uint64_t> queue_;  // a bit for every clique
  std::vector<Undo> trail_;
  std::vector<End> ends_;  // scratch of raise_above_enough
};

}  // namespace memopt
