// Plan files damaged at every place: cut off behind every byte, and every bit of header and
// metadata flipped, with the digests as they were and with right ones. What is accepted runs within
// its bounds. The tests look at a part; all of it:
//   memopt_ops_test --gtest_filter='PlanSweep.*' --gtest_also_run_disabled_tests
#include <gtest/gtest.h>

#include "runtime/base/digest.h"
#include "runtime/plan/codec.h"
#include "runtime/plan/header.h"
#include "tests/support/run_guarded.h"
#include "tests/support/sample_step.h"
#include "tests/support/test_plan.h"

namespace memopt::testing {
namespace {

const KernelDef* any_kernel(std::string_view name) {
  const KernelDef* const kernel = find_kernel(name);
  return kernel ? kernel : test_kernel(name);
}

// Ten plans: two by hand, and an instruction each of operators with many kinds of attributes.
std::vector<Plan> swept_plans() {
  std::vector<Plan> plans = {small_plan(), concat_plan()};
  for (const OpKind kind :
       {kOpKind<Conv>, kOpKind<MatMul>, kOpKind<Pool>, kOpKind<LayerNorm>, kOpKind<TopK>,
        kOpKind<Split>, kOpKind<Resize>, kOpKind<QuantizeLinear>}) {
    for (const Sample& sample : all_samples()) {
      if (op_kind(sample.op) != kind) continue;
      plans.push_back(sample_step(sample, {}, {.kernel = reference_kernel(kind)})->plan);
      break;
    }
  }
  return plans;
}

// Of a plan of its own size, so that a damaged one cannot take long.
constexpr int64_t kMostArenaBytes = 1 << 20;

class Sweep {
 public:
  void offer(std::span<const std::byte> file, bool may_be_accepted) {
    ++offered_;
    const auto loaded = load_plan(file, "plan", {.verify_constants = true, .kernels = any_kernel});
    if (!loaded.ok()) return;
    EXPECT_TRUE(may_be_accepted);
    if ((*loaded)->plan().arena_bytes > kMostArenaBytes) return;
    ++accepted_;
    const Status status = run_guarded(file, any_kernel);
    // A kernel may be refused for its operands, and refuse a value; the guard may not complain.
    EXPECT_TRUE(status.ok() || status.error().code != Code::kInternal) << status.error().message;
  }
  int64_t offered() const { return offered_; }
  int64_t accepted() const { return accepted_; }

 private:
  int64_t offered_ = 0;
  int64_t accepted_ = 0;
};

constexpr size_t kMinorVersionOffset = 12, kDigestOffset = 120;  // of the header

// The file with a right digest in its header.
void repair_header(std::span<std::byte> file) {
  const uint64_t digest = digest_of(file.first(kDigestOffset));
  std::memcpy(file.data() + kDigestOffset, &digest, sizeof(digest));
}

uint32_t minor_version(std::span<const std::byte> file) {
  uint32_t minor = 0;
  std::memcpy(&minor, file.data() + kMinorVersionOffset, sizeof(minor));
  return minor;
}

TEST(PlanSweep, FlippedBits) {
  Sweep sweep;
  for (const Plan& plan : swept_plans()) {
    SCOPED_TRACE(plan.model_name);
    const std::vector<std::byte> metadata = encode_plan(plan);
    const auto file = file_in_memory(metadata, plan.constants_bytes);
    for (size_t byte = 0; byte < kPlanHeaderBytes + metadata.size(); ++byte) {
      for (int bit = 0; bit < 8; ++bit) {
        const auto flip = std::byte{1} << bit;
        auto damaged = file;
        damaged[byte] ^= flip;
        sweep.offer(damaged, false);
        if (byte < kDigestOffset) {
          repair_header(damaged);
          sweep.offer(damaged, minor_version(damaged) < kPlanMinor);
        }
        if (byte < kPlanHeaderBytes) continue;
        auto section = metadata;
        section[byte - kPlanHeaderBytes] ^= flip;
        sweep.offer(file_in_memory(section, plan.constants_bytes), true);
      }
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(sweep.accepted(), 100);
  RecordProperty("offered", std::to_string(sweep.offered()));
  RecordProperty("accepted", std::to_string(sweep.accepted()));
}

TEST(PlanSweep, Truncated) {
  Sweep sweep;
  for (const Plan& plan : swept_plans()) {
    SCOPED_TRACE(plan.model_name);
    const std::vector<std::byte> metadata = encode_plan(plan);
    const auto file = file_in_memory(metadata, plan.constants_bytes);
    for (size_t bytes = 0; bytes < file.size(); ++bytes) {
      sweep.offer(std::span(file).first(bytes), false);
    }
    for (size_t bytes = 0; bytes < metadata.size(); ++bytes) {
      sweep.offer(file_in_memory(std::span(metadata).first(bytes), plan.constants_bytes), true);
    }
  }
}

}  // namespace
}  // namespace memopt::testing
