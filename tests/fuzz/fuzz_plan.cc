// Plan files whose digests are right: the bytes are the metadata. Whatever loads is run, guarded
// and fenced, by the kernels of this build.
#include <cstdlib>
#include <filesystem>
#include <set>

#include "runtime/base/digest.h"
#include "runtime/base/file.h"
#include "runtime/plan/codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/plan_mutator.h"
#include "tests/support/hostile_run.h"
#include "tests/support/samples.h"

namespace memopt::fuzz {
namespace {

Counter accepted("accepted"), ran("run");

std::span<const std::byte> bytes_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}

std::optional<Plan> decode(const uint8_t* data, size_t size) {
  const std::vector<std::byte> aligned(bytes_of(data, size).begin(), bytes_of(data, size).end());
  auto plan = decode_plan(aligned);
  return plan.ok() ? std::optional(*std::move(plan)) : std::nullopt;
}

size_t encode(const Plan& plan, uint8_t* data, size_t max_size) {
  const std::vector<std::byte> metadata = encode_plan(plan);
  if (metadata.size() > max_size) return 0;
  std::memcpy(data, metadata.data(), metadata.size());
  return metadata.size();
}

// One plan per kernel, of the first sample that it serves.
void write_seeds(const std::string& folder) {
  std::filesystem::create_directories(folder);
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    Random random(seed);
    for (const testing::Sample& sample : testing::all_samples()) {
      const Plan plan = plan_of(sample, random);
      if (plan.instructions.empty()) continue;
      const auto metadata = encode_plan(plan);
      const std::string& kernel = plan.instructions.front().kernel;
      if (!run_hostile(metadata, 1).ran || !seen.insert(kernel).second) continue;
      const std::string_view text(reinterpret_cast<const char*>(metadata.data()), metadata.size());
      require_expected(write_file(folder + '/' + kernel, text));
    }
  }
}

}  // namespace
}  // namespace memopt::fuzz

using namespace memopt::fuzz;

// --seeds=FOLDER writes the seeds of the corpus and ends.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  for (int i = 1; i < *argc; ++i) {
    const std::string argument = (*argv)[i];
    if (!argument.starts_with("--seeds=")) continue;
    write_seeds(argument.substr(8));
    std::exit(0);
  }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  Random random(seed);
  if (random.one_in(8)) return LLVMFuzzerMutate(data, size, max_size);
  auto plan = random.one_in(64) ? std::nullopt : decode(data, size);
  if (!plan) plan = plan_of(random.any(memopt::testing::all_samples()), random);
  mutate(*plan, random);
  const size_t encoded = encode(*plan, data, max_size);
  return encoded > 0 ? encoded : LLVMFuzzerMutate(data, size, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_out_size, unsigned seed) {
  Random random(seed);
  auto first = decode(data1, size1), second = decode(data2, size2);
  if (!first || !second || first->instructions.size() + second->instructions.size() > 12) return 0;
  append(*first, *second, random);
  return encode(*first, out, max_out_size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto metadata = bytes_of(data, size);
  const memopt::HostileRun outcome = memopt::run_hostile(metadata, memopt::digest_of(metadata));
  require(outcome.violation.empty(), outcome.violation);
  if (outcome.accepted) ++accepted;
  if (outcome.ran) ++ran;
  return 0;
}
