// Makes one allocation, thread creation or file operation of this process fail, or all from one on.
// Linking the library memopt_faults (or preloading it, preload.cc) puts it before the C library.
#pragma once

#include <atomic>
#include <cstdint>

namespace memopt::faults {

enum class Kind : uint8_t {
  kAllocation,  // malloc and its kin, operator new, anonymous mmap: no memory
  kThread,      // pthread_create: EAGAIN
  kFile,        // open, read, write, fstat, mmap, fsync, ftruncate, rename, close and their kin
};
enum class Mode : uint8_t { kOnce, kForever };

// An error of file operations that is none: reads and writes move half of what they are asked to.
inline constexpr int kShort = -1;

struct Fault {
  Kind kind = Kind::kAllocation;
  int64_t point = 0;  // the first to fail, from 1; 0: none, they are only counted
  Mode mode = Mode::kOnce;
  int error = 0;  // of file operations: EIO, ENOSPC, EINTR or kShort. Only where it can happen
};

struct Stack {
  static constexpr int kMost = 64;
  void* frames[kMost];
  int count = 0;
};

// What has happened since arm(). May lie in memory that is shared with the process that forked
// this one.
struct Record {
  std::atomic<int64_t> points = 0;
  std::atomic<int64_t> live_blocks = 0;  // allocated and not given back, libraries' left out
  std::atomic<bool> hit = false;
  std::atomic<bool> output_lost = false;  // a write to standard output failed
  Stack fault;                            // where the first point failed
  Stack crash;  // where the process died of a signal, or of a library that calls exit()
};

// False in builds with a sanitizer, which has an allocator of its own; then nothing fails.
bool can_inject();

// From now on, in all threads; `record` outlives disarm(). Signals that end the process are
// recorded too.
void arm(const Fault& fault, Record& record);
void disarm();
// Whoever calls exit() before this ends the process where it must not: recorded as a crash.
void expect_exit();
// Of the last arm().
const Record& current_record();

}  // namespace memopt::faults
