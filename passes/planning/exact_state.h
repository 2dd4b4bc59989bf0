// The partial packing of the exact search: which items are placed, how low the others can still be,
// and what follows. Every change is on a trail and can be undone.
//
// Each clique of the interference graph is a unary machine on the address axis: its items are jobs,
// sizes are processing times, lowest possible offsets are release dates, the capacity is the
// deadline.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/planning/instance.h"

namespace memopt {

// What the search needs to know of an instance, computed once. Items are renumbered by first
// clique.
struct ExactModel {
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Job {
    uint32_t item = 0;     // in the instance
    int64_t size = 0;      // padded to the granularity
    int64_t raw_size = 0;  // what must end below the capacity
    int64_t alignment = 1;
    std::optional<int64_t> fixed_offset;
    uint32_t first_clique = 0, last_clique = 0;
    // Of interchangeable jobs, each lies above the one before it.
    uint32_t above = kNone, below = kNone;  // the next and the previous
  };
  int64_t granularity = 1;
  std::vector<Job> jobs;
  std::vector<std::vector<uint32_t>> neighbors;   // of jobs
  std::vector<std::vector<uint32_t>> cliques;     // members of each, all of size >= 2 or loners
  std::vector<std::vector<uint32_t>> cliques_of;  // of jobs
};

// Nothing when there are too many conflicts to list.
std::optional<ExactModel> make_exact_model(const Instance& instance, int64_t max_pairs = 5'000'000);

struct StateKey {
  uint64_t a = 0, b = 0;
  StateKey& operator+=(const StateKey& other) { return a += other.a, b += other.b, *this; }
  StateKey& operator-=(const StateKey& other) { return a -= other.a, b -= other.b, *this; }
  bool operator==(const StateKey&) const = default;
};

class ExactState {
 public:
  // Cached view of a clique: `level` is the lowest offset of its unplaced jobs, `at_level` how many
  // have it, `slack` the bytes that its machine can still waste.
  struct Clique {
    int64_t level = 0, slack = 0;
    int32_t at_level = 0;
  };

  ExactState(const ExactModel& model, int64_t capacity);

  // Makes the next propagate() start from nothing known.
  void look_at_everything();
  // Puts the job at its lowest offset, below all its unplaced neighbors. False: a contradiction.
  bool place(uint32_t job);
  // Excludes that offset: the job will rest on one of its unplaced neighbors. False: a
  // contradiction.
  bool raise(uint32_t job);
  // Draws conclusions until there are no more; false on a contradiction. Jobs outside [begin, end)
  // are left alone: they belong to other components.
  bool propagate(uint32_t begin, uint32_t end);

  size_t mark() const { return trail_.size(); }
  void undo_to(size_t mark);

  bool placed(uint32_t job) const { return placed_[job]; }
  int64_t offset(uint32_t job) const { return low_[job]; }
  const Clique& clique(uint32_t q) const { return cached_[q]; }
  uint32_t unplaced_in(uint32_t q) const { return count_[q]; }
  const uint32_t* members_of(uint32_t q) const { return members_[q].data(); }
  // Unplaced jobs that are in both clique q and clique q + 1.
  uint32_t crossing(uint32_t q) const { return crossing_[q]; }
  int64_t total(uint32_t q) const { return total_[q]; }
  double weight(uint32_t q) const { return weight_[q]; }

  // Bytes times cliques of the placed jobs: how far the packing is.
  int64_t placed_area() const { return placed_area_; }

  // Elementary steps done so far: a deterministic measure of time.
  int64_t steps() const { return steps_; }

  // Identifies the unplaced jobs of the current component with all that decides their future.
  StateKey key;
  StateKey key_of(uint32_t job) const { return keys_[job]; }

 private:
  enum class Change : uint8_t { kBounds, kPlaced, kClique };
  struct Undo {
    Change change;
    uint32_t index;
    int64_t low, rest;  // of a job; level and slack of a clique
    StateKey key;
    int32_t at_level;
  };

  bool set_low(uint32_t job, int64_t low, int64_t rest);
  void touch_cliques(uint32_t job);
  bool propagate_clique(uint32_t q);
  bool drain_queue();
  // Places what nothing can get under; 0: nothing to do, 1: placed, -1: contradiction.
  int settle(uint32_t begin, uint32_t end);
  bool fail();

  const ExactModel& model_;
  int64_t steps_ = 0;
  int64_t placed_area_ = 0;
  int64_t capacity_ = 0;          // rounded up to the granularity
  std::vector<int64_t> ceiling_;  // the largest offset of each job
  std::vector<int64_t> size_, alignment_;
  std::vector<int64_t> low_;   // lowest offset that is not excluded; the offset of a placed job
  std::vector<int64_t> rest_;  // lowest offset above the placed neighbors
  std::vector<StateKey> keys_;
  std::vector<char> placed_;
  std::vector<uint32_t> under_;  // a neighbor that may get under the job: see settle()
  std::vector<std::vector<uint32_t>> members_;  // unplaced ones first
  std::vector<uint32_t> count_;
  std::vector<int64_t> total_;
  std::vector<Clique> cached_;
  std::vector<uint32_t> crossing_;
  std::vector<double> weight_;
  std::vector<char> queued_;
  std::vector<uint32_t> queue_;
  std::vector<Undo> trail_;
  std::vector<int64_t> tails_, ends_;  // scratch of propagate_clique
};

}  // namespace memopt
