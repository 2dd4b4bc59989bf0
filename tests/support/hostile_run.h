// Runs plans that nobody vouches for: what the loader accepts must run without a violation,
// whatever lies in its inputs and constants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "runtime/kernels/kernel.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/request.h"
#include "tests/support/fenced_kernels.h"

namespace memopt {

struct HostileRun {
  bool accepted = false;  // the loader took it
  bool ran = false;       // it was small enough, and every instruction ran
  std::string violation;  // what must not be; empty: nothing
};

// Loads a plan file with this metadata and right digests; runs it under the guard in an arena with
// a fence behind it, and with caller's buffers of exactly the bytes asked for. Inputs and constants
// are filled from `seed`: plausible numbers, extreme ones, or any bits. Plans that ask for more
// than a megabyte or for long computations are loaded but do not run.
HostileRun run_hostile(std::span<const std::byte> metadata, uint64_t seed,
                       KernelLookup kernels = fenced_kernel);

}  // namespace memopt
