#include "tools/cli/signals.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "runtime/base/file.h"
#include "tools/cli/cancellation.h"
#include "tools/cli/streams.h"

namespace memopt {
namespace {

namespace fs = std::filesystem;

class Signals : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("signals_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // In a process of its own, with a file half written and a temporary folder; how it ended.
  template <typename Body>
  int end_of(Body&& body) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv("TMPDIR", folder_.c_str(), 1);
      clean_up_on_signals();
      auto file = AtomicFile::create((folder_ / "file").string());
      auto folder = TemporaryFolder::create();
      if (!file.ok() || !folder.ok() || !write_file(*folder->add("plan"), "x").ok()) ::_exit(1);
      body();
      ::_exit(0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
  }
  bool nothing_is_left() const { return fs::is_empty(folder_); }

  fs::path folder_;
};

TEST_F(Signals, LeaveNothingTemporaryBehind) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    const int status = end_of([&] { std::raise(number); });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == number) << number;
    EXPECT_TRUE(nothing_is_left()) << number;
  }
}

TEST_F(Signals, TheFirstCancelsAndTheSecondEnds) {
  for (const int number : kAskToEnd) {
    const int status = end_of([&] {
      const Cancellation cancellation;
      std::raise(number);
      if (!cancellation.token().stopped()) ::_exit(1);
      std::raise(number);
    });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == number) << number;
    EXPECT_TRUE(nothing_is_left()) << number;
  }
}

TEST_F(Signals, AfterACancellationTheyEndAgain) {
  const int status = end_of([&] {
    { const Cancellation cancellation; }
    std::raise(SIGTERM);
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(Signals, WhatTheCallerIgnoresStaysIgnored) {
  std::signal(SIGHUP, SIG_IGN);
  const int status = end_of([] {
    const Cancellation cancellation;
    std::raise(SIGHUP);
    ::_exit(cancellation.token().stopped() ? 1 : 5);
  });
  std::signal(SIGHUP, SIG_DFL);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}

}  // namespace
}  // namespace memopt
