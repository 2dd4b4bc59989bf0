// How signals end a tool: as usual, but nothing temporary is left behind.
#pragma once

#include <csignal>

namespace memopt {

// Those that ask a process to end; and what a process gets that writes to a pipe nobody reads.
inline constexpr int kAskToEnd[] = {SIGINT, SIGTERM, SIGHUP};

// From now on a signal that asks to end, and SIGPIPE, first removes temporary paths
// (runtime/base/temporary.h). What the caller has the process ignore (nohup) stays ignored. A file
// that grows beyond the caller's limit is an error where it is written, not SIGXFSZ.
void clean_up_on_signals();

// Removes temporary paths and ends the process by `number`. Async-signal-safe.
extern "C" void end_by_signal(int number);

}  // namespace memopt
