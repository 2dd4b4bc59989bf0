#include "runtime/plan/liveness.h"

#include <algorithm>
#include <utility>

namespace memopt {
namespace {

using Ranges = std::vector<std::pair<int64_t, int64_t>>;

int64_t covered_bytes(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end());
  int64_t covered = 0, end = 0;
  for (const auto& [first, last] : ranges) {
    covered += std::max<int64_t>(0, last - std::max(first, end));
    end = std::max(end, last);
  }
  return covered;
}

}  // namespace

std::vector<std::optional<Lifetime>> lifetimes(const Plan& plan) {
  const auto end = static_cast<int64_t>(plan.instructions.size()) + 1;
  std::vector<std::optional<Lifetime>> lives(plan.values.size());
  std::vector<int64_t> last_read(plan.values.size(), 0);  // of roots
  for (const uint32_t i : plan.inputs) lives[i] = Lifetime{};
  for (int64_t position = 1; position < end; ++position) {
    const PlanInstruction& instruction = plan.instructions[static_cast<size_t>(position - 1)];
    for (const std::optional<uint32_t>& input : instruction.inputs) {
      if (input) last_read[root_of(plan, *input)] = position;
    }
    for (const std::optional<uint32_t>& output : instruction.outputs) {
      if (output) lives[*output] = Lifetime{position, position};
    }
  }
  for (const uint32_t i : plan.outputs) last_read[root_of(plan, i)] = end;
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    if (lives[i]) lives[i]->last_read = std::max(lives[i]->written, last_read[root_of(plan, i)]);
  }
  return lives;
}

std::vector<int64_t> live_bytes(const Plan& plan) {
  std::vector<Ranges> live(plan.instructions.size());
  const std::vector<std::optional<Lifetime>> lives = lifetimes(plan);
  const auto steps = static_cast<int64_t>(live.size());
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    const PlanValue& value = plan.values[i];
    if (!lives[i] || value.storage != Storage::kArena) continue;
    const int64_t first = std::max<int64_t>(lives[i]->written - 1, 0);
    for (int64_t step = first; step < std::min(lives[i]->last_read, steps); ++step) {
      live[static_cast<size_t>(step)].emplace_back(value.offset_bytes,
                                                   value.offset_bytes + value.bytes);
    }
  }
  std::vector<int64_t> bytes(live.size());
  for (size_t i = 0; i < live.size(); ++i) {
    const PlanInstruction& instruction = plan.instructions[i];
    live[i].emplace_back(instruction.scratch_offset_bytes,
                         instruction.scratch_offset_bytes + instruction.scratch_bytes);
    bytes[i] = covered_bytes(std::move(live[i]));
  }
  return bytes;
}

}  // namespace memopt
