#include "runtime/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
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

const char* kind_of(const struct stat& info) {
  switch (info.st_mode & S_IFMT) {
    case S_IFDIR:
      return "a folder";
    case S_IFIFO:
      return "a pipe";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFSOCK:
      return "a socket";
    case S_IFREG:
      return "a regular file";
    default:
      return "a device";
  }
}

// Opens a regular file for reading; its size goes to `bytes`. O_NONBLOCK: do not wait for the
// writer of a FIFO.
Result<int> open_regular(const std::string& path, int64_t& bytes) {
  const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (number < 0) return bad_input(path + ": cannot open: " + reason());
  struct stat info = {};
  if (::fstat(number, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(number);
    return bad_input(path + ": is " + kind_of(info) + ", not a regular file");
  }
  bytes = info.st_size;
  return number;
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Error cannot(std::string_view what, const std::string& path, const std::string& why) {
  return {Code::kOutOfResource, path + ": cannot " + std::string(what) + ": " + why};
}

// The descriptor that a name such as /dev/stdout stands for.
std::optional<int> own_descriptor(std::string_view path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  constexpr std::string_view kFolder = "/dev/fd/";
  int number = -1;
  if (!path.starts_with(kFolder)) return std::nullopt;
  const char* const end = path.data() + path.size();
  const auto parsed = std::from_chars(path.data() + kFolder.size(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number < 0) return std::nullopt;
  return number;
}

// What writing to a path means, by what lies there.
struct Place {
  int descriptor = -1;                // written directly; -1: replaced
  std::optional<mode_t> permissions;  // of the file that is replaced
};

Result<Place> place_of(const std::string& path) {
  if (const std::optional<int> number = own_descriptor(path)) {
    const int copy = ::fcntl(*number, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return cannot("open", path, reason());
    return Place{copy, {}};
  }
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) return cannot("create", path, reason());
    if (path.empty() || path.back() == '/')
      return cannot("create", path, "needed the name of a file");
    return Place{};
  }
  if (S_ISCHR(info.st_mode)) {
    const int number = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (number < 0) return cannot("open", path, reason());
    return Place{number, {}};
  }
  if (!S_ISREG(info.st_mode)) {
    return cannot("write", path, std::string("is ") + kind_of(info) + ", not a regular file");
  }
  constexpr mode_t kAnyWrite = S_IWUSR | S_IWGRP | S_IWOTH;
  if ((info.st_mode & kAnyWrite) == 0 || ::access(path.c_str(), W_OK) != 0) {
    return cannot("replace", path, "there is no permission to write");
  }
  return Place{-1, info.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO)};
}

// A new file beside `path`. The process id keeps concurrent writers apart, the number the files of
// one process; an attempt steps over what a killed process left behind.
Result<std::pair<TemporaryPath, int>> create_beside(const std::string& path) {
  static std::atomic<uint64_t> count = 0;
  const std::string start = folder_of(path) + "/.memopt-" + std::to_string(::getpid()) + '-';
  for (int attempt = 0; attempt < 100; ++attempt) {
    MEMOPT_ASSIGN_OR_RETURN(TemporaryPath temporary,
                            TemporaryPath::own(start + std::to_string(count++) + ".tmp"));
    const int number =
        ::open(temporary.path(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (number >= 0) return std::pair(std::move(temporary), number);
    const Error error = cannot("create", path, reason());
    const bool exists = errno == EEXIST;
    temporary.release();
    if (!exists) return error;
  }
  return cannot("create", path, "old temporary files are in the way");
}

// So that a rename survives a crash. Not every file system can do that.
Status sync_folder(const std::string& path) {
  const Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.number < 0 || ::fsync(folder.number) == 0) return {};
  if (errno == EINVAL || errno == ENOTSUP || errno == EROFS) return {};
  return cannot("sync the folder", path, reason());
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  int64_t bytes = 0;
  MEMOPT_ASSIGN_OR_RETURN(const int number, open_regular(path, bytes));
  return map(number, path);
}

Result<MappedFile> MappedFile::map(int number, const std::string& path) {
  const Descriptor descriptor(number);
  struct stat info = {};
  if (::fstat(number, &info) != 0 || !S_ISREG(info.st_mode)) {
    return bad_input(path + ": is " + kind_of(info) + ", not a regular file");
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
  MEMOPT_ASSIGN_OR_RETURN(const Place place, place_of(path));
  if (place.descriptor >= 0) return AtomicFile(path, std::nullopt, place.descriptor);
  MEMOPT_ASSIGN_OR_RETURN(auto made, create_beside(path));
  AtomicFile file(path, std::move(made.first), made.second);
  if (place.permissions && ::fchmod(file.descriptor_, *place.permissions) != 0) {
    return file.failure("set the permissions of");
  }
  return file;
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Error AtomicFile::failure(std::string_view what) const { return cannot(what, path_, reason()); }

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

Status AtomicFile::seal() {
  if (descriptor_ < 0) return {};
  if (temporary_ && ::fsync(descriptor_) != 0) return failure("sync");
  if (::close(std::exchange(descriptor_, -1)) != 0) return failure("close");
  return {};
}

Status AtomicFile::commit() {
  MEMOPT_RETURN_IF_ERROR(seal());
  if (!temporary_) return {};
  if (::rename(temporary_->path(), path_.c_str()) != 0) return failure("rename");
  temporary_->release();
  temporary_.reset();
  return sync_folder(path_);
}

Status write_file(const std::string& path, std::string_view text) {
  MEMOPT_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  MEMOPT_RETURN_IF_ERROR(file.write(std::as_bytes(std::span(text))));
  return file.commit();
}

}  // namespace memopt
