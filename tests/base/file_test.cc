#include "runtime/base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace memopt {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("atomic_file_" + std::to_string(::getpid()) +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  size_t count() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }
  // The message with which writing to `name` is refused; what lies there is left alone.
  std::string refusal(const std::string& name) {
    const size_t before = count();
    const Status status = write_file(path(name), "new");
    EXPECT_FALSE(status.ok()) << name;
    if (status.ok()) return "";
    EXPECT_EQ(status.error().code, Code::kOutOfResource);
    EXPECT_NE(status.error().message.find(path(name)), std::string::npos);
    EXPECT_EQ(count(), before) << name;
    return status.error().message;
  }
  // Runs `body` in a process of its own; its status.
  template <typename Body>
  static int in_child(Body&& body) {
    const pid_t child = ::fork();
    if (child == 0) {
      body();
      ::_exit(0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
  }

  fs::path folder_;
};

TEST_F(AtomicFileTest, AppearsWholeOrNotAtAll) {
  const std::string target = path("file");
  {
    auto file = AtomicFile::create(target);
    ASSERT_TRUE(file.ok()) << file.error().message;
    ASSERT_TRUE(file->write(std::as_bytes(std::span("half", 4))).ok());
    EXPECT_FALSE(fs::exists(target));
    EXPECT_EQ(count(), 1u);  // the temporary one
  }
  EXPECT_EQ(count(), 0u);
  ASSERT_TRUE(write_file(target, "whole").ok());
  EXPECT_EQ(read(target), "whole");
  EXPECT_EQ(count(), 1u);
}

TEST_F(AtomicFileTest, SealedFilesAppearTogether) {
  auto first = AtomicFile::create(path("first"));
  auto second = AtomicFile::create(path("second"));
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_TRUE(first->write(std::as_bytes(std::span("1", 1))).ok());
  ASSERT_TRUE(first->seal().ok());
  ASSERT_TRUE(second->seal().ok());
  EXPECT_FALSE(fs::exists(path("first")));
  ASSERT_TRUE(first->commit().ok());
  ASSERT_TRUE(second->commit().ok());
  EXPECT_EQ(read(path("first")), "1");
  EXPECT_EQ(read(path("second")), "");
  EXPECT_EQ(count(), 2u);
}

TEST_F(AtomicFileTest, ReplacesARegularFileAndKeepsItsPermissions) {
  const std::string target = path("file");
  ASSERT_TRUE(write_file(target, "old").ok());
  ASSERT_EQ(::chmod(target.c_str(), 0640), 0);
  fs::create_hard_link(target, path("link"));
  ASSERT_TRUE(write_file(target, "new").ok());
  EXPECT_EQ(read(target), "new");
  EXPECT_EQ(read(path("link")), "old");
  struct stat info = {};
  ASSERT_EQ(::stat(target.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0640u);
}

TEST_F(AtomicFileTest, RefusesWhatIsNoRegularFile) {
  ASSERT_TRUE(write_file(path("target"), "old").ok());
  fs::create_symlink("target", path("link"));
  EXPECT_NE(refusal("link").find("symbolic link"), std::string::npos);
  EXPECT_EQ(read(path("target")), "old");
  fs::create_symlink("nowhere", path("dangling"));
  EXPECT_NE(refusal("dangling").find("symbolic link"), std::string::npos);
  EXPECT_FALSE(fs::exists(path("nowhere")));
  fs::create_symlink("/dev/null", path("to_device"));
  EXPECT_NE(refusal("to_device").find("symbolic link"), std::string::npos);
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0666), 0);
  EXPECT_NE(refusal("fifo").find("pipe"), std::string::npos);
  fs::create_directory(path("folder"));
  EXPECT_NE(refusal("folder").find("folder"), std::string::npos);
  ASSERT_EQ(::chmod(path("target").c_str(), 0444), 0);
  EXPECT_NE(refusal("target").find("permission"), std::string::npos);
  EXPECT_EQ(read(path("target")), "old");
}

TEST_F(AtomicFileTest, RefusesNamesThatCannotBe) {
  refusal("missing/file");
  refusal("file/");
  refusal(std::string(256, 'x'));
  EXPECT_FALSE(write_file("", "new").ok());
  // The longest name that there can be: the temporary one does not make it longer.
  EXPECT_TRUE(write_file(path(std::string(255, 'x')), "new").ok());
}

TEST_F(AtomicFileTest, WritesIntoDevicesAndWhatTheProcessHasOpen) {
  EXPECT_TRUE(write_file("/dev/null", "gone").ok());
  const Status full = write_file("/dev/full", "no room");
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, Code::kOutOfResource);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_TRUE(write_file("/dev/fd/" + std::to_string(ends[1]), "through").ok());
  std::string got(7, ' ');
  EXPECT_EQ(::read(ends[0], got.data(), got.size()), 7);
  EXPECT_EQ(got, "through");
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_FALSE(write_file("/dev/fd/987654", "x").ok());
  EXPECT_FALSE(write_file("/dev/stdin", "x").ok());
}

TEST_F(AtomicFileTest, ALimitOnItsSizeIsAnErrorThatLeavesNothing) {
  const int status = in_child([this] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const Status written = write_file(path("file"), std::string(5000, 'x'));
    ::_exit(!written.ok() && written.error().code == Code::kOutOfResource ? 7 : 1);
  });
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(count(), 0u);
}

TEST_F(AtomicFileTest, TemporaryPathsCanBeRemovedAtAnyMoment) {
  in_child([this] {
    auto done = AtomicFile::create(path("done"));
    auto first = AtomicFile::create(path("first"));
    auto second = AtomicFile::create(path("second"));
    const auto folder = TemporaryPath::own(path("folder"));
    fs::create_directory(path("folder"));
    const auto in_folder = TemporaryPath::own(path("folder/file"));
    std::ofstream(path("folder/file")) << "x";
    if (!done.ok() || !done->commit().ok() || !second->seal().ok()) ::_exit(1);
    remove_temporary_paths();
    ::_exit(0);
  });
  EXPECT_EQ(count(), 1u);
  EXPECT_TRUE(fs::exists(path("done")));
}

}  // namespace
}  // namespace memopt
