// Memory problems of certificates without a plan behind them: for tests of the checker.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tests/planning/order_random.h"
#include "tools/certificate/problem.h"

namespace memopt::certificate {

inline void sort_unique(std::vector<int32_t>& items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

// A few steps, other ones for every seed.
inline RandomOrderOptions small_options(uint32_t seed) {
  RandomOrderOptions options;
  options.ops = 3 + static_cast<int32_t>(seed % 6);
  options.max_inputs = 1 + static_cast<int32_t>(seed % 3);
  options.sharing = seed % 2 == 0;
  return options;
}

// Any storages, shared and touched in any way: more than plans have. Sizes in blocks of 64.
inline Problem random_problem(uint32_t seed, const RandomOrderOptions& options) {
  const OrderProblem source = random_order_problem(seed, options);
  Problem problem;
  for (const int64_t bytes : source.scratch_bytes) {
    problem.steps.emplace_back().scratch_bytes = bytes * 64;
  }
  for (const OrderStorage& storage : source.storages) {
    problem.storages.push_back({.value = static_cast<uint32_t>(problem.storages.size()),
                                .bytes = storage.bytes * 64,
                                .at_start = storage.live_at_start,
                                .at_end = storage.live_at_end,
                                .steps = {}});
  }
  const auto touch = [&](int32_t step, int32_t storage) {
    problem.steps[step].storages.push_back(storage);
    problem.storages[storage].steps.push_back(step);
  };
  const auto wait = [&](int32_t step, int32_t earlier) {
    problem.steps[step].before.push_back(earlier);
    problem.steps[earlier].after.push_back(step);
  };
  for (const OrderValue& value : source.values) {
    if (value.producer != kNoOp) touch(value.producer, value.storage);
    for (const int32_t step : value.consumers) {
      touch(step, value.storage);
      if (value.producer != kNoOp) wait(step, value.producer);
    }
  }
  for (const OrderDependence& edge : source.dependences) wait(edge.after, edge.before);
  for (const InPlaceCandidate& pair : source.in_place) {
    const int32_t result = source.values[pair.output].storage;
    const int32_t operand = source.values[pair.input].storage;
    if (result == operand) continue;
    problem.steps[pair.op].overwrites.push_back(
        {result, operand,
         std::min(problem.storages[result].bytes, problem.storages[operand].bytes)});
  }
  for (Step& step : problem.steps) {
    sort_unique(step.storages);
    sort_unique(step.before);
    sort_unique(step.after);
    std::sort(step.overwrites.begin(), step.overwrites.end(), [](const auto& a, const auto& b) {
      return std::pair(a.result, a.operand) < std::pair(b.result, b.operand);
    });
    const auto same = [](const Overwrite& a, const Overwrite& b) {
      return a.result == b.result && a.operand == b.operand;
    };
    step.overwrites.erase(std::unique(step.overwrites.begin(), step.overwrites.end(), same),
                          step.overwrites.end());
    // No order is promised.
    if (seed / 6 % 2 == 1) std::reverse(step.overwrites.begin(), step.overwrites.end());
  }
  for (ArenaStorage& storage : problem.storages) sort_unique(storage.steps);
  return problem;
}

// Names for the storages and steps of a problem without a plan.
inline Plan names_for(const Problem& problem) {
  Plan plan;
  plan.arena_bytes = INT64_MAX;
  for (size_t i = 0; i < problem.storages.size(); ++i) {
    plan.values.emplace_back().name = "s" + std::to_string(i);
  }
  for (size_t i = 0; i < problem.steps.size(); ++i) {
    plan.instructions.emplace_back().name = "step" + std::to_string(i);
  }
  return plan;
}

}  // namespace memopt::certificate
