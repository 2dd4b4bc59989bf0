#include "tools/allocation/count.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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
std::atomic<int64_t> kept_heap_bytes, peak_heap_bytes;

// The anonymous mappings made while counting; those given back have no address any more. A table
// of fixed size, as nothing can be allocated here: more mappings than entries are left out.
struct Mapping {
  std::atomic<void*> address;
  size_t bytes;
};
constexpr size_t kMostMappings = 1 << 15;
Mapping mappings[kMostMappings];
std::atomic<size_t> mapping_count;

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

// After a block was taken; returns it.
[[maybe_unused]] void* taken(void* pointer) {
  if (counting.load(std::memory_order_relaxed)) {
    const auto bytes = static_cast<int64_t>(::malloc_usable_size(pointer));
    const int64_t kept = kept_heap_bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    int64_t peak = peak_heap_bytes.load(std::memory_order_relaxed);
    while (peak < kept && !peak_heap_bytes.compare_exchange_weak(peak, kept)) {
    }
  }
  return pointer;
}

// Before a block is given back.
[[maybe_unused]] void given_back(void* pointer) {
  if (!counting.load(std::memory_order_relaxed)) return;
  kept_heap_bytes.fetch_sub(static_cast<int64_t>(::malloc_usable_size(pointer)),
                            std::memory_order_relaxed);
}

[[maybe_unused]] void mapped(void* address, size_t bytes) {
  if (!counting.load(std::memory_order_relaxed)) return;
  const size_t index = mapping_count.fetch_add(1);
  if (index >= kMostMappings) return;
  mappings[index].bytes = bytes;
  mappings[index].address = address;
}

[[maybe_unused]] void unmapped(void* address) {
  if (!counting.load(std::memory_order_relaxed)) return;
  const size_t count = std::min(mapping_count.load(), kMostMappings);
  for (size_t i = 0; i < count; ++i) {
    void* expected = address;
    if (mappings[i].address.compare_exchange_strong(expected, nullptr)) return;
  }
}

int64_t touched_bytes(const Mapping& mapping) {
  constexpr size_t kPages = 1024;
  const auto page_bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  auto* const begin = static_cast<char*>(mapping.address.load());
  if (begin == nullptr) return 0;
  int64_t touched = 0;
  for (size_t done = 0; done < mapping.bytes; done += kPages * page_bytes) {
    std::array<unsigned char, kPages> resident{};
    const size_t bytes = std::min(mapping.bytes - done, kPages * page_bytes);
    if (::mincore(begin + done, bytes, resident.data()) != 0) return touched;
    touched += std::count_if(resident.begin(), resident.end(), [](auto page) { return page & 1; });
  }
  return touched * static_cast<int64_t>(page_bytes);
}

int64_t kept_mapped_bytes() {
  int64_t bytes = 0;
  const size_t count = std::min(mapping_count.load(), kMostMappings);
  for (size_t i = 0; i < count; ++i) bytes += touched_bytes(mappings[i]);
  return bytes;
}

}  // namespace

bool can_count_allocations() { return MEMOPT_COUNTS_ALLOCATIONS != 0; }

void start_counting_allocations() {
  memopt_calls = library_calls = library_bytes = largest_library_bytes = 0;
  kept_heap_bytes = peak_heap_bytes = 0;
  mapping_count = 0;
  counting = true;
}

AllocationCounts stop_counting_allocations() {
  counting = false;
  return {memopt_calls,    library_calls,       library_bytes,  largest_library_bytes,
          kept_heap_bytes, kept_mapped_bytes(), peak_heap_bytes};
}

}  // namespace memopt

#if MEMOPT_COUNTS_ALLOCATIONS
// The C library's allocator under the names that it exports for this purpose. operator new calls
// malloc, so C++ needs nothing more.
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming)
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* pointer, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* pointer);
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)

void* malloc(size_t size) noexcept {
  memopt::count(size);
  return memopt::taken(__libc_malloc(size));
}

void* calloc(size_t count, size_t size) noexcept {
  memopt::count(count * size);
  return memopt::taken(__libc_calloc(count, size));
}

void* realloc(void* pointer, size_t size) noexcept {
  memopt::count(size);
  memopt::given_back(pointer);
  void* const moved = __libc_realloc(pointer, size);
  // A failure leaves the block where it was; size 0 has freed it.
  return moved == nullptr && size != 0 ? (memopt::taken(pointer), nullptr) : memopt::taken(moved);
}

void* memalign(size_t alignment, size_t size) noexcept {
  memopt::count(size);
  return memopt::taken(__libc_memalign(alignment, size));
}

void free(void* pointer) noexcept {
  memopt::given_back(pointer);
  __libc_free(pointer);
}

void* aligned_alloc(size_t alignment, size_t size) noexcept { return memalign(alignment, size); }

int posix_memalign(void** pointer, size_t alignment, size_t size) noexcept {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) {
    return EINVAL;
  }
  *pointer = memalign(alignment, size);
  return *pointer ? 0 : ENOMEM;
}

void* mmap64(void* address, size_t size, int protection, int flags, int file,
             off_t offset) noexcept {
  const auto answer = syscall(SYS_mmap, address, size, protection, flags, file, offset);
  // The system answers by a number.
  void* const base = reinterpret_cast<void*>(answer);  // NOLINT(performance-no-int-to-ptr)
  if (base != MAP_FAILED && (flags & MAP_ANONYMOUS) != 0) memopt::mapped(base, size);
  return base;
}

void* mmap(void* address, size_t size, int protection, int flags, int file, off_t offset) noexcept {
  return mmap64(address, size, protection, flags, file, offset);
}

int munmap(void* address, size_t size) noexcept {
  memopt::unmapped(address);  // before another thread can be given the same address
  return static_cast<int>(syscall(SYS_munmap, address, size));
}
}
#endif
