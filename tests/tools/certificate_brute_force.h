// The memory problem of a certificate, costed by its definition alone: for tests of the checker.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "tools/certificate/problem.h"

namespace memopt::certificate {

// The most that pairs from `first` on can save, by trying all choices.
inline int64_t try_pairs(const std::vector<Overwrite>& pairs, size_t first,
                         std::vector<int32_t> used) {
  if (first == pairs.size()) return 0;
  const int64_t without = try_pairs(pairs, first + 1, used);
  for (const int32_t storage : used) {
    if (storage == pairs[first].result || storage == pairs[first].operand) return without;
  }
  used.insert(used.end(), {pairs[first].result, pairs[first].operand});
  return std::max(without, pairs[first].bytes + try_pairs(pairs, first + 1, std::move(used)));
}

// What one order needs: lifetimes first, then the sum at every step.
inline int64_t bytes_of_order(const Problem& problem, const std::vector<int32_t>& order) {
  const auto steps = static_cast<int32_t>(order.size());
  std::vector<int32_t> position(order.size());
  for (int32_t i = 0; i < steps; ++i) position[static_cast<size_t>(order[i])] = i;
  std::vector<int32_t> first, last;  // -1: from the start, `steps`: to the end
  int64_t start = problem.always_bytes, end = problem.always_bytes;
  for (const ArenaStorage& storage : problem.storages) {
    first.push_back(steps + 1);
    last.push_back(-2);
    for (const int32_t step : storage.steps) {
      first.back() = std::min(first.back(), position[static_cast<size_t>(step)]);
      last.back() = std::max(last.back(), position[static_cast<size_t>(step)]);
    }
    if (storage.at_start) {
      first.back() = -1;
      last.back() = std::max(last.back(), -1);
      start += storage.bytes;
    }
    if (storage.at_end) {
      last.back() = steps;
      end += storage.bytes;
    }
  }
  int64_t most = std::max(start, end);
  for (int32_t at = 0; at < steps; ++at) {
    const Step& step = problem.steps[static_cast<size_t>(order[static_cast<size_t>(at)])];
    int64_t bytes = problem.always_bytes + step.scratch_bytes;
    for (size_t i = 0; i < problem.storages.size(); ++i) {
      if (first[i] <= at && at <= last[i]) bytes += problem.storages[i].bytes;
    }
    std::vector<Overwrite> possible;
    for (const Overwrite& pair : step.overwrites) {
      if (first[static_cast<size_t>(pair.result)] == at &&
          last[static_cast<size_t>(pair.operand)] == at) {
        possible.push_back(pair);
      }
    }
    most = std::max(most, bytes - try_pairs(possible, 0, {}));
  }
  return most;
}

// The least over all orders.
inline int64_t least_bytes(const Problem& problem) {
  int64_t least = INT64_MAX;
  std::vector<int32_t> order;
  std::vector<uint8_t> done(problem.steps.size(), 0);
  const std::function<void()> extend = [&] {
    if (order.size() == problem.steps.size()) {
      least = std::min(least, bytes_of_order(problem, order));
      return;
    }
    for (int32_t step = 0; step < problem.step_count(); ++step) {
      const auto& before = problem.steps[static_cast<size_t>(step)].before;
      const bool ready = !done[static_cast<size_t>(step)] &&
                         std::all_of(before.begin(), before.end(), [&](int32_t other) {
                           return done[static_cast<size_t>(other)] != 0;
                         });
      if (!ready) continue;
      done[static_cast<size_t>(step)] = 1;
      order.push_back(step);
      extend();
      order.pop_back();
      done[static_cast<size_t>(step)] = 0;
    }
  };
  extend();
  return least;
}

}  // namespace memopt::certificate
