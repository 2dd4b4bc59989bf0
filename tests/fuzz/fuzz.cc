#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace memopt::fuzz {
namespace {

std::vector<const Counter*>& counters() {
  static std::vector<const Counter*> all;
  return all;
}

void print_counters() {
  for (const Counter* const counter : counters()) {
    std::fprintf(stderr, "counter %s %llu\n", counter->name(),
                 static_cast<unsigned long long>(counter->count()));
  }
}

}  // namespace

void require(bool condition, std::string_view message) {
  if (condition) return;
  std::fprintf(stderr, "finding: %.*s\n", static_cast<int>(message.size()), message.data());
  std::abort();
}

void require_expected(const Error& error) {
  require(error.code == Code::kBadInput || error.code == Code::kUsage ||
              error.code == Code::kVerifyFailed,
          error.message);
}

Counter::Counter(const char* name) : name_(name) {
  if (counters().empty()) std::atexit(print_counters);
  counters().push_back(this);
}

std::string file_with(std::span<const uint8_t> bytes) {
  // A folder, so that what others write beside the file goes with it. In memory where the system
  // has a place for that.
  struct Temporary {
    char folder[32] = "/dev/shm/memopt-fuzz-XXXXXX";
    std::string path = std::string(mkdtemp(folder) ? folder : "") + "/input";
    int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ~Temporary() {
      close(descriptor);
      std::filesystem::remove_all(folder);
    }
  };
  static const Temporary kFile;
  require(kFile.descriptor >= 0, "no temporary file");
  require(ftruncate(kFile.descriptor, 0) == 0, "cannot empty the temporary file");
  const ssize_t written = pwrite(kFile.descriptor, bytes.data(), bytes.size(), 0);
  require(written == static_cast<ssize_t>(bytes.size()), "cannot write the temporary file");
  return kFile.path;
}

int64_t Random::number(int64_t old) {
  switch (below(8)) {
    case 0: {
      static constexpr int64_t kLimits[] = {INT64_MIN,
                                            INT64_MAX,
                                            INT32_MAX,
                                            int64_t{1} << 32,
                                            int64_t{1} << 40,
                                            (int64_t{1} << 40) + 1,
                                            -1,
                                            65536};
      return any(kLimits);
    }
    case 1:
      return static_cast<int64_t>(64 * below(32));
    case 2:
      return static_cast<int64_t>(static_cast<uint64_t>(old) + below(17) - 8);
    case 3:
      return static_cast<int64_t>(static_cast<uint64_t>(old) * 2);
    default:
      return static_cast<int64_t>(below(9)) - (one_in(4) ? 4 : 0);
  }
}

}  // namespace memopt::fuzz

// Sessions make their kernels on as many threads as there are processors. Starting threads would
// take longer than all else that a small plan does, so the fuzz targets have one processor.
extern "C" int get_nprocs() { return 1; }
