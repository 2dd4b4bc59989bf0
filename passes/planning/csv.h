// Memory problems and plans as text: comma-separated values with the columns of the public
// MiniMalloc benchmarks, one buffer per row.
//
//   id            name; also `buffer`, `buffer_id`
//   lower, upper  half-open lifetime; also `start` or `begin`, and `end`, which is inclusive
//   size          bytes
//   alignment     bytes, optional, 1
//   gaps          optional; "8-14 20-24@0:16": steps [8, 14) without use, [20, 24) of bytes [0, 16)
//   only fixed_offset  bytes, optional; an empty cell is free space         optional; name of the
//   memory space conflicts     optional; ids of buffers that interfere, separated by blanks, either
//   side of a pair or
//                 both. With it, lifetimes may be left out and mean nothing
//   offset        bytes, in plans
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "passes/planning/problem.h"

namespace memopt {

struct MemoryCsv {
  MemoryProblem problem;
  std::vector<std::optional<int64_t>> offsets;  // one per buffer, or empty without that column
};

// Errors name the line. The problem has passed check_problem.
Result<MemoryCsv> parse_memory_csv(std::string_view text);

// `offsets`: empty, or one per buffer. Optional columns appear where a buffer uses them.
// Names are written printable. Error: one that this format cannot hold (commas; blanks with
// conflicts).
Result<std::string> print_memory_csv(const MemoryProblem& problem,
                                     const std::vector<int64_t>& offsets = {});

}  // namespace memopt
