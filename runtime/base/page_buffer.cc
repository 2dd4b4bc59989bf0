#include "runtime/base/page_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include "runtime/base/checked.h"

namespace memopt {
namespace {

constexpr int64_t kHugePageBytes = int64_t{2} << 20;

Result<std::span<std::byte>> map_pages(int64_t bytes) {
  void* const base = ::mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    return Error{Code::kOutOfResource, "cannot allocate " + std::to_string(bytes) + " bytes"};
  }
  // Fewer misses of the address cache. A wish: not every system grants it.
  if (bytes >= kHugePageBytes) ::madvise(base, static_cast<size_t>(bytes), MADV_HUGEPAGE);
  return std::span(static_cast<std::byte*>(base), static_cast<size_t>(bytes));
}

}  // namespace

Result<PageBuffer> PageBuffer::allocate(int64_t bytes) {
  PageBuffer buffer;
  if (bytes == 0) return buffer;
  MEMOPT_ASSIGN_OR_RETURN(buffer.mapping_, map_pages(bytes));
  buffer.bytes_ = buffer.mapping_;
  return buffer;
}

Result<PageBuffer> PageBuffer::allocate_fenced(int64_t bytes, int64_t alignment) {
  const int64_t page = ::sysconf(_SC_PAGESIZE);
  const int64_t used = align_up(bytes, page);
  PageBuffer buffer;
  MEMOPT_ASSIGN_OR_RETURN(buffer.mapping_, map_pages(used + page));
  std::byte* const fence = buffer.mapping_.data() + used;
  if (::mprotect(fence, static_cast<size_t>(page), PROT_NONE) != 0) {
    return Error{Code::kOutOfResource, "cannot protect a page"};
  }
  buffer.bytes_ = {fence - align_up(bytes, alignment), static_cast<size_t>(bytes)};
  return buffer;
}

PageBuffer::~PageBuffer() {
  if (!mapping_.empty()) ::munmap(mapping_.data(), mapping_.size());
}

}  // namespace memopt
