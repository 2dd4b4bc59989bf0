// Memory straight from the system: for arenas and copied constants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "runtime/base/result.h"

namespace memopt {

// Zeroed, page-aligned bytes, in huge pages where the system grants them; given back at the end.
class PageBuffer {
 public:
  // kOutOfResource where the system has none.
  static Result<PageBuffer> allocate(int64_t bytes);
  // The same with a page behind the last byte that no one may touch: an overrun ends the process.
  // The bytes end at that page if `bytes` is a multiple of `alignment`, else less than one
  // alignment before it. `alignment` is a power of two up to a page.
  static Result<PageBuffer> allocate_fenced(int64_t bytes, int64_t alignment);

  PageBuffer() = default;
  PageBuffer(PageBuffer&& other) noexcept
      : mapping_(std::exchange(other.mapping_, {})), bytes_(std::exchange(other.bytes_, {})) {}
  PageBuffer& operator=(PageBuffer&& other) noexcept {
    std::swap(mapping_, other.mapping_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~PageBuffer();
  std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> mapping_;
  std::span<std::byte> bytes_;
};

}  // namespace memopt
