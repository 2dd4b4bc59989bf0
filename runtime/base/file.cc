#include "runtime/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/base/mapped_files.h"

namespace memopt {
namespace {

std::string reason() { return std::strerror(errno); }

// A file descriptor that closes itself.
struct Descriptor {
  int number = -1;
  Descriptor(int number) : number(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

// Opens a regular file for reading; its size goes to `bytes`. O_NONBLOCK: do not wait for the
// writer of a FIFO.
Result<int> open_regular(const std::string& path, int64_t& bytes) {
  const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (number < 0) return bad_input(path + ": cannot open: " + reason());
  struct stat info;
  if (::fstat(number, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(number);
    return bad_input(path + ": not a regular file");
  }
  bytes = info.st_size;
  return number;
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_special_file(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  int64_t bytes = 0;
  MEMOPT_ASSIGN_OR_RETURN(const int number, open_regular(path, bytes));
  return map(number, path);
}

Result<MappedFile> MappedFile::map(int number, const std::string& path) {
  const Descriptor descriptor(number);
  struct stat info;
  if (::fstat(number, &info) != 0 || !S_ISREG(info.st_mode)) {
    return bad_input(path + ": not a regular file");
  }
  const int64_t bytes = info.st_size;
  MappedFile file;
  if (bytes == 0) return file;  // nothing to map
  void* const base =
      ::mmap(nullptr, static_cast<size_t>(bytes), PROT_READ, MAP_PRIVATE, descriptor.number, 0);
  if (base == MAP_FAILED) {
    return Error{Code::kOutOfResource,
                 path + ": cannot map " + std::to_string(bytes) + " bytes: " + reason()};
  }
  file.bytes_ = {static_cast<const std::byte*>(base), static_cast<size_t>(bytes)};
  remember_mapped_file(file.bytes_, path);
  return file;
}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  forget_mapped_file(bytes_);
  ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

Result<std::vector<std::byte>> read_file(const std::string& path, int64_t limit_bytes) {
  int64_t bytes = 0;
  MEMOPT_ASSIGN_OR_RETURN(const int number, open_regular(path, bytes));
  const Descriptor descriptor(number);
  if (bytes > limit_bytes) {
    return bad_input(path + ": has " + std::to_string(bytes) + " bytes, the limit is " +
                     std::to_string(limit_bytes));
  }
  std::vector<std::byte> content(static_cast<size_t>(bytes));
  for (size_t done = 0; done < content.size();) {
    const ssize_t count = ::read(descriptor.number, content.data() + done, content.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return bad_input(path + ": cannot read: " + reason());
    if (count == 0) return bad_input(path + ": became shorter while it was read");
    done += static_cast<size_t>(count);
  }
  return content;
}

Result<AtomicFile> AtomicFile::create(const std::string& path) {
  if (is_special_file(path)) {
    const int number = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (number < 0) return Error{Code::kOutOfResource, path + ": cannot open: " + reason()};
    return AtomicFile(path, "", number);
  }
  // The process id keeps concurrent writers apart; the counter steps over leftovers of a crash.
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string temporary =
        path + ".tmp" + std::to_string(::getpid()) + '.' + std::to_string(attempt);
    const int number =
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (number >= 0) return AtomicFile(path, std::move(temporary), number);
    if (errno != EEXIST) break;
  }
  return Error{Code::kOutOfResource, path + ": cannot create: " + reason()};
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Error AtomicFile::failure(std::string_view what) const {
  return {Code::kOutOfResource, path_ + ": cannot " + std::string(what) + ": " + reason()};
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return failure("write");
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return {};
}

Status AtomicFile::write_at(int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return failure("write");
    offset += count;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return {};
}

Status AtomicFile::commit() {
  const bool direct = temporary_.empty();
  if (!direct && ::fsync(descriptor_) != 0) return failure("sync");
  if (::close(std::exchange(descriptor_, -1)) != 0) return failure("close");
  if (direct) return {};
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failure("rename");
  temporary_.clear();
  // The rename itself survives a crash once the folder is synced. Not every file system can.
  const Descriptor folder(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.number >= 0) ::fsync(folder.number);
  return {};
}

Status write_file(const std::string& path, std::string_view text) {
  MEMOPT_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  MEMOPT_RETURN_IF_ERROR(file.write(std::as_bytes(std::span(text))));
  return file.commit();
}

}  // namespace memopt
