#include "tools/cli/signals.h"

#include "runtime/base/temporary.h"

namespace memopt {
namespace {

void clean_up_on(int number) {
  struct sigaction action = {};
  sigaction(number, nullptr, &action);
  if (action.sa_handler == SIG_IGN) return;
  action = {};
  action.sa_handler = end_by_signal;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

}  // namespace

void clean_up_on_signals() {
  for (const int number : kAskToEnd) clean_up_on(number);
  clean_up_on(SIGPIPE);
  std::signal(SIGXFSZ, SIG_IGN);
}

extern "C" void end_by_signal(int number) {
  remove_temporary_paths();
  std::signal(number, SIG_DFL);
  std::raise(number);  // taken when this handler returns
}

}  // namespace memopt
