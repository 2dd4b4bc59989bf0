// Threads that end before what they work on does, and whose exceptions are not lost.
#pragma once

#include <exception>
#include <list>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

namespace memopt {

// Declare it behind everything that its threads use: the destructor waits for them.
class JoinedThreads {
 public:
  JoinedThreads() = default;
  JoinedThreads(const JoinedThreads&) = delete;
  JoinedThreads& operator=(const JoinedThreads&) = delete;
  ~JoinedThreads() { wait(); }

  // Runs `body` in one more thread. False where the system has no thread or no memory for one; then
  // nothing has happened.
  template <typename F>
  bool start(F body) {
    try {
      Worker& worker = workers_.emplace_back();
      try {
        worker.thread = std::thread([&worker, body = std::move(body)] {
          try {
            body();
          } catch (...) {
            worker.thrown = std::current_exception();
          }
        });
      } catch (...) {
        workers_.pop_back();
        throw;
      }
    } catch (const std::bad_alloc&) {
      return false;
    } catch (const std::system_error&) {
      return false;
    }
    return true;
  }

  size_t size() const { return workers_.size(); }

  // Waits for all; then throws what one of them has thrown, of several the one started first.
  void join() {
    wait();
    for (const Worker& worker : workers_) {
      if (worker.thrown) std::rethrow_exception(worker.thrown);
    }
  }

 private:
  struct Worker {
    std::thread thread;
    std::exception_ptr thrown;
  };
  void wait() {
    for (Worker& worker : workers_) {
      if (worker.thread.joinable()) worker.thread.join();
    }
  }
  std::list<Worker> workers_;  // a thread holds the address of its own
};

}  // namespace memopt
