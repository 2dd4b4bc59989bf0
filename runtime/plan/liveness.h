// When the values of a plan hold something, recomputed from its instructions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/plan/plan.h"

namespace memopt {

// Positions: 0 is before the first instruction, i + 1 is instruction i, the number of instructions
// plus one is the end, where outputs are read and states are kept.
struct Lifetime {
  int64_t written = 0;
  int64_t last_read = 0;  // of anything in the same root; `written` if nothing reads it
  // During instruction `i`: is it there before, and needed by it or later?
  bool holds_during(int64_t i) const { return written < i + 1 && last_read >= i + 1; }
};

// Of every value that is an input, a state or an instruction's output; nullopt for constants and
// for values that are only other names of these. For plans that are verified or made by the
// compiler.
std::vector<std::optional<Lifetime>> lifetimes(const Plan& plan);

// For every instruction, the bytes of the arena that are in use while it runs: what is live, its
// outputs and its scratch.
std::vector<int64_t> live_bytes(const Plan& plan);

}  // namespace memopt
