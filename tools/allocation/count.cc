#include "tools/allocation/count.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

#include "runtime/kernels/library_scope.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define MEMOPT_COUNTS_ALLOCATIONS 0
#else
#define MEMOPT_COUNTS_ALLOCATIONS 1
#endif

namespace memopt {
namespace {

std::atomic<bool> counting = false;
std::atomic<int64_t> memopt_calls, library_calls, library_bytes, largest_library_bytes;

[[maybe_unused]] void count(size_t size) {
  if (!counting.load(std::memory_order_relaxed)) return;
  if (library_scope_depth() == 0) {
    memopt_calls.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const auto bytes = static_cast<int64_t>(size);
  library_calls.fetch_add(1, std::memory_order_relaxed);
  library_bytes.fetch_add(bytes, std::memory_order_relaxed);
  int64_t largest = largest_library_bytes.load(std::memory_order_relaxed);
  while (largest < bytes && !largest_library_bytes.compare_exchange_weak(largest, bytes)) {
  }
}

}  // namespace

bool can_count_allocations() { return MEMOPT_COUNTS_ALLOCATIONS != 0; }

void start_counting_allocations() {
  memopt_calls = library_calls = library_bytes = largest_library_bytes = 0;
  counting = true;
}

AllocationCounts stop_counting_allocations() {
  counting = false;
  return {memopt_calls, library_calls, library_bytes, largest_library_bytes};
}

}  // namespace memopt

#if MEMOPT_COUNTS_ALLOCATIONS
// The C library's allocator under the names that it exports for this purpose. operator new calls
// malloc, so C++ needs nothing more.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* pointer, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  memopt::count(size);
  return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  memopt::count(count * size);
  return __libc_calloc(count, size);
}

void* realloc(void* pointer, size_t size) {
  memopt::count(size);
  return __libc_realloc(pointer, size);
}

void* memalign(size_t alignment, size_t size) {
  memopt::count(size);
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void** pointer, size_t alignment, size_t size) {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) {
    return EINVAL;
  }
  *pointer = memalign(alignment, size);
  return *pointer ? 0 : ENOMEM;
}
}
#endif
