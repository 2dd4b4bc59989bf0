#include "tools/certificate/problem.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "runtime/base/checked.h"

namespace memopt::certificate {
namespace {

constexpr int32_t kNone = -1;
constexpr int64_t kMaxWaits = int64_t{1} << 25;  // 256 MiB

void sort_unique(std::vector<int32_t>& items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

// Every element of one has the place in its storage that the same element of the other has.
bool same_places(const PlanValue& a, const PlanValue& b) {
  if (a.dims != b.dims || a.bytes != b.bytes || dtype_bits(a.dtype) != dtype_bits(b.dtype)) {
    return false;
  }
  for (int i = 0; i < a.dims.rank(); ++i) {
    if (a.dims[i] > 1 && a.strides[i] != b.strides[i]) return false;
  }
  return true;
}

class Derivation {
 public:
  Derivation(const Plan& plan, KernelLookup kernels)
      : plan_(plan),
        kernels_(kernels),
        roots_(plan.values.size()),
        storage_(plan.values.size(), kNone),
        written_elements_(plan.values.size(), 0),
        writers_(plan.values.size()),
        old_(plan.values.size()),
        readers_(plan.values.size()) {}

  Result<Problem> run() {
    problem_.steps.resize(plan_.instructions.size());
    MEMOPT_RETURN_IF_ERROR(add_storages());
    MEMOPT_RETURN_IF_ERROR(add_scratch());
    find_writers();
    for (const PlanState& state : plan_.states) old_[state.after] = state.before;
    for (int32_t step = 0; step < problem_.step_count(); ++step) {
      add_touches(step);
      MEMOPT_RETURN_IF_ERROR(add_waits(step));
      add_overwrites(step);
    }
    return std::move(problem_);
  }

 private:
  const PlanInstruction& instruction(int32_t step) const {
    return plan_.instructions[static_cast<size_t>(step)];
  }
  Step& step_at(int32_t step) { return problem_.steps[static_cast<size_t>(step)]; }

  // `bytes` in whole blocks; an error where all that could ever be occupied passes 64 bits. Counted
  // four times: sums below add what is occupied, touched, freed and scratch.
  Result<int64_t> in_blocks(int64_t bytes) {
    const std::optional<int64_t> rounded = checked_align_up(bytes, kArenaAlignment);
    const std::optional<int64_t> four = rounded ? checked_mul(*rounded, 4) : std::nullopt;
    const std::optional<int64_t> total = four ? checked_add(total_bytes_, *four) : std::nullopt;
    if (!total) {
      return Error{Code::kVerifyFailed, "the sizes of the plan add up to more than 64 bits hold"};
    }
    total_bytes_ = *total;
    return *rounded;
  }

  Status add_storages() {
    for (uint32_t i = 0; i < plan_.values.size(); ++i) {
      roots_[i] = root_of(plan_, i);
      const PlanValue& value = plan_.values[i];
      if (value.storage != Storage::kArena || value.alias) continue;
      MEMOPT_ASSIGN_OR_RETURN(const int64_t bytes, in_blocks(value.bytes));
      storage_[i] = static_cast<int32_t>(problem_.storages.size());
      problem_.storages.push_back(
          {.value = i, .bytes = bytes, .at_start = false, .at_end = false, .steps = {}});
    }
    for (const uint32_t i : plan_.inputs) {
      if (const int32_t storage = storage_of(i); storage != kNone) {
        problem_.storages[static_cast<size_t>(storage)].at_start = true;
      }
    }
    for (const uint32_t i : plan_.outputs) {
      if (const int32_t storage = storage_of(i); storage != kNone) {
        problem_.storages[static_cast<size_t>(storage)].at_end = true;
      }
    }
    return {};
  }

  int32_t storage_of(uint32_t value) const { return storage_[roots_[value]]; }

  Status add_scratch() {
    for (int32_t step = 0; step < problem_.step_count(); ++step) {
      MEMOPT_ASSIGN_OR_RETURN(step_at(step).scratch_bytes,
                              in_blocks(instruction(step).scratch_bytes));
    }
    return {};
  }

  // Who writes into each value or into a part of it, and how many elements of it that makes.
  void find_writers() {
    const auto write = [&](uint32_t value, int32_t step) {
      const int64_t count = plan_.values[value].dims.count();
      for (uint32_t at = value;; at = plan_.values[at].alias->parent) {
        written_elements_[at] += count;
        if (step != kNone) writers_[at].push_back(step);
        if (!plan_.values[at].alias) return;
      }
    };
    for (uint32_t i = 0; i < plan_.values.size(); ++i) {
      if (plan_.values[i].storage == Storage::kConstant && !plan_.values[i].alias) write(i, kNone);
    }
    for (const uint32_t i : plan_.inputs) write(i, kNone);
    for (const PlanState& state : plan_.states) write(state.before, kNone);
    for (int32_t step = 0; step < problem_.step_count(); ++step) {
      for (const std::optional<uint32_t>& output : instruction(step).outputs) {
        if (output) write(*output, step);
      }
    }
  }

  void add_touches(int32_t step) {
    std::vector<int32_t>& touched = step_at(step).storages;
    for (const auto* operands : {&instruction(step).inputs, &instruction(step).outputs}) {
      for (const std::optional<uint32_t>& operand : *operands) {
        if (operand && storage_of(*operand) != kNone) touched.push_back(storage_of(*operand));
      }
    }
    sort_unique(touched);
    for (const int32_t storage : touched) {
      problem_.storages[static_cast<size_t>(storage)].steps.push_back(step);
    }
  }

  Status wait_for(std::vector<int32_t>& before, const std::vector<int32_t>& steps) {
    waits_ += static_cast<int64_t>(steps.size());
    if (waits_ > kMaxWaits) {
      return bad_input("the steps of the plan wait for more than " + std::to_string(kMaxWaits) +
                       " others together: no certificate speaks about so many");
    }
    before.insert(before.end(), steps.begin(), steps.end());
    return {};
  }

  // A value is there once it, or something that it is part of, is written completely: what the
  // verifier of plans asks for. The smallest such thing has the fewest writers to wait for.
  Status add_waits(int32_t step) {
    std::vector<int32_t>& before = step_at(step).before;
    for (const std::optional<uint32_t>& input : instruction(step).inputs) {
      if (!input) continue;
      uint32_t at = *input;
      while (written_elements_[at] < plan_.values[at].dims.count()) {
        if (!plan_.values[at].alias) {
          return Error{Code::kVerifyFailed,
                       "value '" + plan_.values[*input].name + "' is read, but never written"};
        }
        at = plan_.values[at].alias->parent;
      }
      MEMOPT_RETURN_IF_ERROR(wait_for(before, writers_[at]));
    }
    for (const std::optional<uint32_t>& output : instruction(step).outputs) {
      if (!output || !old_[*output]) continue;
      MEMOPT_RETURN_IF_ERROR(wait_for(before, readers_[*old_[*output]]));
    }
    for (const std::optional<uint32_t>& input : instruction(step).inputs) {
      if (!input || plan_.values[*input].storage != Storage::kState) continue;
      if (plan_.values[*input].bytes > 0) readers_[roots_[*input]].push_back(step);
    }
    sort_unique(before);
    for (const int32_t other : before) {
      if (other >= step) {
        return Error{Code::kVerifyFailed, "step " + std::to_string(step) + " reads what step " +
                                              std::to_string(other) + " writes"};
      }
      step_at(other).after.push_back(step);
    }
    return {};
  }

  void add_overwrites(int32_t step) {
    const KernelDef* const kernel = kernels_(instruction(step).kernel);
    const InstructionRequest operands(plan_, instruction(step));
    if (!kernel || kernel->op != op_kind(instruction(step).op) || !kernel->in_place ||
        !kernel->supports(operands.request())) {
      return;
    }
    const auto& inputs = instruction(step).inputs;
    const auto& outputs = instruction(step).outputs;
    for (size_t o = 0; o < outputs.size(); ++o) {
      if (!outputs[o] || plan_.values[*outputs[o]].alias || storage_of(*outputs[o]) == kNone)
        continue;
      const PlanValue& result = plan_.values[*outputs[o]];
      std::map<int32_t, bool> left =
          overwritable(*kernel, operands.request(), inputs, static_cast<int>(o));
      for (const std::optional<uint32_t>& input : inputs) {
        if (!input || storage_of(*input) == kNone) continue;
        const int32_t storage = storage_of(*input);
        const PlanValue& root = plan_.values[roots_[*input]];
        if (!same_places(plan_.values[*input], result) || root.bytes != result.bytes) continue;
        if (!std::exchange(left[storage], false)) continue;
        step_at(step).overwrites.push_back(
            {.result = storage_of(*outputs[o]),
             .operand = storage,
             .bytes = problem_.storages[static_cast<size_t>(storage)].bytes});
      }
    }
  }

  // Of each storage that the step reads: whether it may overwrite all that it reads there.
  std::map<int32_t, bool> overwritable(const KernelDef& kernel, const KernelRequest& request,
                                       const std::vector<std::optional<uint32_t>>& inputs,
                                       int output) const {
    std::map<int32_t, bool> result;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i] || storage_of(*inputs[i]) == kNone) continue;
      bool& may = result.try_emplace(storage_of(*inputs[i]), true).first->second;
      may = may && kernel.in_place(request, static_cast<int>(i), output);
    }
    return result;
  }

  const Plan& plan_;
  const KernelLookup kernels_;
  Problem problem_;
  std::vector<uint32_t> roots_;                // per value
  std::vector<int32_t> storage_;               // per value: of a root in the arena
  std::vector<int64_t> written_elements_;      // per value
  std::vector<std::vector<int32_t>> writers_;  // per value: steps
  std::vector<std::optional<uint32_t>> old_;   // per value: the state that it is the next value of
  std::vector<std::vector<int32_t>> readers_;  // per root of a state: steps up to this one
  int64_t total_bytes_ = 0;
  int64_t waits_ = 0;
};

std::vector<uint8_t> reached_from(const Problem& problem, int32_t step,
                                  std::vector<int32_t> Step::*next) {
  std::vector<uint8_t> reached(problem.steps.size(), 0);
  std::vector<int32_t> queue = {step};
  for (size_t head = 0; head < queue.size(); ++head) {
    for (const int32_t other : problem.steps[static_cast<size_t>(queue[head])].*next) {
      if (reached[static_cast<size_t>(other)]) continue;
      reached[static_cast<size_t>(other)] = 1;
      queue.push_back(other);
    }
  }
  return reached;
}

// The best of taking or leaving each pair from `first` on, given the storages in use.
int64_t best_matching(std::span<const Overwrite> pairs, size_t first, std::vector<int32_t>& used) {
  if (first == pairs.size()) return 0;
  const Overwrite& pair = pairs[first];
  int64_t best = best_matching(pairs, first + 1, used);
  const bool free = std::none_of(used.begin(), used.end(), [&](int32_t storage) {
    return storage == pair.result || storage == pair.operand;
  });
  if (!free) return best;
  used.push_back(pair.result);
  used.push_back(pair.operand);
  best = std::max(best, pair.bytes + best_matching(pairs, first + 1, used));
  used.resize(used.size() - 2);
  return best;
}

}  // namespace

Result<Problem> derive_problem(const Plan& plan, KernelLookup kernels) {
  return Derivation(plan, kernels).run();
}

Problem part_of(const Problem& problem, int32_t begin, int32_t end) {
  Problem part;
  part.always_bytes = problem.always_bytes;
  std::vector<int32_t> local(problem.storages.size(), kNone);
  for (size_t i = 0; i < problem.storages.size(); ++i) {
    const ArenaStorage& whole = problem.storages[i];
    if (whole.is_idle_input()) continue;
    ArenaStorage storage{.value = whole.value,
                         .bytes = whole.bytes,
                         .at_start = whole.at_start,
                         .at_end = whole.at_end,
                         .steps = {}};
    for (const int32_t step : whole.steps) {
      if (step < begin) storage.at_start = true;
      if (step >= end) storage.at_end = true;
      if (step >= begin && step < end) storage.steps.push_back(step - begin);
    }
    if (!storage.steps.empty()) {
      local[i] = static_cast<int32_t>(part.storages.size());
      part.storages.push_back(std::move(storage));
    } else if (storage.at_start && storage.at_end) {
      part.always_bytes += storage.bytes;
    }
  }
  for (int32_t at = begin; at < end; ++at) {
    Step step = problem.steps[static_cast<size_t>(at)];
    for (int32_t& storage : step.storages) storage = local[static_cast<size_t>(storage)];
    for (Overwrite& pair : step.overwrites) {
      pair.result = local[static_cast<size_t>(pair.result)];
      pair.operand = local[static_cast<size_t>(pair.operand)];
    }
    for (auto* others : {&step.before, &step.after}) {
      std::erase_if(*others, [&](int32_t other) { return other < begin || other >= end; });
      for (int32_t& other : *others) other -= begin;
    }
    part.steps.push_back(std::move(step));
  }
  return part;
}

Problem reversed(const Problem& problem) {
  const int32_t last = problem.step_count() - 1;
  const auto mirror = [last](std::vector<int32_t>& steps) {
    std::reverse(steps.begin(), steps.end());
    for (int32_t& step : steps) step = last - step;
  };
  Problem result = problem;
  std::reverse(result.steps.begin(), result.steps.end());
  for (Step& step : result.steps) {
    std::swap(step.before, step.after);
    mirror(step.before);
    mirror(step.after);
    for (Overwrite& pair : step.overwrites) std::swap(pair.result, pair.operand);
  }
  for (ArenaStorage& storage : result.storages) {
    std::swap(storage.at_start, storage.at_end);
    mirror(storage.steps);
  }
  return result;
}

std::vector<uint8_t> ancestors_of(const Problem& problem, int32_t step) {
  return reached_from(problem, step, &Step::before);
}

std::vector<uint8_t> descendants_of(const Problem& problem, int32_t step) {
  return reached_from(problem, step, &Step::after);
}

int64_t most_saved(std::span<const Overwrite> pairs, bool of_many) {
  if (pairs.empty()) return 0;
  if (pairs.size() == 1) return pairs[0].bytes;
  std::vector<int32_t> used;
  if (!of_many) return best_matching(pairs, 0, used);
  int64_t bytes = 0;
  for (const Overwrite& pair : pairs) {
    if (std::find(used.begin(), used.end(), pair.result) != used.end()) continue;
    used.push_back(pair.result);
    bytes += pair.bytes;
  }
  return bytes;
}

}  // namespace memopt::certificate
