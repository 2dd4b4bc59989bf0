#include "compiler/onnx/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace memopt {
namespace {

class Mapping {
 public:
  Mapping(void* data, size_t bytes) : data_(data), bytes_(bytes) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { munmap(data_, bytes_); }
  std::span<const std::byte> bytes() const { return {static_cast<std::byte*>(data_), bytes_}; }

 private:
  void* data_;
  size_t bytes_;
};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(fd_); }

 private:
  int fd_;
};

}  // namespace

Result<ByteRange> map_descriptor(int fd, const std::string& name) {
  const Descriptor closer(fd);
  struct stat info;
  if (fstat(fd, &info) != 0) return bad_input(name + ": " + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return bad_input(name + ": not a regular file");
  if (info.st_size > kMaxFileBytes) {
    return bad_input(name + ": " + std::to_string(info.st_size) + " bytes; at most " +
                     std::to_string(kMaxFileBytes) + " are read");
  }
  if (info.st_size == 0) return ByteRange{};
  const auto size = static_cast<size_t>(info.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) {
    return Error{Code::kOutOfResource, name + ": cannot map: " + std::strerror(errno)};
  }
  auto mapping = std::make_shared<const Mapping>(data, size);
  return ByteRange{mapping->bytes(), mapping};
}

Result<ByteRange> map_file(const std::string& path) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return bad_input(path + ": cannot open: " + std::strerror(errno));
  return map_descriptor(fd, path);
}

}  // namespace memopt
