// Running plans that may be anything, where every touch of a byte that is not theirs is noticed.
#pragma once

#include <cstddef>
#include <span>

#include "runtime/plan/load.h"

namespace memopt {

// Loads the plan file and runs it once under the guard, in an arena and callers' buffers with a
// page behind each that no one may touch. `input` fills the inputs, byte by byte.
Status run_guarded(std::span<const std::byte> file, KernelLookup kernels,
                   std::byte input = std::byte{0});

}  // namespace memopt
