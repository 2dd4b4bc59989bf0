// The memory problem of a plan, derived from the plan file alone: what a certificate speaks about.
// This folder includes runtime/ only and shares no code with the planners.
//
// The rules of the problem:
//  - A storage is a root of the plan in the arena: its bytes, rounded up to whole blocks of 64. Its
//    aliases (views, parts that are written in place) lie inside it and have no bytes of their own.
//  - A storage is occupied as a whole from the first step that touches it (writes or reads anything
//    in it) through the last one; an input of the model from the start on, an output of the model
//    up to the end. An input that no step reads is there at the start only.
//  - While a step runs, everything that is occupied before it, everything it touches and its
//    scratch (rounded up to 64 bytes) have bytes of their own, with one exception: a result that is
//    a storage may take over the storage of an operand that is occupied for the last time there,
//    where both have the same elements in the same places and the kernel may work in place on every
//    operand in that storage. Each storage takes part in at most one such pair.
//  - A step runs after those that write what it reads, and one that writes the whole next value of
//    a state after all others that read what the state is. Any order that respects this may be
//    used, and the storages may be placed anywhere.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/request.h"

namespace memopt::certificate {

// `result` may take over the storage of `operand`; both have `bytes` bytes.
struct Overwrite {
  int32_t result = 0;
  int32_t operand = 0;
  int64_t bytes = 0;
};

struct ArenaStorage {
  uint32_t value = 0;  // the plan's root
  int64_t bytes = 0;
  bool at_start = false;
  bool at_end = false;
  std::vector<int32_t> steps;  // that touch it, ascending

  // Occupied though no step has run yet (`done` == 0), or all have.
  bool is_idle_input() const { return steps.empty() && at_start && !at_end; }
};

struct Step {
  int64_t scratch_bytes = 0;
  std::vector<int32_t> storages;  // that it touches, ascending
  std::vector<int32_t> before;    // steps that must have run, ascending
  std::vector<int32_t> after;     // steps that wait for it, ascending
  std::vector<Overwrite> overwrites;
};

// Steps are the instructions of the plan, in its order. No sum of bytes overflows.
struct Problem {
  std::vector<ArenaStorage> storages;  // in the order of the plan's values
  std::vector<Step> steps;
  int64_t always_bytes = 0;  // occupied all the time, in no storage above; 0 for a whole plan

  int32_t step_count() const { return static_cast<int32_t>(steps.size()); }
};

// Of a plan that verify_memory() accepts. Errors: sums beyond 64 bits (kVerifyFailed); more
// dependences than memory should hold (kBadInput).
Result<Problem> derive_problem(const Plan& plan, KernelLookup kernels = find_kernel);

// The steps [begin, end) of a problem whose steps before `begin` have run, as a problem of its own:
// step i of the result is step begin + i.
Problem part_of(const Problem& problem, int32_t begin, int32_t end);

// The same problem with time running backwards: step i of the result is step n-1-i, what became
// occupied becomes free, and an order needs as many bytes as its mirror image.
Problem reversed(const Problem& problem);

// All steps that `step` waits for, directly or not (one flag per step; `step` itself is not
// flagged), and all that wait for it.
std::vector<uint8_t> ancestors_of(const Problem& problem, int32_t step);
std::vector<uint8_t> descendants_of(const Problem& problem, int32_t step);

// The most bytes that these pairs can save together, each storage in one pair at most. For an
// operator of more than eight pairs (`of_many`), no less than that: every result saves.
int64_t most_saved(std::span<const Overwrite> pairs, bool of_many);
inline bool has_many(const Step& step) { return step.overwrites.size() > 8; }

}  // namespace memopt::certificate
