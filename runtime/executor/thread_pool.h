// The threads that kernels of one session share their work over.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>

#include "runtime/base/joined_threads.h"
#include "runtime/base/result.h"
#include "runtime/kernels/kernel.h"

namespace memopt {

// `threads` counts the caller of run(), which works too; 1 makes no thread. Idle workers spin for
// a short while, then sleep. run() allocates nothing; it is not reentrant and is called by one
// thread at a time. What a chunk throws, in whatever thread, run() throws: the chunks that nobody
// has begun by then are left out.
class ThreadPool final : public Parallel {
 public:
  // kOutOfResource where not all can be started.
  static Result<std::unique_ptr<ThreadPool>> create(int threads);
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const override { return static_cast<int>(workers_.size()) + 1; }
  void run(int64_t chunks, void (*body)(void* context, int64_t chunk), void* context) override;

 private:
  ThreadPool() = default;
  void work();
  void take_chunks();
  bool enter();
  void leave();

  // The job at hand. Written by run() while the gate is closed and nobody is inside.
  void (*body_)(void*, int64_t) = nullptr;
  void* context_ = nullptr;
  int64_t chunks_ = 0;
  std::atomic<int64_t> next_chunk_ = 0;
  std::atomic<bool> has_thrown_ = false;
  std::exception_ptr thrown_;  // by the first chunk that threw

  // kOpen while the job may be joined, plus the number of workers inside.
  static constexpr int32_t kOpen = 1 << 30;
  std::atomic<int32_t> gate_ = 0;
  std::atomic<int32_t> jobs_ = 0;  // grows by one per job; what idle workers wait on
  std::atomic<bool> stopping_ = false;
  JoinedThreads workers_;
};

}  // namespace memopt
