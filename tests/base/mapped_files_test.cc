#include "runtime/base/mapped_files.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace memopt {
namespace {

TEST(MappedFiles, AreFoundByAnyOfTheirBytesUntilTheyGo) {
  const std::vector<std::byte> a(100), b(50);
  remember_mapped_file(a, "a.plan");
  remember_mapped_file(b, "b.plan");
  EXPECT_STREQ(mapped_file_at(a.data()), "a.plan");
  EXPECT_STREQ(mapped_file_at(a.data() + 99), "a.plan");
  EXPECT_STREQ(mapped_file_at(b.data() + 1), "b.plan");
  forget_mapped_file(a);
  EXPECT_EQ(mapped_file_at(a.data()), nullptr);
  EXPECT_STREQ(mapped_file_at(b.data()), "b.plan");
  forget_mapped_file(b);
  EXPECT_EQ(mapped_file_at(b.data()), nullptr);
}

TEST(MappedFiles, NamesAreShortAndPrintable) {
  const std::vector<std::byte> bytes(1);
  remember_mapped_file(bytes, "a\x1b[2Jb\n");
  const std::string name = mapped_file_at(bytes.data());
  EXPECT_EQ(name.find('\x1b'), std::string::npos);
  EXPECT_EQ(name.find('\n'), std::string::npos);
  forget_mapped_file(bytes);
  remember_mapped_file(bytes, std::string(1000, 'x'));
  EXPECT_EQ(std::string(mapped_file_at(bytes.data())), std::string(255, 'x'));
  forget_mapped_file(bytes);
}

TEST(MappedFiles, MoreThanFitAreLeftOut) {
  const std::vector<std::byte> bytes(1000);
  const auto one = [&](size_t i) { return std::span(bytes).subspan(i, 1); };
  for (size_t i = 0; i < bytes.size(); ++i) remember_mapped_file(one(i), "many");
  size_t known = 0;
  for (size_t i = 0; i < bytes.size(); ++i) known += mapped_file_at(&bytes[i]) != nullptr ? 1 : 0;
  EXPECT_EQ(known, 256u);
  for (size_t i = 0; i < bytes.size(); ++i) forget_mapped_file(one(i));
  for (const std::byte& byte : bytes) EXPECT_EQ(mapped_file_at(&byte), nullptr);
}

}  // namespace
}  // namespace memopt
