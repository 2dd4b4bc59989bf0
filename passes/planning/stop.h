// How a caller ends a search early.
#pragma once

#include <atomic>

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
  bool stopped() const { return is_set(flag_) || is_set(other_); }
  // Stops as well when `flag` is set. Of a token with at most one flag.
  StopToken with(const std::atomic<bool>* flag) const { return StopToken(flag_, flag); }

 private:
  static bool is_set(const std::atomic<bool>* flag) {
    return flag != nullptr && flag->load(std::memory_order_relaxed);
  }
  const std::atomic<bool>* flag_ = nullptr;
  const std::atomic<bool>* other_ = nullptr;
};

}  // namespace memopt
