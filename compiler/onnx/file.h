// Files mapped into memory, read-only. A file must not be shortened in place while it is mapped
// (writers rename); it may be replaced.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "runtime/base/result.h"

namespace memopt {

// A range of bytes and what keeps it alive.
struct ByteRange {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

inline constexpr int64_t kMaxFileBytes = int64_t{64} << 30;

// Maps the regular file that `fd` has open, and closes `fd` in every case. `name` is for messages.
Result<ByteRange> map_descriptor(int fd, const std::string& name);

// Maps the regular file at `path`.
Result<ByteRange> map_file(const std::string& path);

}  // namespace memopt
