#include "tools/cli/runtime_bytes.h"

#include <set>

#include "runtime/base/page_buffer.h"
#include "runtime/base/size_text.h"
#include "runtime/executor/session.h"
#include "runtime/plan/codec.h"

namespace memopt {
namespace {

// Of 50 networks: the tables of a plan take three to four times their encoded bytes, an operand of
// a session its descriptions, a kernel of the library its code. Right within a factor of two.
PredictedRuntime estimate(const Plan& plan, size_t encoded_bytes) {
  constexpr int64_t kPerStep = 1024, kOwnKernel = 512, kLibraryKernel = 96 * 1024;
  int64_t bytes = 4 * static_cast<int64_t>(encoded_bytes);
  for (const PlanInstruction& step : plan.instructions) {
    bytes += kPerStep + (step.kernel.ends_with(".onednn") ? kLibraryKernel : kOwnKernel);
  }
  return {.bytes = bytes, .is_estimate = true};
}

}  // namespace

Result<PredictedRuntime> predict_runtime(const Plan& plan, const AllocationCounter* counter) {
  const std::vector<std::byte> encoded = encode_plan(plan);
  RuntimeMeter meter(counter);
  if (!meter.counts() || plan.target.isa > host_isa()) return estimate(plan, encoded.size());
  forget_prepared_kernels();
  meter.begin();
  MEMOPT_ASSIGN_OR_RETURN(const auto loaded, rehearse_load(encoded));
  meter.end_of_load();
  MEMOPT_ASSIGN_OR_RETURN(const PageBuffer arena, PageBuffer::allocate(plan.arena_bytes));
  meter.begin();
  MEMOPT_ASSIGN_OR_RETURN(const auto session, Session::create(loaded, arena.bytes()));
  meter.end_of_session();
  return PredictedRuntime{.bytes = meter.bytes()->total(), .is_estimate = false};
}

std::string runtime_text(const std::optional<RuntimeBytes>& bytes) {
  if (!bytes) return "not measured: this build does not count allocations";
  return both_sizes_text(bytes->total()) + ": plan " + size_text(bytes->plan) + ", session " +
         size_text(bytes->session) + ", without the stacks of threads";
}

}  // namespace memopt
