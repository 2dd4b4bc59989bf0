// Counts what the process takes from the heap and maps. Linking count.cc replaces malloc, mmap and
// their kin, so it is an object library of its own that only the tools that say what a session
// takes and a test link.
#pragma once

#include <cstdint>

namespace memopt {

struct AllocationCounts {
  int64_t memopt = 0;   // calls outside of any LibraryScope
  int64_t library = 0;  // calls inside of one
  int64_t library_bytes = 0;
  int64_t largest_library_bytes = 0;
  // Bytes taken and not given back by the end of the counting: from the heap, as blocks really are
  // (a little larger than was asked for), and the touched pages of anonymous mappings, where
  // libraries keep the code that they generate (they reserve far more than they fill). Stacks of
  // threads are in neither.
  int64_t kept_heap_bytes = 0;
  int64_t kept_mapped_bytes = 0;
  int64_t peak_heap_bytes = 0;  // the most that was taken and not given back at once
};

// How a program that links count.cc hands it to a tool (tools/cli), as others do without.
struct AllocationCounter {
  bool (*available)() = nullptr;
  void (*start)() = nullptr;
  AllocationCounts (*stop)() = nullptr;
};

// False in builds with a sanitizer, which replaces malloc itself; nothing is counted there.
bool can_count_allocations();
// Counts the allocations of all threads from now on.
void start_counting_allocations();
AllocationCounts stop_counting_allocations();

inline constexpr AllocationCounter kAllocationCounter = {
    can_count_allocations, start_counting_allocations, stop_counting_allocations};

}  // namespace memopt
