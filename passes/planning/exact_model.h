// What the exact search needs to know of an instance, computed once.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "passes/planning/instance.h"

namespace memopt {

// Items are renumbered by first clique.
struct ExactModel {
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Job {
    uint32_t item = 0;     // in the instance
    int64_t size = 0;      // padded to the granularity
    int64_t raw_size = 0;  // what must end below the capacity
    int64_t alignment = 1;
    std::optional<int64_t> fixed_offset;
    uint32_t first_clique = 0, last_clique = 0;
    // Of interchangeable jobs, each lies above the one before it.
    uint32_t above = kNone, below = kNone;  // the next and the previous
  };
  int64_t granularity = 1;
  std::vector<Job> jobs;
  std::vector<std::vector<uint32_t>> neighbors;   // of jobs
  std::vector<std::vector<uint32_t>> cliques;     // members of each, all of size >= 2 or loners
  std::vector<std::vector<uint32_t>> cliques_of;  // of jobs, ascending
};

// Nothing when there are too many conflicts to list.
std::optional<ExactModel> make_exact_model(const Instance& instance, int64_t max_pairs = 5'000'000);

}  // namespace memopt
