#include "tools/cli/runtime_bytes.h"

#include <span>

#include "runtime/base/checked.h"
#include "runtime/base/page_buffer.h"
#include "runtime/base/size_text.h"
#include "runtime/executor/session.h"
#include "runtime/plan/codec.h"

namespace memopt {
namespace {

// Fitted to 18 real networks (AVX-512), right within a third for each of them.
PredictedRuntime estimate(const Plan& plan, size_t encoded_bytes) {
  constexpr double kTables = 1.5;  // in memory, per encoded byte
  constexpr int64_t kStep = 1200, kLibraryConv = 160 << 10, kLibraryOther = 12 << 10;
  auto bytes = static_cast<int64_t>(kTables * static_cast<double>(encoded_bytes));
  for (const PlanInstruction& step : plan.instructions) {
    bytes += kStep;
    if (!step.kernel.ends_with(".onednn")) continue;
    bytes += step.kernel.find("conv") == std::string::npos ? kLibraryOther : kLibraryConv;
  }
  return {.bytes = bytes, .is_estimate = true};
}

// What loading and a session keep allocated, in this process.
Result<RuntimeBytes> rehearse(std::span<const std::byte> encoded, RuntimeMeter& meter) {
  forget_prepared_kernels();
  meter.begin();
  MEMOPT_ASSIGN_OR_RETURN(const auto loaded, rehearse_load(encoded));
  meter.end_of_load();
  MEMOPT_ASSIGN_OR_RETURN(const PageBuffer arena, PageBuffer::allocate(loaded->plan().arena_bytes));
  meter.begin();
  MEMOPT_ASSIGN_OR_RETURN(const auto session, Session::create(loaded, arena.bytes()));
  meter.end_of_session();
  return *meter.bytes();
}

}  // namespace

Result<PredictedRuntime> predict_runtime(const Plan& plan, const AllocationCounter* counter) {
  const std::vector<std::byte> encoded = encode_plan(plan);
  RuntimeMeter meter(counter);
  if (!meter.counts() || plan.target.isa > host_isa()) return estimate(plan, encoded.size());
  const Result<RuntimeBytes> measured = rehearse(encoded, meter);
  if (measured.ok()) {
    // In whole pages, so that a hundred bytes more or less of a name or a list make no difference.
    constexpr int64_t kPage = 4096;
    return PredictedRuntime{.bytes = align_up(measured->total(), kPage), .is_estimate = false};
  }
  // An arena or constants that this machine does not even map.
  if (measured.error().code == Code::kOutOfResource) return estimate(plan, encoded.size());
  return measured.error();
}

std::string runtime_text(const std::optional<RuntimeBytes>& bytes) {
  if (!bytes) return "not measured: this build does not count allocations";
  return both_sizes_text(bytes->total()) + ": plan " + size_text(bytes->plan) + ", session " +
         size_text(bytes->session) + ", without the stacks of threads";
}

}  // namespace memopt
