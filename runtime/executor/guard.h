// Guard mode: checks while a plan runs that every kernel keeps to its contract and that the plan
// shares memory soundly. Before each instruction every byte of the arena and of the states that
// holds nothing live, outputs and scratch among them, is filled with a pattern that reads as NaN;
// after it, every byte but those of its outputs and scratch must be what it was before. Then the
// instruction runs once more, on what it found, with another pattern. Its outputs must be the same
// bytes again: one that it leaves unwritten holds either pattern, and one that it makes of dead
// bytes, of scratch or of what its output held differs. (Not seen: a byte left unwritten where an
// output lies over its input.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/page_buffer.h"
#include "runtime/base/result.h"
#include "runtime/kernels/kernel.h"
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
  // Needs three times the arena and the states of memory more, and the largest output in a caller's
  // buffer.
  static Result<std::unique_ptr<Guard>> create(const Plan& plan, std::span<std::byte> arena);

  // `state`: the block that the states lie in.
  void before_run(std::span<std::byte> state);
  void before(size_t instruction, const RunContext& call);
  // After `kernel` has run `call`; runs it again. kInternal, naming the instruction, the byte and
  // the value it belongs to.
  Status after(size_t instruction, Kernel& kernel, const RunContext& call);
  const GuardReport& report() const { return report_; }

 private:
  // A byte is dead, or some of these.
  enum Mark : uint8_t { kLive = 1, kWritable = 2 };
  enum class Poison : uint8_t { kFirst, kSecond };

  // Memory whose bytes pass from value to value.
  struct Space {
    std::string_view name;  // "arena", "state"
    std::span<std::byte> bytes;
    PageBuffer marks;    // the Marks of every byte
    PageBuffer before;   // as it was before the instruction
    PageBuffer results;  // behind its first run
  };

  Guard(const Plan& plan, std::span<std::byte> arena);
  // nullptr where the value is in neither.
  Space* space_of(const PlanValue& value);
  const Space* space_of(const PlanValue& value) const;
  static void mark(Space& space, int64_t begin, int64_t end, Mark mark);
  void mark(const PlanValue& value, Mark mark);
  void reserve(int64_t end);  // of bytes of the arena in use
  static void poison(Space& space, Poison pattern);
  void poison(Poison pattern, size_t instruction, const RunContext& call);
  Status check_unchanged(size_t instruction, const Space& space);
  void keep_results(size_t instruction, const RunContext& call);
  Status check_same_results(size_t instruction, const RunContext& call) const;
  Error violation(size_t instruction, const std::string& what) const;
  Error result_violation(size_t instruction, const PlanValue& value, int64_t byte, std::byte first,
                         std::byte again) const;
  std::string owner_of(const Space& space, int64_t byte) const;

  const Plan& plan_;
  Space arena_, state_;
  std::vector<std::byte> caller_results_;  // the outputs in callers' buffers behind it
  std::vector<std::optional<Lifetime>> lifetimes_;
  std::vector<std::vector<uint32_t>> begins_, ends_;  // per instruction: values that come and go
  std::vector<uint32_t> live_;                        // sorted
  GuardReport report_;
};

}  // namespace memopt
