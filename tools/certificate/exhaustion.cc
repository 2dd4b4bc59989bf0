#include "tools/certificate/exhaustion.h"

#include <algorithm>
#include <vector>

#include "tools/certificate/occupancy.h"

namespace memopt::certificate {
namespace {

constexpr int kMaxFreeRun = 16;                       // steps
constexpr int64_t kMaxTableWords = int64_t{1} << 25;  // 256 MiB
constexpr int64_t kMaxStates = int64_t{1} << 23;

int64_t words_of(const Problem& problem) {
  return std::max<int64_t>(1, (problem.step_count() + 63) / 64);
}

// The states reached so far: rows of bits, found by hashing.
class StateTable {
 public:
  explicit StateTable(int64_t words) : words_(static_cast<size_t>(words)), slots_(kFirstSlots, 0) {}

  int64_t size() const { return size_; }

  // Whether the state is new.
  bool add(const std::vector<uint64_t>& state) {
    size_t slot = slot_of(state.data());
    for (; slots_[slot] != 0; slot = (slot + 1) % slots_.size()) {
      if (std::equal(state.begin(), state.end(), row(slots_[slot] - 1))) return false;
    }
    rows_.insert(rows_.end(), state.begin(), state.end());
    slots_[slot] = static_cast<uint32_t>(++size_);
    if (static_cast<size_t>(size_) * 2 > slots_.size()) grow();
    return true;
  }

 private:
  static constexpr size_t kFirstSlots = 1 << 12;

  const uint64_t* row(size_t index) const { return rows_.data() + index * words_; }

  size_t slot_of(const uint64_t* state) const {
    uint64_t hash = 0;
    for (size_t i = 0; i < words_; ++i) {
      hash = (hash + state[i]) * 0x9fb21c651e98df25;
      hash ^= hash >> 29;
    }
    return hash % slots_.size();
  }

  void grow() {
    slots_.assign(slots_.size() * 2, 0);
    for (int64_t i = 0; i < size_; ++i) {
      size_t slot = slot_of(row(static_cast<size_t>(i)));
      while (slots_[slot] != 0) slot = (slot + 1) % slots_.size();
      slots_[slot] = static_cast<uint32_t>(i + 1);
    }
  }

  size_t words_;
  int64_t size_ = 0;
  std::vector<uint64_t> rows_;
  std::vector<uint32_t> slots_;  // index of a row, plus one; 0 is free
};

class Search {
 public:
  Search(const Problem& problem, int64_t budget_bytes, const SearchLimit& limit)
      : problem_(problem),
        budget_(budget_bytes),
        limit_(limit),
        max_states_(std::min(limit.states, most_states(problem))),
        occupancy_(problem),
        table_(words_of(problem)),
        state_(static_cast<size_t>(words_of(problem)), 0) {
    for (int32_t step = 0; step < problem.step_count(); ++step) {
      if (occupancy_.is_ready(step)) ready_.push_back(step);
    }
  }

  SearchOutcome run() {
    // Depth first; a frame is a state, and how to leave it again.
    std::vector<Frame> frames;
    const auto enter = [&](size_t trail_start) {
      run_free_steps();
      if (!table_.add(state_)) {
        go_back(trail_start);
        return;
      }
      choices_ += static_cast<int64_t>(ready_.size());
      frames.push_back({.trail_start = trail_start, .choices = ready_, .next = 0});
    };
    if (occupancy_.bytes() <= budget_) enter(0);
    while (!frames.empty()) {
      if (ready_.empty() && trail_.size() == problem_.steps.size()) {
        return outcome(SearchEnd::kOrderFound);
      }
      if (table_.size() > max_states_ || work_ > limit_.work) {
        return outcome(SearchEnd::kLimitPassed);
      }
      if (effort_ > limit_.effort || choices_ > limit_.choices) {
        return {.end = SearchEnd::kLimitPassed, .states = -1, .work = -1};  // no one can state that
      }
      Frame& frame = frames.back();
      if (frame.next == frame.choices.size()) {
        go_back(frame.trail_start);
        choices_ -= static_cast<int64_t>(frame.choices.size());
        frames.pop_back();
        continue;
      }
      const int32_t step = frame.choices[frame.next++];
      if (occupancy_.running_bytes(step) > budget_) continue;
      const size_t trail_start = trail_.size();
      do_step(step);
      enter(trail_start);
    }
    return outcome(problem_.steps.empty() && occupancy_.bytes() <= budget_ ? SearchEnd::kOrderFound
                                                                           : SearchEnd::kExhausted);
  }

 private:
  struct Frame {
    size_t trail_start = 0;  // steps that had run before this state was entered
    std::vector<int32_t> choices;
    size_t next = 0;
  };

  SearchOutcome outcome(SearchEnd end) const {
    return {.end = end, .states = table_.size(), .work = work_};
  }

  void do_step(int32_t step) {
    ++work_;
    effort_ += 1 + static_cast<int64_t>(ready_.size()) / 16;  // the list is moved as a block
    occupancy_.run(step);
    state_[static_cast<size_t>(step / 64)] |= uint64_t{1} << (step % 64);
    trail_.push_back(step);
    ready_.erase(std::lower_bound(ready_.begin(), ready_.end(), step));
    for (const int32_t other : problem_.steps[static_cast<size_t>(step)].after) {
      if (occupancy_.is_ready(other)) {
        ready_.insert(std::lower_bound(ready_.begin(), ready_.end(), other), other);
      }
    }
  }

  void go_back(size_t trail_start) {
    while (trail_.size() > trail_start) {
      const int32_t step = trail_.back();
      trail_.pop_back();
      for (const int32_t other : problem_.steps[static_cast<size_t>(step)].after) {
        if (occupancy_.is_ready(other)) {
          ready_.erase(std::lower_bound(ready_.begin(), ready_.end(), other));
        }
      }
      occupancy_.undo(step);
      state_[static_cast<size_t>(step / 64)] &= ~(uint64_t{1} << (step % 64));
      ready_.insert(std::lower_bound(ready_.begin(), ready_.end(), step), step);
    }
  }

  void run_free_steps() {
    for (bool found = true; found;) {
      found = false;
      for (size_t i = 0; i < ready_.size() && !found; ++i) found = try_free_run(ready_[i]);
    }
  }

  // Follows the chain that grows least from `step` on until it is back at the bytes of its start:
  // all points before that are higher.
  bool try_free_run(int32_t step) {
    const int64_t start_bytes = occupancy_.bytes();
    const size_t trail_start = trail_.size();
    ++effort_;
    if (occupancy_.running_bytes(step) > budget_) return false;
    for (int length = 1;; ++length) {
      do_step(step);
      if (occupancy_.bytes() <= start_bytes) return true;
      if (length == kMaxFreeRun) break;
      int32_t best = -1;
      int64_t best_growth = 0;
      for (const int32_t other : problem_.steps[static_cast<size_t>(step)].after) {
        if (!occupancy_.is_ready(other) || occupancy_.running_bytes(other) > budget_) continue;
        const int64_t growth = occupancy_.growth_bytes(other);
        if (best < 0 || growth < best_growth) best = other, best_growth = growth;
      }
      if (best < 0) break;
      step = best;
    }
    go_back(trail_start);
    return false;
  }

  const Problem& problem_;
  const int64_t budget_;
  const SearchLimit limit_;
  const int64_t max_states_;
  Occupancy occupancy_;
  StateTable table_;
  std::vector<uint64_t> state_;
  std::vector<int32_t> ready_;  // ascending
  std::vector<int32_t> trail_;  // steps that have run, in this order
  int64_t work_ = 0;
  int64_t effort_ = 0;
  int64_t choices_ = 0;  // of all frames
};

}  // namespace

int64_t most_states(const Problem& problem) {
  return std::min(kMaxStates, kMaxTableWords / words_of(problem));
}

SearchOutcome search_orders(const Problem& problem, int64_t budget_bytes,
                            const SearchLimit& limit) {
  return Search(problem, budget_bytes, limit).run();
}

}  // namespace memopt::certificate
