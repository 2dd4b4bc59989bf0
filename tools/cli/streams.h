// "-" on the command line: standard input read to its end, files copied to standard output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/temporary.h"

namespace memopt {

// Everything that is left in `in`, which `name` is the name of in messages. Errors: kBadInput where
// that is more than `limit_bytes` or cannot be read.
Result<std::vector<std::byte>> read_stream(std::istream& in, const std::string& name,
                                           int64_t limit_bytes);

// The text of the file at `path`, "-" for standard input. Errors: as above.
Result<std::string> read_text_input(const std::string& path, int64_t limit_bytes);

// The bytes of the file at `path` on `out`, a piece at a time.
Status copy_to_stream(const std::string& path, std::ostream& out);

// A folder of one's own in the system's folder for temporary files. It and the files in it go with
// this object, and where a signal ends the process.
class TemporaryFolder {
 public:
  static Result<TemporaryFolder> create();
  // The path of a file in it, which need not be made.
  Result<std::string> add(const std::string& name);

 private:
  explicit TemporaryFolder(TemporaryPath folder) : folder_(std::move(folder)) {}
  TemporaryPath folder_;
  std::vector<TemporaryPath> files_;  // destroyed first
};

}  // namespace memopt
