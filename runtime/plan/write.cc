#include "runtime/plan/write.h"

#include <algorithm>
#include <array>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/base/file.h"
#include "runtime/plan/codec.h"
#include "runtime/plan/header.h"

namespace memopt {
namespace {

// The constant roots in the order of their offsets; an error where they overlap or leave the space.
Result<std::vector<uint32_t>> constant_roots(const Plan& plan) {
  std::vector<uint32_t> roots;
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    if (plan.values[i].storage == Storage::kConstant && !plan.values[i].alias) roots.push_back(i);
  }
  std::ranges::sort(roots, {}, [&](uint32_t i) {
    return std::pair(plan.values[i].offset_bytes, plan.values[i].bytes);
  });
  int64_t end = 0;
  for (const uint32_t i : roots) {
    const PlanValue& value = plan.values[i];
    if (value.offset_bytes < end || value.bytes < 0 ||
        value.bytes > plan.constants_bytes - value.offset_bytes) {
      return internal_error("constant '" + value.name + "' does not fit its place in the plan");
    }
    end = value.offset_bytes + value.bytes;
  }
  return roots;
}

// Writes to the file and to the digest alike.
class DigestingWriter {
 public:
  explicit DigestingWriter(AtomicFile& file) : file_(file) {}
  Status write(std::span<const std::byte> bytes) {
    digest_.update(bytes);
    written_ += static_cast<int64_t>(bytes.size());
    return file_.write(bytes);
  }
  Status pad_to(int64_t position) {
    static constexpr std::array<std::byte, kPlanPageBytes> kZeros{};
    while (written_ < position) {
      const int64_t step = std::min<int64_t>(position - written_, kZeros.size());
      MEMOPT_RETURN_IF_ERROR(write(std::span(kZeros).first(static_cast<size_t>(step))));
    }
    return {};
  }
  uint64_t digest() const { return digest_.value(); }

 private:
  AtomicFile& file_;
  Digest digest_;
  int64_t written_ = 0;
};

}  // namespace

Status write_plan(const Plan& plan, const ConstantWriter& constants, const std::string& path) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<uint32_t> roots, constant_roots(plan));
  const std::vector<std::byte> metadata = encode_plan(plan);
  const auto metadata_bytes = static_cast<int64_t>(metadata.size());
  const Status sizes = check_plan_sizes(metadata_bytes, plan.constants_bytes);
  if (!sizes.ok()) return in_context(path, sizes.error());
  PlanHeader header = plan_header_for(metadata_bytes, plan.constants_bytes);
  header.metadata.digest = digest_of(metadata);

  MEMOPT_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  // Up to the constants: the header, once it is known, then metadata and zeros.
  std::vector<std::byte> start(static_cast<size_t>(header.constants.offset));
  std::copy(metadata.begin(), metadata.end(), start.begin() + header.metadata.offset);
  MEMOPT_RETURN_IF_ERROR(file.write(start));
  DigestingWriter writer(file);
  std::vector<std::byte> bytes;
  for (const uint32_t i : roots) {
    const PlanValue& value = plan.values[i];
    bytes.assign(static_cast<size_t>(value.bytes), std::byte{0});
    MEMOPT_RETURN_IF_ERROR(constants(i, bytes));
    MEMOPT_RETURN_IF_ERROR(writer.pad_to(value.offset_bytes));
    MEMOPT_RETURN_IF_ERROR(writer.write(bytes));
  }
  MEMOPT_RETURN_IF_ERROR(writer.pad_to(plan.constants_bytes));
  header.constants.digest = writer.digest();
  MEMOPT_RETURN_IF_ERROR(file.write_at(0, encode_plan_header(header)));
  return file.commit();
}

}  // namespace memopt
