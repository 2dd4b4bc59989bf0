// Counts what the process takes from the heap. Linking count.cc replaces malloc and its kin, so it
// is an object library of its own that only memopt-run and a test link.
#pragma once

#include <cstdint>

namespace memopt {

struct AllocationCounts {
  int64_t memopt = 0;   // calls outside of any LibraryScope
  int64_t library = 0;  // calls inside of one
  int64_t library_bytes = 0;
  int64_t largest_library_bytes = 0;
};

// False in builds with a sanitizer, which replaces malloc itself; nothing is counted there.
bool can_count_allocations();
// Counts the allocations of all threads from now on.
void start_counting_allocations();
AllocationCounts stop_counting_allocations();

}  // namespace memopt
