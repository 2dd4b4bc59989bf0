#include "runtime/executor/thread_pool.h"

#include <string>
#include <utility>

namespace memopt {
namespace {

// About 20 to 50 microseconds: longer than the pause between two kernels.
constexpr int kSpins = 2000;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Returns once `value` differs from `old`.
void wait_for_change(const std::atomic<int32_t>& value, int32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

Result<std::unique_ptr<ThreadPool>> ThreadPool::create(int threads) {
  std::unique_ptr<ThreadPool> pool(new ThreadPool);
  for (int i = 1; i < threads; ++i) {
    if (pool->workers_.start([pool = pool.get()] { pool->work(); })) continue;
    return Error{Code::kOutOfResource, "cannot start thread " + std::to_string(i + 1) + " of " +
                                           std::to_string(threads) +
                                           "; ask for fewer (--threads), or give more memory"};
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  stopping_.store(true, std::memory_order_release);
  jobs_.fetch_add(1, std::memory_order_release);
  jobs_.notify_all();
}

void ThreadPool::run(int64_t chunks, void (*body)(void*, int64_t), void* context) {
  if (workers_.size() == 0 || chunks <= 1) {
    for (int64_t i = 0; i < chunks; ++i) body(context, i);
    return;
  }
  body_ = body;
  context_ = context;
  chunks_ = chunks;
  next_chunk_.store(0, std::memory_order_relaxed);
  gate_.store(kOpen, std::memory_order_release);
  jobs_.fetch_add(1, std::memory_order_release);
  jobs_.notify_all();
  take_chunks();
  // Whoever is still inside finishes a chunk; whoever comes late finds the gate closed.
  int32_t inside = gate_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  while (inside != 0) {
    wait_for_change(gate_, inside);
    inside = gate_.load(std::memory_order_acquire);
  }
  if (has_thrown_.exchange(false)) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

void ThreadPool::take_chunks() {
  try {
    for (;;) {
      const int64_t chunk = next_chunk_.fetch_add(1, std::memory_order_relaxed);
      if (chunk >= chunks_) return;
      body_(context_, chunk);
    }
  } catch (...) {
    next_chunk_.store(chunks_, std::memory_order_relaxed);
    if (!has_thrown_.exchange(true)) thrown_ = std::current_exception();
  }
}

bool ThreadPool::enter() {
  int32_t gate = gate_.load(std::memory_order_relaxed);
  do {
    if ((gate & kOpen) == 0) return false;
  } while (!gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel));
  return true;
}

void ThreadPool::leave() {
  const bool closed = (gate_.fetch_sub(1, std::memory_order_acq_rel) & kOpen) == 0;
  if (closed) gate_.notify_one();
}

void ThreadPool::work() {
  int32_t seen = 0;
  for (;;) {
    wait_for_change(jobs_, seen);
    seen = jobs_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_acquire)) return;
    if (!enter()) continue;
    take_chunks();
    leave();
  }
}

}  // namespace memopt
