#include "compiler/onnx/external_data.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <vector>

#include "compiler/onnx/file_kind.h"

namespace memopt {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    if (!part.empty() && part != ".") parts.push_back(part);
    begin = end + 1;
  }
  return parts;
}

// Descends one component at a time without following links: what openat2 does where there is one.
int open_beneath_stepwise(int folder, const std::vector<std::string>& parts) {
  int current = dup(folder);
  for (size_t i = 0; i < parts.size() && current >= 0; ++i) {
    const bool last = i + 1 == parts.size();
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (last ? 0 : O_DIRECTORY);
    const int next = parts[i] == ".." ? -1 : openat(current, parts[i].c_str(), flags);
    if (parts[i] == "..") errno = EXDEV;
    const int saved = errno;
    close(current);
    errno = saved;
    current = next;
  }
  return current;
}

// Opens `relative` beneath `folder`; -1 and errno on failure.
int open_beneath(const std::string& folder, const std::string& relative) {
  const int dir = ::open(folder.empty() ? "." : folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return -1;
  struct open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  int fd = static_cast<int>(syscall(SYS_openat2, dir, relative.c_str(), &how, sizeof(how)));
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
    fd = open_beneath_stepwise(dir, components(relative));
  }
  const int saved = errno;
  close(dir);
  errno = saved;
  return fd;
}

Error refused(const std::string& location, const std::string& why) {
  return bad_input("external data '" + location + "': " + why);
}

// The path of `location` relative to `root` with every link resolved; an error if it leads outside.
Result<std::string> resolve_in_root(const std::string& folder, const std::string& root,
                                    const std::string& location) {
  std::error_code error;
  const fs::path real_root = fs::canonical(root, error);
  if (error) return refused(location, "cannot open the root '" + root + "': " + error.message());
  fs::path found = fs::canonical(fs::path(folder.empty() ? "." : folder) / location, error);
  if (error) found = fs::canonical(real_root / location, error);
  if (error) return refused(location, error.message());
  const fs::path relative = found.lexically_relative(real_root);
  if (relative.empty() || *relative.begin() == "..") {
    return refused(location, "leads to '" + found.string() + "', outside of the root '" +
                                 real_root.string() + "' (--external-data-root)");
  }
  return relative.string();
}

// A non-negative decimal number; an empty text is `missing`.
Result<int64_t> parse_number(const std::string& text, int64_t missing, const char* what) {
  if (text.empty()) return missing;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) {
    return bad_input(std::string("external data: malformed ") + what + " '" + text + "'");
  }
  return number;
}

}  // namespace

Result<SharedBytes> ExternalData::open(const std::string& location) {
  if (const auto found = files_.find(location); found != files_.end()) return found->second;
  if (location.empty() || location.size() > 4096 || location.find('\0') != std::string::npos) {
    return refused(location, "malformed location");
  }
  std::string relative = location;
  std::string beneath = folder_;
  if (!root_.empty()) {
    MEMOPT_ASSIGN_OR_RETURN(relative, resolve_in_root(folder_, root_, location));
    beneath = root_;
  } else if (location[0] == '/') {
    return refused(location, "an absolute path; needed a path relative to the model's folder");
  } else {
    for (const std::string& part : components(location)) {
      if (part == "..") {
        return refused(location,
                       "leaves the model's folder; --external-data-root DIR allows a wider one");
      }
    }
  }
  const int fd = open_beneath(beneath, relative);
  if (fd < 0) {
    if (errno == ELOOP || errno == EXDEV) {
      return refused(location,
                     "is or passes a symbolic link; --external-data-root DIR allows links that "
                     "stay beneath DIR");
    }
    return refused(location, std::string("cannot open: ") + std::strerror(errno));
  }
  struct stat info;
  if (fstat(fd, &info) == 0) {
    std::string problem;
    if (!S_ISREG(info.st_mode)) {
      problem = "not a regular file";
    } else if (info.st_nlink != 1 && !allow_hardlinks_) {
      problem =
          "has " + std::to_string(info.st_nlink) + " hard links; --allow-hardlinks accepts it";
    }
    if (!problem.empty()) {
      close(fd);
      return refused(location, problem);
    }
  }
  MEMOPT_ASSIGN_OR_RETURN(MappedFile mapped,
                          MappedFile::map(fd, "external data '" + location + "'"));
  const SharedBytes file = share_bytes(std::move(mapped));
  mapped_bytes_ += static_cast<int64_t>(file.bytes.size());
  paths_.push_back(beneath.empty() ? relative : beneath + '/' + relative);
  account_->admit_file(static_cast<int64_t>(file.bytes.size()));
  files_[location] = file;
  return file;
}

Result<SharedBytes> ExternalData::bytes_of(const onnx::TensorProto& tensor, int64_t needed) {
  std::string location, offset_text, length_text;
  for (const onnx::StringStringEntryProto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset_text = entry.value();
    if (entry.key() == "length") length_text = entry.value();
  }
  MEMOPT_ASSIGN_OR_RETURN(const int64_t offset, parse_number(offset_text, 0, "offset"));
  MEMOPT_ASSIGN_OR_RETURN(const int64_t length, parse_number(length_text, needed, "length"));
  MEMOPT_ASSIGN_OR_RETURN(SharedBytes file, open(location));
  const auto size = static_cast<int64_t>(file.bytes.size());
  if (length > size || offset > size - length) {
    return refused(location, "needed " + std::to_string(length) + " bytes at offset " +
                                 std::to_string(offset) + ", the file has " + std::to_string(size) +
                                 foreign_file_hint(file.bytes));
  }
  file.bytes = file.bytes.subspan(static_cast<size_t>(offset), static_cast<size_t>(length));
  return file;
}

}  // namespace memopt
