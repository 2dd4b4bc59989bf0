// Files: read whole, mapped, or written atomically. Only regular files are opened for reading, so
// that a FIFO, a device or a folder is an error instead of a hang. Messages name the path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/temporary.h"

namespace memopt {

// A read-only mapping of a whole file. The bytes are those of the file as it is: whoever writes
// into it or truncates it in place changes them (or ends the process); replacing it by rename is
// safe.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);
  // The file that `descriptor` has open, which is closed in every case; `name` is for messages.
  static Result<MappedFile> map(int descriptor, const std::string& name);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile();
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

// The bytes of a file, at most `limit_bytes` of them (a longer file is an error).
Result<std::vector<std::byte>> read_file(const std::string& path, int64_t limit_bytes);

// A file that appears at its path complete or not at all: written under a temporary name in the
// same folder, synced, renamed; whatever ends the process short of SIGKILL, the temporary file goes
// (temporary.h). All failures are Code::kOutOfResource.
//
// What lies at the path decides: nothing, or a regular file with permission to write: it is
// replaced, with the permissions that it had. A character device (/dev/null) is written into. Links
// are not followed, except that /dev/stdout, /dev/stderr and /dev/fd/N are what the process has
// open. Everything else - a symbolic link, a folder, a FIFO - is refused.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::string& path);
  AtomicFile(AtomicFile&& other) noexcept
      : path_(std::move(other.path_)),
        temporary_(std::move(other.temporary_)),
        descriptor_(std::exchange(other.descriptor_, -1)) {}
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  Status write(std::span<const std::byte> bytes);
  // Overwrites bytes written earlier, at `offset` from the start.
  Status write_at(int64_t offset, std::span<const std::byte> bytes);
  // All is written and lies on the disk, but not yet at its path: several files that are sealed
  // before the first is committed appear together or, where one cannot be written, not at all.
  Status seal();
  // Makes the file appear; seals it first.
  Status commit();
  const std::string& path() const { return path_; }

 private:
  AtomicFile(std::string path, std::optional<TemporaryPath> temporary, int descriptor)
      : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}
  Error failure(std::string_view what) const;

  std::string path_;
  std::optional<TemporaryPath> temporary_;  // none: writing directly, or done
  int descriptor_ = -1;
};

// The whole of `text` to `path`, atomically.
Status write_file(const std::string& path, std::string_view text);

}  // namespace memopt
