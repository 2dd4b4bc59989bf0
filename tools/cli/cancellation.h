// Ending a search early at the user's wish, so that what was found so far is not lost.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "passes/planning/stop.h"

namespace memopt {

// While it lives, the first SIGINT, SIGTERM or SIGHUP stops its token, and so does the end of the
// time limit; a signal after that ends the process (signals.h). One at a time in a process.
class Cancellation {
 public:
  explicit Cancellation(std::optional<double> time_limit_seconds = {});
  ~Cancellation();
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  StopToken token() const;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;
  std::thread timer_;
};

}  // namespace memopt
