// The line on a terminal that says what takes so long.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>
#include <string_view>

namespace memopt {

// The name of a stage with its sizes as people read them: "budget of 4816896 bytes" becomes "budget
// of 4.59 MiB (4,816,896 B)".
std::string with_readable_sizes(std::string_view stage);

// Shows the present stage on one line, which the next replaces and the destructor removes. A stage
// that begins within `quiet_seconds` of the construction is not shown.
class Progress {
 public:
  Progress(std::ostream& err, bool active, double quiet_seconds = 2)
      : err_(err), active_(active), quiet_seconds_(quiet_seconds) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }
  void stage(std::string_view name);

 private:
  void clear();
  std::ostream& err_;
  bool active_;
  double quiet_seconds_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace memopt
