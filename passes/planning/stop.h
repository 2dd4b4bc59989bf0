// How a caller ends a search early.
#pragma once

#include <atomic>
#include <cstdint>

namespace memopt {

// Reads flags that others set, from a signal handler or another thread, say. A search that sees one
// set returns the best that it has. The flags outlive the search; a token without flags never
// stops.
class StopToken {
 public:
  StopToken() = default;
  explicit StopToken(const std::atomic<bool>* flag, const std::atomic<bool>* other = nullptr)
      : flag_(flag), other_(other) {}

  // Cheap enough for inner loops.
  bool stopped() const {
    if (polls_left_ != nullptr && polls_left_->fetch_sub(1, std::memory_order_relaxed) <= 0) {
      return true;
    }
    return is_set(flag_) || is_set(other_);
  }
  // Stops as well when `flag` is set. Of a token with at most one flag.
  StopToken with(const std::atomic<bool>* flag) const {
    StopToken result = *this;
    result.other_ = flag;
    return result;
  }
  // Stops as well once `*polls` calls of stopped() have been answered, by all copies of the token
  // together: how tests stop a search at every point, and count what it still does.
  StopToken after(std::atomic<int64_t>* polls) const {
    StopToken result = *this;
    result.polls_left_ = polls;
    return result;
  }

 private:
  static bool is_set(const std::atomic<bool>* flag) {
    return flag != nullptr && flag->load(std::memory_order_relaxed);
  }
  const std::atomic<bool>* flag_ = nullptr;
  const std::atomic<bool>* other_ = nullptr;
  std::atomic<int64_t>* polls_left_ = nullptr;
};

// What an algorithm may still spend: it counts its elementary steps, and gives up when there are
// none left or it is stopped. Work, not time, so that the result depends on nothing else.
struct Effort {
  StopToken stop = {};
  int64_t steps_left = INT64_MAX;
  bool is_over() const { return steps_left <= 0 || stop.stopped(); }
};

}  // namespace memopt
