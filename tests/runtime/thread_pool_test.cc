// Exceptions in other threads arrive where the work was asked for.
#include "runtime/executor/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace memopt {
namespace {

TEST(JoinedThreads, ThrowWhatTheFirstOfThemHasThrown) {
  std::atomic<int> ran = 0;
  JoinedThreads threads;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(threads.start([&ran, i] {
      ++ran;
      if (i % 2 == 1) throw std::runtime_error(std::to_string(i));
    }));
  }
  try {
    threads.join();
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "1");
  }
  EXPECT_EQ(ran, 4);
}

TEST(JoinedThreads, AreWaitedForWhateverIsThrown) {
  std::atomic<bool> done = false;
  try {
    JoinedThreads threads;
    ASSERT_TRUE(threads.start([&done] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      done = true;
      throw std::runtime_error("lost");  // to the exception that is on its way
    }));
    throw std::logic_error("first");
  } catch (const std::logic_error& error) {
    EXPECT_STREQ(error.what(), "first");
  }
  EXPECT_TRUE(done);
}

TEST(ThreadPool, ThrowsWhatAChunkHasThrownAndGoesOn) {
  for (const int threads : {1, 2, 5}) {
    const std::unique_ptr<ThreadPool> pool = *ThreadPool::create(threads);
    EXPECT_EQ(pool->threads(), threads);
    for (int64_t bad = 0; bad < 64; bad += 7) {
      const auto throwing = [bad](int64_t chunk) {
        if (chunk == bad) throw std::runtime_error(std::to_string(chunk));
      };
      try {
        pool->for_each(64, throwing);
        ADD_FAILURE() << "nothing was thrown";
      } catch (const std::runtime_error& error) {
        EXPECT_EQ(error.what(), std::to_string(bad));
      }
      std::vector<std::atomic<int>> done(100);
      pool->for_each(100, [&done](int64_t chunk) { ++done[static_cast<size_t>(chunk)]; });
      for (const auto& count : done) EXPECT_EQ(count, 1);
    }
    EXPECT_THROW(pool->for_each(64, [](int64_t chunk) { throw chunk; }), int64_t);
  }
}

}  // namespace
}  // namespace memopt
