#include "tools/cli/streams.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "runtime/base/file.h"

namespace memopt {
namespace {

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(ReadStream, ReadsToTheEnd) {
  for (const size_t size : {size_t{0}, size_t{5}, size_t{1} << 20, (size_t{1} << 20) + 3}) {
    const std::string text(size, 'x');
    std::istringstream in(text);
    const auto read = read_stream(in, "standard input", int64_t{1} << 30);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(text_of(*read), text);
  }
}

TEST(ReadStream, TakesUpToTheLimitAndRefusesMore) {
  std::istringstream at("abcd"), above("abcde");
  EXPECT_TRUE(read_stream(at, "standard input", 4).ok());
  const auto refused = read_stream(above, "standard input", 4);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kBadInput);
  EXPECT_NE(refused.error().message.find("standard input: has more than 4 B"), std::string::npos)
      << refused.error().message;
}

TEST(CopyToStream, CopiesEveryByte) {
  auto folder = TemporaryFolder::create();
  ASSERT_TRUE(folder.ok()) << folder.error().message;
  const std::string path = *folder->add("file");
  const std::string text((size_t{1} << 20) + 7, '\xff');
  ASSERT_TRUE(write_file(path, text).ok());
  std::ostringstream out;
  ASSERT_TRUE(copy_to_stream(path, out).ok());
  EXPECT_EQ(out.str(), text);
}

TEST(CopyToStream, FailsWhereTheStreamDoes) {
  auto folder = TemporaryFolder::create();
  ASSERT_TRUE(folder.ok()) << folder.error().message;
  const std::string path = *folder->add("file");
  ASSERT_TRUE(write_file(path, "text").ok());
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  const Status failed = copy_to_stream(path, out);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, Code::kOutOfResource);
  EXPECT_EQ(failed.error().message, "standard output: cannot write");
  std::ostringstream good;
  EXPECT_FALSE(copy_to_stream(path + "/none", good).ok());
}

TEST(TemporaryFolder, IsGoneAfterwards) {
  std::string path;
  {
    auto folder = TemporaryFolder::create();
    ASSERT_TRUE(folder.ok()) << folder.error().message;
    path = *folder->add("file");
    ASSERT_TRUE(write_file(path, "text").ok());
    EXPECT_TRUE(folder->add("never made").ok());
  }
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(path).parent_path()));
}

}  // namespace
}  // namespace memopt
