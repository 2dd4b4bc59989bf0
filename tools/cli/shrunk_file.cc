#include "tools/cli/shrunk_file.h"

#include <unistd.h>

#include <csignal>
#include <cstring>

#include "runtime/base/mapped_files.h"
#include "runtime/base/result.h"
#include "runtime/base/temporary.h"

namespace memopt {
namespace {

void say(const char* text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

// Only what is async-signal-safe.
extern "C" void on_bus_error(int number, siginfo_t* info, void* /*context*/) {
  const char* const name = mapped_file_at(info->si_addr);
  if (name == nullptr) {  // no file of ours: a bug, which ends as it would have
    std::signal(number, SIG_DFL);
    std::raise(number);
    return;
  }
  say("memopt: error: ");
  say(name);
  say(": became shorter while it was in use; replace files by renaming instead\n");
  remove_temporary_paths();
  ::_exit(static_cast<int>(Code::kOutOfResource));
}

}  // namespace

void exit_where_files_shrink() {
  struct sigaction action = {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace memopt
