#include "tools/cli/cancellation.h"

#include <chrono>
#include <iterator>

#include "tools/cli/signals.h"

namespace memopt {
namespace {

std::atomic<bool> requested = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");
struct sigaction previous[std::size(kAskToEnd)];

extern "C" void request_stop(int number) {
  if (requested.exchange(true)) end_by_signal(number);  // again: the search does not listen
}

}  // namespace

Cancellation::Cancellation(std::optional<double> time_limit_seconds) {
  requested = false;
  struct sigaction action = {};
  action.sa_handler = request_stop;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < std::size(kAskToEnd); ++i) {
    sigaction(kAskToEnd[i], nullptr, &previous[i]);
    if (previous[i].sa_handler != SIG_IGN) sigaction(kAskToEnd[i], &action, nullptr);
  }
  if (!time_limit_seconds) return;
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                       std::chrono::duration<double>(*time_limit_seconds));
  timer_ = std::thread([this, end] {
    std::unique_lock lock(mutex_);
    if (!ended_.wait_until(lock, end, [this] { return done_; })) requested = true;
  });
}

Cancellation::~Cancellation() {
  if (timer_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    ended_.notify_one();
    timer_.join();
  }
  for (size_t i = 0; i < std::size(kAskToEnd); ++i) sigaction(kAskToEnd[i], &previous[i], nullptr);
}

StopToken Cancellation::token() const { return StopToken(&requested); }

}  // namespace memopt
