#include "tools/cli/streams.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "runtime/base/file.h"
#include "runtime/base/size_text.h"

namespace memopt {

namespace {
constexpr size_t kPieceBytes = size_t{1} << 20;
}

Result<std::vector<std::byte>> read_stream(std::istream& in, const std::string& name,
                                           int64_t limit_bytes) {
  std::vector<std::byte> bytes;
  for (size_t used = 0;;) {
    const size_t room = static_cast<size_t>(limit_bytes) + 1 - used;
    bytes.resize(used + std::min(kPieceBytes, room));
    in.read(reinterpret_cast<char*>(bytes.data() + used),
            static_cast<std::streamsize>(bytes.size() - used));
    used += static_cast<size_t>(in.gcount());
    if (in.bad()) return bad_input(name + ": cannot read");
    if (used > static_cast<size_t>(limit_bytes)) {
      return bad_input(name + ": has more than " + both_sizes_text(limit_bytes) +
                       ", the limit; give a file instead");
    }
    if (!in) {
      bytes.resize(used);
      return bytes;
    }
  }
}

Result<std::string> read_text_input(const std::string& path, int64_t limit_bytes) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                          path == "-" ? read_stream(std::cin, "standard input", limit_bytes)
                                      : read_file(path, limit_bytes));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Status copy_to_stream(const std::string& path, std::ostream& out) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> piece(kPieceBytes);
  while (in && out) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    out.write(piece.data(), in.gcount());
  }
  if (!out.flush()) return Error{Code::kOutOfResource, "standard output: cannot write"};
  if (!in.eof()) return Error{Code::kOutOfResource, path + ": cannot read"};
  return {};
}

Result<TemporaryFolder> TemporaryFolder::create() {
  std::error_code error;
  const auto folder = std::filesystem::temp_directory_path(error);
  if (error) return Error{Code::kOutOfResource, "no temporary folder: " + error.message()};
  std::string path = (folder / "memopt-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) {
    return Error{Code::kOutOfResource, path + ": cannot create: " + std::strerror(errno)};
  }
  MEMOPT_ASSIGN_OR_RETURN(TemporaryPath owned, TemporaryPath::own(path));
  return TemporaryFolder(std::move(owned));
}

Result<std::string> TemporaryFolder::add(const std::string& name) {
  std::string path = std::string(folder_.path()) + '/' + name;
  MEMOPT_ASSIGN_OR_RETURN(TemporaryPath file, TemporaryPath::own(path));
  files_.push_back(std::move(file));
  return path;
}

}  // namespace memopt
