// Guard mode: checks while a plan runs that every kernel keeps to its contract and that the plan
// shares memory soundly. Before each instruction every byte of the arena that holds nothing live is
// filled with a pattern that reads as NaN, so that who reads what is dead computes NaN; after it,
// every byte but those of its outputs and scratch must be what it was before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/page_buffer.h"
#include "runtime/base/result.h"
#include "runtime/plan/liveness.h"
#include "runtime/plan/plan.h"

namespace memopt {

// What guarded runs have seen.
struct GuardReport {
  int64_t runs = 0;
  int64_t steps = 0;             // instructions checked without a violation
  int64_t high_water_bytes = 0;  // end of the highest byte of the arena that was written
  // End of the highest byte that a step read, kept, or had for its outputs or scratch, or that
  // holds an input or output of the plan; in whole units of kArenaAlignment, which storages begin
  // at.
  int64_t reserved_bytes = 0;
};

class Guard {
 public:
  // Needs twice the arena of memory more.
  static Result<std::unique_ptr<Guard>> create(const Plan& plan, std::span<std::byte> arena);

  void before_run();
  void before(size_t instruction);
  // kInternal, naming the instruction, the byte and the value it belongs to.
  Status after(size_t instruction);
  const GuardReport& report() const { return report_; }

 private:
  enum Mark : uint8_t { kDead = 0, kLive = 1, kWritable = 2 };

  Guard(const Plan& plan, std::span<std::byte> arena);
  void mark(const PlanValue& value, Mark mark);
  void reserve(int64_t end);  // of bytes in use
  void poison_dead();
  Error violation(size_t instruction, int64_t byte) const;

  const Plan& plan_;
  const std::span<std::byte> arena_;
  PageBuffer marks_;   // one Mark per byte of the arena
  PageBuffer before_;  // the arena as it was before the instruction
  std::vector<std::optional<Lifetime>> lifetimes_;
  std::vector<std::vector<uint32_t>> begins_, ends_;  // per instruction: values that come and go
  std::vector<uint32_t> live_;                        // sorted
  GuardReport report_;
};

}  // namespace memopt
