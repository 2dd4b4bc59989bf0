// Whole plan files: header, sections, digests. The mutator repairs the digests mostly, so that what
// is behind them is reached; fuzz_plan goes deeper into the metadata.
#include <cstring>

#include "runtime/base/digest.h"
#include "runtime/plan/codec.h"
#include "runtime/plan/header.h"
#include "runtime/plan/load.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/plan_mutator.h"

namespace memopt::fuzz {
namespace {

Counter headers("headers"), accepted("accepted");

constexpr size_t kDigestOffset = 120;

void put(std::span<uint8_t> file, size_t offset, uint64_t value) {
  for (size_t i = 0; i < 8; ++i) file[offset + i] = static_cast<uint8_t>(value >> (8 * i));
}

uint64_t get(std::span<const uint8_t> file, size_t offset) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value |= uint64_t{file[offset + i]} << (8 * i);
  return value;
}

// The digests of both sections, where they lie inside the file, and that of the header.
void repair(std::span<uint8_t> file, Random& random) {
  if (file.size() < static_cast<size_t>(kPlanHeaderBytes)) return;
  if (random.one_in(2)) put(file, 16, file.size());
  for (const size_t section : {32, 64}) {
    const uint64_t offset = get(file, section + 8), bytes = get(file, section + 16);
    if (offset > file.size() || bytes > file.size() - offset) continue;
    put(file, section + 24, digest_of(std::as_bytes(file.subspan(offset, bytes))));
  }
  put(file, kDigestOffset, digest_of(std::as_bytes(file.first(kDigestOffset))));
}

// A file of one instruction with constants of zeros.
std::vector<uint8_t> any_file(Random& random) {
  const Plan plan = plan_of(random.any(testing::all_samples()), random);
  const std::vector<std::byte> metadata = encode_plan(plan);
  const PlanHeader header =
      plan_header_for(static_cast<int64_t>(metadata.size()), plan.constants_bytes);
  std::vector<uint8_t> file(static_cast<size_t>(header.file_bytes));
  const auto start = encode_plan_header(header);
  std::memcpy(file.data(), start.data(), start.size());
  std::memcpy(file.data() + header.metadata.offset, metadata.data(), metadata.size());
  repair(file, random);
  return file;
}

void fuzz(std::span<const uint8_t> file) {
  const auto bytes = std::as_bytes(file);
  const auto header = decode_plan_header(bytes, static_cast<int64_t>(bytes.size()));
  if (header.ok()) ++headers;
  for (const LoadMode mode : {LoadMode::kMap, LoadMode::kCopy}) {
    const auto loaded = load_plan(bytes, "fuzz", {.mode = mode, .verify_constants = true});
    if (!loaded.ok()) {
      require_expected(loaded.error());
      continue;
    }
    ++accepted;
    require(header.ok(), "loaded without a header");
    const auto constants = (*loaded)->constants();
    require(static_cast<int64_t>(constants.size()) == (*loaded)->plan().constants_bytes,
            "not the constants of the plan");
  }
}

}  // namespace
}  // namespace memopt::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  memopt::fuzz::Random random(seed);
  if (size < static_cast<size_t>(memopt::kPlanHeaderBytes) || random.one_in(64)) {
    const auto file = memopt::fuzz::any_file(random);
    if (file.size() <= max_size) {
      std::memcpy(data, file.data(), file.size());
      return file.size();
    }
  }
  size = LLVMFuzzerMutate(data, size, max_size);
  if (!random.one_in(8)) memopt::fuzz::repair({data, size}, random);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  memopt::fuzz::fuzz({data, size});
  return 0;
}
