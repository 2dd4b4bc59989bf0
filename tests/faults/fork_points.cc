#include "tests/faults/fork_points.h"

#include <dlfcn.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <set>
#include <string_view>

namespace memopt::faults {
namespace {

std::string_view file_part(const char* path) {
  const std::string_view text = path ? path : "?";
  return text.substr(text.rfind('/') + 1);
}

std::string text_of(const Stack& stack) {
  std::string text;
  for (int i = 0; i < stack.count; ++i) {
    Dl_info info{};
    ::dladdr(stack.frames[i], &info);
    char entry[256];
    std::snprintf(entry, sizeof(entry), "%s%.*s+%#zx", text.empty() ? "" : " ",
                  static_cast<int>(file_part(info.dli_fname).size()),
                  file_part(info.dli_fname).data(),
                  static_cast<size_t>(static_cast<char*>(stack.frames[i]) -
                                      static_cast<char*>(info.dli_fbase)));
    text += entry;
  }
  return text;
}

// The C and C++ libraries, and what lies between them and who calls.
bool is_between(const Dl_info& info) {
  const std::string_view file = file_part(info.dli_fname);
  for (const char* system : {"libmemopt_faults", "libc.so", "libstdc++", "ld-linux", "libgcc_s"}) {
    if (file.starts_with(system)) return true;
  }
  static const std::set<std::string_view> kAllocators = {
      "malloc",         "calloc", "realloc", "memalign", "aligned_alloc",
      "posix_memalign", "mmap",   "mmap64",  "_Znwm",    "_Znam"};
  const std::string_view name = info.dli_sname ? info.dli_sname : "";
  return kAllocators.count(name) != 0 || name.find("6memopt6faults") != name.npos;
}

// The module of the innermost frame in a program or in one of its own libraries; "memopt" for
// programs.
std::string module_of(const Stack& stack) {
  for (int i = 0; i < stack.count; ++i) {
    Dl_info info{};
    ::dladdr(stack.frames[i], &info);
    if (is_between(info)) continue;
    const std::string_view file = file_part(info.dli_fname);
    return file.starts_with("memopt") ? "memopt" : std::string(file.substr(0, file.find('.')));
  }
  return "memopt";
}

// Where all operations fail from one on, it is the last failure that kills, not the first.
std::string library_that_died(const Fault& fault, const Record& record) {
  const std::string module = module_of(record.crash);
  const bool own = fault.mode == Mode::kForever || module_of(record.fault) == module;
  return module == "memopt" || !own ? "" : module;
}

// The child's end; -1 where it took too long and was killed.
int wait_for(pid_t child) {
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  pollfd poll{.fd = handle, .events = POLLIN, .revents = 0};
  const bool hung = ::poll(&poll, 1, kMostSeconds * 1000) == 0;
  ::close(handle);
  if (hung) ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (hung) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string content_of(int file) {
  std::string text(4096, '\0');
  const ssize_t count = ::pread(file, text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

}  // namespace

Outcome run_with(const Fault& fault, const std::function<int()>& body) {
  void* const shared =
      ::mmap(nullptr, sizeof(Record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) std::abort();
  auto* const record = new (shared) Record;
  const int messages = ::memfd_create("stderr", MFD_CLOEXEC);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(messages, STDERR_FILENO);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    arm(fault, *record);
    const int status = body();
    expect_exit();
    std::exit(status);
  }
  const int status = child < 0 ? -1 : wait_for(child);
  Outcome outcome{.fault = fault,
                  .hit = record->hit,
                  .output_lost = record->output_lost,
                  .hung = status < 0,
                  .status = status,
                  .message = content_of(messages),
                  .points = record->points,
                  .died_in_library = library_that_died(fault, *record),
                  .fault_stack = text_of(record->fault),
                  .crash_stack = text_of(record->crash)};
  ::close(messages);
  ::munmap(shared, sizeof(Record));
  return outcome;
}

int64_t for_each_point(Fault kind, const Sampling& sampling, const std::function<int()>& body,
                       const std::function<void(const Outcome&)>& see) {
  kind.point = 0;
  const Outcome undisturbed = run_with(kind, body);
  see(undisturbed);
  int64_t tried = 0;
  for (int64_t point = sampling.first; point <= undisturbed.points; point += sampling.stride) {
    kind.point = point;
    see(run_with(kind, body));
    ++tried;
  }
  return tried;
}

}  // namespace memopt::faults
