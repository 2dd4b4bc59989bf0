#include "runtime/plan/header.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>

#include "runtime/base/checked.h"
#include "runtime/base/digest.h"
#include "runtime/plan/limits.h"

namespace memopt {
namespace {

// No byte of the magic survives a 7-bit or end-of-line conversion together with all others.
constexpr char kMagic[8] = {'\x89', 'M', 'E', 'M', 'O', 'P', 'T', '\n'};
constexpr uint32_t kSectionCount = 2;
constexpr uint32_t kMetadataKind = 1, kConstantsKind = 2;
constexpr size_t kDigestOffset = 120;
constexpr size_t kUnusedOffset = 96;  // up to the digest; zero

class Writer {
 public:
  explicit Writer(std::byte* at) : at_(at) {}
  template <typename T>
  void put(T value) {
    for (size_t i = 0; i < sizeof(T); ++i) {
      *at_++ = static_cast<std::byte>(static_cast<std::make_unsigned_t<T>>(value) >> (8 * i));
    }
  }

 private:
  std::byte* at_;
};

class Reader {
 public:
  explicit Reader(const std::byte* at) : at_(at) {}
  template <typename T>
  T get() {
    std::make_unsigned_t<T> value = 0;
    for (size_t i = 0; i < sizeof(T); ++i) {
      value |= static_cast<std::make_unsigned_t<T>>(*at_++) << (8 * i);
    }
    return static_cast<T>(value);
  }

 private:
  const std::byte* at_;
};

}  // namespace

PlanHeader plan_header_for(int64_t metadata_bytes, int64_t constants_bytes) {
  PlanHeader header;
  header.metadata = {.offset = kPlanHeaderBytes, .bytes = metadata_bytes};
  header.constants = {.offset = align_up(kPlanHeaderBytes + metadata_bytes, kPlanPageBytes),
                      .bytes = constants_bytes};
  header.file_bytes = header.constants.offset + constants_bytes;
  return header;
}

Status check_plan_sizes(int64_t metadata_bytes, int64_t constants_bytes) {
  const auto check = [](const char* what, int64_t bytes, int64_t limit) -> Status {
    if (bytes >= 0 && bytes <= limit) return {};
    return bad_input(std::to_string(bytes) + " bytes of " + what + ", the limit is " +
                     std::to_string(limit));
  };
  MEMOPT_RETURN_IF_ERROR(check("metadata", metadata_bytes, kMaxPlanMetadataBytes));
  return check("constants", constants_bytes,
               kMaxPlanFileBytes - plan_header_for(metadata_bytes, 0).file_bytes);
}

std::array<std::byte, kPlanHeaderBytes> encode_plan_header(const PlanHeader& header) {
  std::array<std::byte, kPlanHeaderBytes> bytes{};
  std::memcpy(bytes.data(), kMagic, sizeof(kMagic));
  Writer writer(bytes.data() + sizeof(kMagic));
  writer.put(kPlanMajor);
  writer.put(kPlanMinor);
  writer.put(header.file_bytes);
  writer.put(static_cast<uint32_t>(kPlanHeaderBytes));
  writer.put(kSectionCount);
  for (const auto& [kind, section] :
       {std::pair{kMetadataKind, header.metadata}, std::pair{kConstantsKind, header.constants}}) {
    writer.put(kind);
    writer.put(uint32_t{0});
    writer.put(section.offset);
    writer.put(section.bytes);
    writer.put(section.digest);
  }
  Writer(bytes.data() + kDigestOffset).put(digest_of(std::span(bytes).first(kDigestOffset)));
  return bytes;
}

bool has_plan_magic(std::span<const std::byte> file_start) {
  return file_start.size() >= sizeof(kMagic) &&
         std::memcmp(file_start.data(), kMagic, sizeof(kMagic)) == 0;
}

int64_t stated_file_bytes(std::span<const std::byte> file_start) {
  if (!has_plan_magic(file_start) || file_start.size() < kPlanHeaderBytes) return 0;
  Reader reader(file_start.data() + sizeof(kMagic));
  reader.get<uint32_t>();  // the version
  reader.get<uint32_t>();
  return reader.get<int64_t>();
}

Result<PlanHeader> decode_plan_header(std::span<const std::byte> file_start, int64_t file_bytes) {
  if (!has_plan_magic(file_start)) {
    return bad_input("not a plan file (it does not start with memopt's magic number)");
  }
  if (file_start.size() < kPlanHeaderBytes) {
    return bad_input("truncated: " + std::to_string(file_bytes) + " bytes, the header alone has " +
                     std::to_string(kPlanHeaderBytes));
  }
  Reader reader(file_start.data() + sizeof(kMagic));
  const auto major = reader.get<uint32_t>();
  const auto minor = reader.get<uint32_t>();
  if (major != kPlanMajor || minor > kPlanMinor) {
    return bad_input("plan format " + std::to_string(major) + '.' + std::to_string(minor) +
                     ", this runtime reads " + std::to_string(kPlanMajor) + ".0 to " +
                     std::to_string(kPlanMajor) + '.' + std::to_string(kPlanMinor) +
                     "; compile the model again with a matching memopt-compile");
  }
  if (Reader(file_start.data() + kDigestOffset).get<uint64_t>() !=
      digest_of(file_start.first(kDigestOffset))) {
    return bad_input("damaged: the digest of the header differs");
  }
  PlanHeader header;
  header.file_bytes = reader.get<int64_t>();
  if (header.file_bytes != file_bytes) {
    return bad_input((file_bytes < header.file_bytes ? "truncated: " : "too long: ") +
                     std::to_string(file_bytes) + " bytes, the header says " +
                     std::to_string(header.file_bytes));
  }
  const Error malformed = bad_input("malformed section table");
  if (reader.get<uint32_t>() != kPlanHeaderBytes) return malformed;
  if (reader.get<uint32_t>() != kSectionCount) return malformed;
  for (const auto& [kind, section] :
       {std::pair{kMetadataKind, &header.metadata}, std::pair{kConstantsKind, &header.constants}}) {
    if (reader.get<uint32_t>() != kind || reader.get<uint32_t>() != 0) return malformed;
    section->offset = reader.get<int64_t>();
    section->bytes = reader.get<int64_t>();
    section->digest = reader.get<uint64_t>();
  }
  MEMOPT_RETURN_IF_ERROR(check_plan_sizes(header.metadata.bytes, header.constants.bytes));
  const PlanHeader expected = plan_header_for(header.metadata.bytes, header.constants.bytes);
  if (header.metadata.offset != expected.metadata.offset ||
      header.constants.offset != expected.constants.offset ||
      header.file_bytes != expected.file_bytes) {
    return malformed;
  }
  const auto unused = file_start.subspan(kUnusedOffset, kDigestOffset - kUnusedOffset);
  if (!std::all_of(unused.begin(), unused.end(), [](std::byte b) { return b == std::byte{0}; })) {
    return malformed;
  }
  return header;
}

}  // namespace memopt
