#include "tests/faults/inject.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "runtime/kernels/library_scope.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define MEMOPT_INJECTS_FAULTS 0
#else
#define MEMOPT_INJECTS_FAULTS 1
#endif

namespace memopt::faults {
namespace {

std::atomic<bool> armed = false;
Fault fault;
Record* record = nullptr;
std::atomic<bool> exit_is_right = false;
// Recording a stack may come by here again.
thread_local bool inside = false;

void take_stack(Stack& stack) { stack.count = ::backtrace(stack.frames, Stack::kMost); }

// Whether this operation is to fail.
[[maybe_unused]] bool fails(Kind kind) {
  if (!armed.load(std::memory_order_relaxed) || fault.kind != kind || inside) return false;
  const int64_t point = record->points.fetch_add(1) + 1;
  const bool failing =
      fault.point > 0 && (fault.mode == Mode::kOnce ? point == fault.point : point >= fault.point);
  if (failing && !record->hit.exchange(true)) {
    inside = true;
    take_stack(record->fault);
    inside = false;
  }
  return failing;
}

// The addresses of memopt's own blocks that were allocated since arm(): a hash table of fixed size,
// as nothing can be allocated here. Blocks that find no place within a few steps are left out.
class LiveBlocks {
 public:
  void insert(void* block) {
    if (block == nullptr) return;
    for (size_t i = 0; i < kSteps; ++i) {
      void* expected = nullptr;
      if (slot(block, i).compare_exchange_strong(expected, block)) {
        record->live_blocks.fetch_add(1);
        return;
      }
    }
  }
  void erase(void* block) {
    if (block == nullptr) return;
    for (size_t i = 0; i < kSteps; ++i) {
      void* expected = block;
      if (slot(block, i).compare_exchange_strong(expected, nullptr)) {
        record->live_blocks.fetch_sub(1);
        return;
      }
    }
  }

 private:
  static constexpr size_t kSlots = size_t{1} << 18, kSteps = 64;
  std::atomic<void*>& slot(void* block, size_t step) {
    const uint64_t hash = reinterpret_cast<uintptr_t>(block) * 0x9e3779b97f4a7c15u >> 32;
    return slots_[(hash + step) % kSlots];
  }
  std::atomic<void*> slots_[kSlots] = {};
};
LiveBlocks live_blocks;

// What the C library allocates for a thread it keeps, for the next one.
thread_local bool within_system = false;

[[maybe_unused]] void* taken(void* block) {
  if (armed.load(std::memory_order_relaxed) && library_scope_depth() == 0 && !within_system) {
    live_blocks.insert(block);
  }
  return block;
}
[[maybe_unused]] void given_back(void* block) {
  if (armed.load(std::memory_order_relaxed)) live_blocks.erase(block);
}

// File operations by what can go wrong with them.
enum Operation : uint8_t {
  kPlain = 0,       // EIO
  kTransfers = 1,   // moves bytes: EINTR, kShort
  kTakesSpace = 2,  // ENOSPC
};

[[maybe_unused]] bool file_fails(int operation) {
  if (!armed.load(std::memory_order_relaxed)) return false;
  const bool can = fault.error == EIO ||
                   (fault.error == ENOSPC && (operation & kTakesSpace) != 0) ||
                   (fault.error == EINTR && (operation & kTransfers) != 0);
  if (!can || !fails(Kind::kFile)) return false;
  errno = fault.error;
  return true;
}

// Of writing to standard output.
[[maybe_unused]] bool output_fails(int operation) {
  if (!file_fails(operation)) return false;
  // Who is interrupted tries again, and at exit everything has been written.
  if (fault.error != EINTR && !exit_is_right) record->output_lost = true;
  return true;
}
[[maybe_unused]] bool write_fails(int file) {
  constexpr int kWrites = kTransfers | kTakesSpace;
  return file == STDOUT_FILENO ? output_fails(kWrites) : file_fails(kWrites);
}

// How many of `bytes` a read or write may move.
[[maybe_unused]] size_t allowed(size_t bytes) {
  if (!armed.load(std::memory_order_relaxed) || fault.error != kShort || bytes < 2) return bytes;
  return fails(Kind::kFile) ? bytes / 2 : bytes;
}

// The definition behind this one: the C library's.
template <typename F>
[[maybe_unused]] F* next(F*& cached, const char* name) {
  if (cached == nullptr) cached = reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
  return cached;
}

[[maybe_unused]] void exits() {
  if (!armed || exit_is_right || inside) return;
  inside = true;
  take_stack(record->crash);
  inside = false;
}

void died(int number) {
  // What crashes while a library's exit() is under way does so for that.
  if (record != nullptr && !inside && record->crash.count == 0) {
    inside = true;
    take_stack(record->crash);
  }
  std::signal(number, SIG_DFL);
  std::raise(number);
}

}  // namespace

bool can_inject() { return MEMOPT_INJECTS_FAULTS != 0; }

void arm(const Fault& wanted, Record& where) {
  Stack warm_up;  // loads the unwinder
  take_stack(warm_up);
  static char stack[1 << 16];
  const stack_t alternative{.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof(stack)};
  ::sigaltstack(&alternative, nullptr);
  struct sigaction action = {};
  action.sa_handler = died;
  action.sa_flags = SA_ONSTACK;
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    ::sigaction(number, &action, nullptr);
  }
  fault = wanted;
  record = &where;
  armed = true;
}

void disarm() { armed = false; }

void expect_exit() { exit_is_right = true; }

const Record& current_record() { return *record; }

}  // namespace memopt::faults

#if MEMOPT_INJECTS_FAULTS
using memopt::faults::allowed;
using memopt::faults::exits;
using memopt::faults::fails;
using memopt::faults::file_fails;
using memopt::faults::given_back;
using memopt::faults::Kind;
using memopt::faults::kPlain;
using memopt::faults::kTakesSpace;
using memopt::faults::kTransfers;
using memopt::faults::next;
using memopt::faults::output_fails;
using memopt::faults::taken;
using memopt::faults::write_fails;

// `name` with this parameter list and these arguments, and behind it the C library's.
#define MEMOPT_NEXT(name)                                 \
  static decltype(&::name) cached = nullptr; /* NOLINT */ \
  auto* const real = next(cached, #name)

// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming)
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* pointer, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* pointer);

// memopt-run defines malloc itself, to count, and goes on to these.
void* __libc_malloc(size_t size) {
  MEMOPT_NEXT(__libc_malloc);
  if (fails(Kind::kAllocation)) return errno = ENOMEM, nullptr;
  return taken(real(size));
}
void* __libc_calloc(size_t count, size_t size) {
  MEMOPT_NEXT(__libc_calloc);
  if (fails(Kind::kAllocation)) return errno = ENOMEM, nullptr;
  return taken(real(count, size));
}
void* __libc_realloc(void* pointer, size_t size) {
  MEMOPT_NEXT(__libc_realloc);
  if (size != 0 && fails(Kind::kAllocation)) return errno = ENOMEM, nullptr;
  given_back(pointer);  // before another thread can be given the same address
  void* const moved = real(pointer, size);
  return moved == nullptr && size != 0 ? (taken(pointer), nullptr) : taken(moved);
}
void* __libc_memalign(size_t alignment, size_t size) {
  MEMOPT_NEXT(__libc_memalign);
  if (fails(Kind::kAllocation)) return errno = ENOMEM, nullptr;
  return taken(real(alignment, size));
}
void __libc_free(void* pointer) {
  MEMOPT_NEXT(__libc_free);
  given_back(pointer);
  real(pointer);
}
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)

void* malloc(size_t size) noexcept { return __libc_malloc(size); }
void* calloc(size_t count, size_t size) noexcept { return __libc_calloc(count, size); }
void* realloc(void* pointer, size_t size) noexcept { return __libc_realloc(pointer, size); }
void free(void* pointer) noexcept { __libc_free(pointer); }
void* memalign(size_t alignment, size_t size) noexcept { return __libc_memalign(alignment, size); }
void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** pointer, size_t alignment, size_t size) noexcept {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) {
    return EINVAL;
  }
  *pointer = __libc_memalign(alignment, size);
  return *pointer ? 0 : ENOMEM;
}

static bool mmap_fails(int flags) {
  if ((flags & MAP_ANONYMOUS) == 0) return file_fails(kPlain);
  if (!fails(Kind::kAllocation)) return false;
  errno = ENOMEM;
  return true;
}
void* mmap64(void* address, size_t size, int protection, int flags, int file,
             off_t offset) noexcept {
  MEMOPT_NEXT(mmap64);
  if (mmap_fails(flags)) return MAP_FAILED;
  return real(address, size, protection, flags, file, offset);
}
void* mmap(void* address, size_t size, int protection, int flags, int file, off_t offset) noexcept {
  return mmap64(address, size, protection, flags, file, offset);
}
// memopt-run's own mmap comes by here.
long syscall(long number, ...) noexcept {
  static long (*cached)(long, ...) = nullptr;
  auto* const real = next(cached, "syscall");
  long a[6];
  va_list list;
  va_start(list, number);
  for (long& value : a) value = va_arg(list, long);
  va_end(list);
  if (number == SYS_mmap && mmap_fails(static_cast<int>(a[3]))) return -1;
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*),
                   void* argument) noexcept {
  MEMOPT_NEXT(pthread_create);
  if (fails(Kind::kThread)) return EAGAIN;
  memopt::faults::within_system = true;
  const int result = real(thread, attributes, body, argument);
  memopt::faults::within_system = false;
  return result;
}

void exit(int status) {
  MEMOPT_NEXT(exit);
  exits();
  real(status);
  std::abort();
}

static int open_at(int folder, const char* path, int flags, mode_t mode) {
  if (file_fails((flags & O_CREAT) != 0 ? kTakesSpace : kPlain)) return -1;
  static int (*cached)(int, const char*, int, ...) = nullptr;
  return next(cached, "openat64")(folder, path, flags, mode);
}
#define MEMOPT_OPEN(name, ...)                         \
  int name(__VA_ARGS__, int flags, ...) {              \
    va_list list;                                      \
    va_start(list, flags);                             \
    const auto mode = va_arg(list, mode_t);            \
    va_end(list);                                      \
    return open_at(folder_of_call, path, flags, mode); \
  }
#define folder_of_call AT_FDCWD
MEMOPT_OPEN(open, const char* path)
MEMOPT_OPEN(open64, const char* path)
#undef folder_of_call
#define folder_of_call folder
MEMOPT_OPEN(openat, int folder, const char* path)
MEMOPT_OPEN(openat64, int folder, const char* path)
#undef folder_of_call

FILE* fopen64(const char* path, const char* mode) {
  MEMOPT_NEXT(fopen64);
  return file_fails(mode[0] == 'r' ? kPlain : kTakesSpace) ? nullptr : real(path, mode);
}
FILE* fopen(const char* path, const char* mode) { return fopen64(path, mode); }

ssize_t read(int file, void* bytes, size_t count) {
  MEMOPT_NEXT(read);
  return file_fails(kTransfers) ? -1 : real(file, bytes, allowed(count));
}
ssize_t write(int file, const void* bytes, size_t count) {
  MEMOPT_NEXT(write);
  return write_fails(file) ? -1 : real(file, bytes, allowed(count));
}
ssize_t writev(int file, const iovec* parts, int count) {
  MEMOPT_NEXT(writev);
  if (write_fails(file)) return -1;
  // Short: the first part only.
  return real(file, parts, static_cast<int>(allowed(static_cast<size_t>(count))));
}
ssize_t pread64(int file, void* bytes, size_t count, off_t offset) {
  MEMOPT_NEXT(pread64);
  return file_fails(kTransfers) ? -1 : real(file, bytes, allowed(count), offset);
}
ssize_t pread(int file, void* bytes, size_t count, off_t offset) {
  return pread64(file, bytes, count, offset);
}
ssize_t pwrite64(int file, const void* bytes, size_t count, off_t offset) {
  MEMOPT_NEXT(pwrite64);
  return file_fails(kTransfers | kTakesSpace) ? -1 : real(file, bytes, allowed(count), offset);
}
ssize_t pwrite(int file, const void* bytes, size_t count, off_t offset) {
  return pwrite64(file, bytes, count, offset);
}
size_t fwrite(const void* bytes, size_t size, size_t count, FILE* file) {
  MEMOPT_NEXT(fwrite);
  const bool writes = file == stdout && size > 0 && count > 0;  // nothing is always written
  return writes && output_fails(kTakesSpace) ? 0 : real(bytes, size, count, file);
}
int fflush(FILE* file) {
  MEMOPT_NEXT(fflush);
  return file == stdout && output_fails(kTakesSpace) ? EOF : real(file);
}
int fstat64(int file, struct stat64* info) noexcept {
  MEMOPT_NEXT(fstat64);
  return file_fails(kPlain) ? -1 : real(file, info);
}
int fstat(int file, struct stat* info) noexcept {
  return fstat64(file, reinterpret_cast<struct stat64*>(info));
}
int ftruncate64(int file, off_t length) noexcept {
  MEMOPT_NEXT(ftruncate64);
  return file_fails(kTakesSpace) ? -1 : real(file, length);
}
int ftruncate(int file, off_t length) noexcept { return ftruncate64(file, length); }
int fsync(int file) {
  MEMOPT_NEXT(fsync);
  return file_fails(kTakesSpace) ? -1 : real(file);
}
int rename(const char* from, const char* to) noexcept {
  MEMOPT_NEXT(rename);
  return file_fails(kTakesSpace) ? -1 : real(from, to);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
  MEMOPT_NEXT(renameat2);
  return file_fails(kTakesSpace) ? -1 : real(from_folder, from, to_folder, to, flags);
}
int close(int file) {
  MEMOPT_NEXT(close);
  const int result = real(file);  // it is gone, whatever the answer
  return file_fails(kTakesSpace) ? -1 : result;
}
}
#endif
