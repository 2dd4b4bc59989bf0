// The header of a plan file: what FORMAT.md allows is read, and nothing else, whatever field it is
// in and however right its digest.
#include <gtest/gtest.h>

#include "runtime/base/digest.h"
#include "runtime/plan/header.h"
#include "runtime/plan/limits.h"

namespace memopt {
namespace {

using Header = std::array<std::byte, kPlanHeaderBytes>;

struct Field {
  const char* name;
  size_t offset, bytes;
};

// All of FORMAT.md's but the digests, two of which are of other bytes than these.
constexpr Field kFields[] = {
    {"major version", 8, 4},
    {"minor version", 12, 4},
    {"length of the file", 16, 8},
    {"length of the header", 24, 4},
    {"number of sections", 28, 4},
    {"metadata kind", 32, 4},
    {"metadata zero", 36, 4},
    {"metadata offset", 40, 8},
    {"metadata length", 48, 8},
    {"constants kind", 64, 4},
    {"constants zero", 68, 4},
    {"constants offset", 72, 8},
    {"constants length", 80, 8},
    {"unused", 96, 8},
    {"unused", 104, 8},
    {"unused", 112, 8},
};

uint64_t get(const Header& header, size_t offset, size_t bytes) {
  uint64_t number = 0;
  for (size_t i = bytes; i-- > 0;)
    number = number << 8 | std::to_integer<uint64_t>(header[offset + i]);
  return number;
}

void put(Header& header, size_t offset, size_t bytes, uint64_t number) {
  for (size_t i = 0; i < bytes; ++i) header[offset + i] = static_cast<std::byte>(number >> 8 * i);
}

void sign(Header& header) { put(header, 120, 8, digest_of(std::span(header).first(120))); }

bool is_read(const Header& header, int64_t file_bytes) {
  return decode_plan_header(header, file_bytes).ok();
}

TEST(PlanHeader, EveryFieldIsWhereTheFormatSays) {
  PlanHeader header = plan_header_for(5000, 300);
  header.metadata.digest = 0x0123456789abcdef;
  header.constants.digest = 0xfedcba9876543210;
  Header expected{};
  for (size_t i = 0; const int byte : {0x89, 0x4d, 0x45, 0x4d, 0x4f, 0x50, 0x54, 0x0a}) {
    expected[i++] = static_cast<std::byte>(byte);
  }
  const uint64_t numbers[] = {1, 1, 8492, 128, 2, 1, 0, 128, 5000, 2, 0, 8192, 300, 0, 0, 0};
  for (size_t i = 0; i < std::size(kFields); ++i) {
    put(expected, kFields[i].offset, kFields[i].bytes, numbers[i]);
  }
  put(expected, 56, 8, header.metadata.digest);
  put(expected, 88, 8, header.constants.digest);
  sign(expected);
  EXPECT_EQ(encode_plan_header(header), expected);

  const auto read = decode_plan_header(expected, 8492);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(encode_plan_header(*read), expected);
  EXPECT_EQ(stated_file_bytes(expected), 8492);
}

TEST(PlanHeader, NoFieldMayBeAnythingElse) {
  const PlanHeader sound = plan_header_for(5000, 300);
  const Header original = encode_plan_header(sound);
  ASSERT_TRUE(is_read(original, sound.file_bytes));
  for (const Field& field : kFields) {
    const uint64_t number = get(original, field.offset, field.bytes);
    std::vector<uint64_t> others = {0, 1, 2, 64, UINT64_MAX, uint64_t{1} << 63, INT64_MAX};
    for (const uint64_t step : {1, 64, 4096})
      others.insert(others.end(), {number - step, number + step});
    for (size_t bit = 0; bit < 8 * field.bytes; ++bit)
      others.push_back(number ^ uint64_t{1} << bit);
    for (const uint64_t other : others) {
      Header header = original;
      put(header, field.offset, field.bytes, other);
      if (header == original) continue;
      sign(header);
      // Where the metadata end between 4096 and 8192, the constants follow at 8192 all the same. An
      // earlier minor version is read too.
      const bool is_sound = (field.offset == 48 && other > 4096 - 128 && other <= 8192 - 128) ||
                            (field.offset == 12 && get(header, 12, 4) < kPlanMinor);
      EXPECT_EQ(is_read(header, sound.file_bytes), is_sound) << field.name << " is " << other;
      // Nor where the file is as long as the header says then.
      const auto stated = static_cast<int64_t>(get(header, 16, 8));
      EXPECT_EQ(is_read(header, stated), is_sound) << field.name << " is " << other;
      EXPECT_EQ(stated_file_bytes(header), stated);
    }
  }
}

TEST(PlanHeader, EveryByteCounts) {
  const PlanHeader sound = plan_header_for(5000, 300);
  const Header original = encode_plan_header(sound);
  for (size_t i = 0; i < original.size(); ++i) {
    for (const int change : {0x01, 0x80, 0xff}) {
      Header header = original;
      header[i] ^= static_cast<std::byte>(change);
      EXPECT_FALSE(is_read(header, sound.file_bytes)) << "byte " << i;
      EXPECT_EQ(has_plan_magic(header), i >= 8) << "byte " << i;
      EXPECT_EQ(stated_file_bytes(header) == 0, i < 8) << "byte " << i;
    }
  }
}

TEST(PlanHeader, AShortStartIsNoHeader) {
  const Header header = encode_plan_header(plan_header_for(5000, 300));
  for (size_t bytes = 0; bytes <= header.size(); ++bytes) {
    // A copy that ends there, so that what reads on is noticed.
    const std::vector<std::byte> start(header.begin(),
                                       header.begin() + static_cast<ptrdiff_t>(bytes));
    const bool is_whole = bytes == header.size();
    EXPECT_EQ(has_plan_magic(start), bytes >= 8) << bytes;
    EXPECT_EQ(stated_file_bytes(start), is_whole ? 8492 : 0) << bytes;
    const auto read = decode_plan_header(start, is_whole ? 8492 : static_cast<int64_t>(bytes));
    EXPECT_EQ(read.ok(), is_whole) << bytes;
    if (!is_whole) {
      const char* const wanted = bytes < 8 ? "not a plan file" : "truncated";
      EXPECT_EQ(read.error().message.rfind(wanted, 0), 0u) << bytes << read.error().message;
    }
  }
}

// Sections that lie where they should, of every size up to the limits and none beyond them.
TEST(PlanHeader, SizesHaveLimits) {
  const int64_t sizes[] = {INT64_MIN,
                           -kMaxPlanFileBytes,
                           -kPlanPageBytes,
                           -129,
                           -128,
                           -1,
                           0,
                           1,
                           63,
                           3968,
                           3969,
                           kMaxPlanMetadataBytes,
                           kMaxPlanMetadataBytes + 1,
                           kMaxPlanFileBytes - kMaxPlanMetadataBytes - kPlanPageBytes,
                           kMaxPlanFileBytes - kPlanPageBytes,
                           kMaxPlanFileBytes - kPlanPageBytes + 1,
                           kMaxPlanFileBytes,
                           kMaxPlanFileBytes + 1,
                           int64_t{1} << 62,
                           INT64_MAX};
  const auto wide = [](uint64_t a, uint64_t b) { return static_cast<int64_t>(a + b); };
  for (const int64_t metadata : sizes) {
    for (const int64_t constants : sizes) {
      const int64_t place =
          static_cast<int64_t>((static_cast<uint64_t>(metadata) + 128 + 4095) / 4096 * 4096);
      const int64_t file = wide(static_cast<uint64_t>(place), static_cast<uint64_t>(constants));
      const Header header =
          encode_plan_header({.file_bytes = file,
                              .metadata = {.offset = 128, .bytes = metadata},
                              .constants = {.offset = place, .bytes = constants}});
      const bool is_allowed = metadata >= 0 && metadata <= kMaxPlanMetadataBytes &&
                              constants >= 0 && constants <= kMaxPlanFileBytes &&
                              file <= kMaxPlanFileBytes;
      EXPECT_EQ(is_read(header, file), is_allowed)
          << metadata << " bytes of metadata, " << constants << " of constants";
    }
  }
}

TEST(PlanHeader, ALengthThatIsNotTheFilesIsNamed) {
  const Header header = encode_plan_header(plan_header_for(5000, 300));
  EXPECT_EQ(decode_plan_header(header, 8491).error().message.rfind("truncated: 8491 bytes", 0), 0u);
  EXPECT_EQ(decode_plan_header(header, 8493).error().message.rfind("too long: 8493 bytes", 0), 0u);
}

TEST(PlanHeader, OtherVersionsAreToldApart) {
  for (const auto& [major, minor] : {std::pair{0, 0}, {0, 1}, {1, 2}, {2, 0}}) {
    Header header = encode_plan_header(plan_header_for(5000, 300));
    put(header, 8, 4, static_cast<uint64_t>(major));
    put(header, 12, 4, static_cast<uint64_t>(minor));
    const std::string wanted = "plan format " + std::to_string(major) + '.' +
                               std::to_string(minor) + ", this runtime reads 1.0 to 1.1";
    EXPECT_EQ(decode_plan_header(header, 8492).error().message.rfind(wanted, 0), 0u) << wanted;
  }
}

}  // namespace
}  // namespace memopt
