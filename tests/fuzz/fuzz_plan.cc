// libFuzzer target: the bytes are the metadata of a plan file whose digests are right. Whatever
// loads is executed, guarded, with the kernels of the tests; nothing may crash or break its
// contract.
//
// Built with clang and -DMEMOPT_FUZZ=ON; -DMEMOPT_SANITIZE=address,undefined is advised:
//   memopt_fuzz_plan -max_total_time=60 -rss_limit_mb=2048 -timeout=10 corpus/
// Without a corpus, run it once with --seeds=corpus to write one.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "runtime/base/file.h"
#include "runtime/executor/session.h"
#include "runtime/plan/codec.h"
#include "tests/support/test_plan.h"

namespace memopt {
namespace {

constexpr int64_t kMaxBytes = 1 << 20;  // of everything that a fuzzed plan may ask for

bool is_small(const Plan& plan) {
  if (plan.arena_bytes > kMaxBytes || plan.constants_bytes > kMaxBytes) return false;
  for (const PlanValue& value : plan.values) {
    if (value.storage == Storage::kCaller && value.bytes > kMaxBytes) return false;
  }
  return true;
}

void require(bool condition, const std::string& message) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", message.c_str());
  std::abort();
}

// Buffers of exactly the bytes asked for, so that a sanitizer sees the first byte beyond.
template <typename Bind>
void bind_all(const Plan& plan, const std::vector<uint32_t>& list,
              std::vector<std::vector<std::byte>>& buffers, Bind&& bind) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (plan.values[list[i]].storage != Storage::kCaller) continue;
    buffers.emplace_back(static_cast<size_t>(plan.values[list[i]].bytes));
    const Status status = bind(i, std::span<std::byte>(buffers.back()));
    require(status.ok(), status.ok() ? "" : status.error().message);
  }
}

void fuzz(std::span<const std::byte> metadata) {
  const Result<Plan> decoded = decode_plan(metadata);
  if (!decoded.ok() || !is_small(*decoded)) return;
  const auto file = file_in_memory(metadata, std::max<int64_t>(decoded->constants_bytes, 0));
  const auto loaded = load_plan(file, "fuzz", {.kernels = test_kernel});
  if (!loaded.ok()) return;
  const Plan& plan = (*loaded)->plan();
  const PageBuffer arena = *PageBuffer::allocate_fenced(plan.arena_bytes, 64);
  if (plan.arena_alignment > 64) return;
  auto session = Session::create(*loaded, arena.bytes(), {.guard = true});
  if (!session.ok()) return;
  std::vector<std::vector<std::byte>> buffers;
  bind_all(plan, plan.inputs, buffers,
           [&](size_t i, auto bytes) { return (*session)->bind_input(i, bytes); });
  bind_all(plan, plan.outputs, buffers,
           [&](size_t i, auto bytes) { return (*session)->bind_output(i, bytes); });
  const Status status = (*session)->run();
  require(status.ok() || status.error().code != Code::kInternal,
          status.ok() ? "" : status.error().message);
}

void write_seeds(const std::string& folder) {
  std::filesystem::create_directories(folder);
  int number = 0;
  for (const Plan& plan : {small_plan(), concat_plan()}) {
    const auto metadata = encode_plan(plan);
    const std::string_view text(reinterpret_cast<const char*>(metadata.data()), metadata.size());
    const Status status = write_file(folder + "/seed" + std::to_string(number++), text);
    require(status.ok(), "cannot write the seeds");
  }
}

}  // namespace
}  // namespace memopt

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  for (int i = 1; i < *argc; ++i) {
    const std::string argument = (*argv)[i];
    if (!argument.starts_with("--seeds=")) continue;
    memopt::write_seeds(argument.substr(8));
    std::exit(0);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // decode_plan() wants 8-byte alignment, which a fresh vector has.
  const auto* const begin = reinterpret_cast<const std::byte*>(data);
  const std::vector<std::byte> metadata(begin, begin + size);
  memopt::fuzz(metadata);
  return 0;
}
