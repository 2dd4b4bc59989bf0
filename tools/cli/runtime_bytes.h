// What loading a plan takes besides constants and arena: the "runtime" bytes of the reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/plan/plan.h"
#include "tools/allocation/count.h"

namespace memopt {

// Measured bytes that stay allocated.
struct RuntimeBytes {
  int64_t plan = 0;     // the loaded plan: its tables, without the constants
  int64_t session = 0;  // the session: kernel objects, operands, code that a library generated
  int64_t total() const { return plan + session; }
};

// "1.17 MiB (...): plan 30.1 KiB, ...", or that it was not measured.
std::string runtime_text(const std::optional<RuntimeBytes>& bytes);

// What loading a plan will take: found by loading it and making a session of one thread in this
// process, with constants that nobody writes and an arena that nobody touches, in whole pages. What
// libraries allocate once in a process, some KiB, is there before. Where nothing is counted, or
// this machine cannot serve the plan's target, an estimate from the plan's tables and kernels.
struct PredictedRuntime {
  int64_t bytes = 0;
  bool is_estimate = false;
};
Result<PredictedRuntime> predict_runtime(const Plan& plan, const AllocationCounter* counter);

// Measures around the two steps of loading, in this order; without a counter that works, nothing.
class RuntimeMeter {
 public:
  explicit RuntimeMeter(const AllocationCounter* counter)
      : counter_(counter != nullptr && counter->available() ? counter : nullptr) {}

  bool counts() const { return counter_ != nullptr; }
  void begin() const {
    if (counter_) counter_->start();
  }
  // Copied constants are in a mapping of their own, which is not counted.
  void end_of_load() {
    if (counter_) bytes_.plan = counter_->stop().kept_heap_bytes;
  }
  void end_of_session() {
    if (!counter_) return;
    const AllocationCounts counts = counter_->stop();
    bytes_.session = counts.kept_heap_bytes + counts.kept_mapped_bytes;
  }
  std::optional<RuntimeBytes> bytes() const {
    return counter_ ? std::optional(bytes_) : std::nullopt;
  }

 private:
  const AllocationCounter* counter_;
  RuntimeBytes bytes_;
};

}  // namespace memopt
