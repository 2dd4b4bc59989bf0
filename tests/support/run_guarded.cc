#include "tests/support/run_guarded.h"

#include <algorithm>

#include "runtime/executor/session.h"

namespace memopt {

Status run_guarded(std::span<const std::byte> file, KernelLookup kernels, std::byte input) {
  MEMOPT_ASSIGN_OR_RETURN(const auto loaded,
                          load_plan(file, "plan", {.verify_constants = true, .kernels = kernels}));
  const Plan& plan = loaded->plan();
  const int64_t alignment = std::min<int64_t>(plan.arena_alignment, 4096);
  MEMOPT_ASSIGN_OR_RETURN(const PageBuffer arena,
                          PageBuffer::allocate_fenced(plan.arena_bytes, alignment));
  MEMOPT_ASSIGN_OR_RETURN(const auto session,
                          Session::create(loaded, arena.bytes(), {.guard = true}));
  std::vector<PageBuffer> buffers;
  const auto buffer_of = [&](uint32_t value) -> Result<std::span<std::byte>> {
    MEMOPT_ASSIGN_OR_RETURN(PageBuffer buffer,
                            PageBuffer::allocate_fenced(plan.values[value].bytes, 8));
    buffers.push_back(std::move(buffer));
    return buffers.back().bytes();
  };
  for (size_t i = 0; i < plan.inputs.size(); ++i) {
    const PlanValue& value = plan.values[plan.inputs[i]];
    if (value.storage == Storage::kCaller) {
      MEMOPT_ASSIGN_OR_RETURN(const auto buffer, buffer_of(plan.inputs[i]));
      MEMOPT_RETURN_IF_ERROR(session->bind_input(i, buffer));
    }
    std::fill_n(session->input_data(i), value.bytes, input);
  }
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    if (plan.values[plan.outputs[i]].storage != Storage::kCaller) continue;
    MEMOPT_ASSIGN_OR_RETURN(const auto buffer, buffer_of(plan.outputs[i]));
    MEMOPT_RETURN_IF_ERROR(session->bind_output(i, buffer));
  }
  MEMOPT_ASSIGN_OR_RETURN(const PageBuffer state,
                          PageBuffer::allocate_fenced(plan.state_bytes, alignment));
  MEMOPT_RETURN_IF_ERROR(session->bind_state(state.bytes()));
  MEMOPT_RETURN_IF_ERROR(session->reset_state());
  return session->run();
}

}  // namespace memopt
