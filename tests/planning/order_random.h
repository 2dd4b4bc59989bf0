// Random ordering problems and the optimum by trying every order: for tests only.
#pragma once

#include <algorithm>
#include <functional>
#include <random>
#include <vector>

#include "passes/planning/order.h"

namespace memopt {

struct RandomOrderOptions {
  int32_t ops = 8;
  int32_t max_inputs = 3;
  int64_t max_bytes = 12;  // few sizes: many ties; many sizes: none
  int32_t window = 100;    // an operator reads values of the last `window` operators
  bool sharing = true;     // storages of several values, extra dependences, state
};

// Operators with one or two outputs, scratch, in-place candidates, views and shared storages.
inline OrderProblem random_order_problem(uint32_t seed, const RandomOrderOptions& options) {
  std::mt19937 random(seed);
  auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  OrderProblem problem;
  problem.scratch_bytes.assign(options.ops, 0);
  auto add_storage = [&](int64_t bytes) {
    problem.storages.push_back({.bytes = bytes});
    return static_cast<int32_t>(problem.storages.size()) - 1;
  };
  for (int64_t i = below(3); i >= 0; --i) {
    const int32_t storage = add_storage(below(options.max_bytes));
    problem.storages.back().live_at_start = below(4) != 0;
    problem.values.push_back({.storage = storage, .producer = kNoOp, .consumers = {}});
  }
  std::vector<int32_t> first_value(options.ops, 0);
  for (int32_t op = 0; op < options.ops; ++op) {
    if (below(3) == 0) problem.scratch_bytes[op] = below(options.max_bytes);
    first_value[op] = static_cast<int32_t>(problem.values.size());
    const int32_t oldest = op > options.window ? first_value[op - options.window] : 0;
    std::vector<int32_t> inputs;
    for (int64_t i = below(options.max_inputs + 1); i > 0; --i) {
      inputs.push_back(oldest + static_cast<int32_t>(below(first_value[op] - oldest)));
      problem.values[inputs.back()].consumers.push_back(op);
    }
    for (int64_t i = below(5) == 0 ? 2 : 1; i > 0; --i) {
      const auto output = static_cast<int32_t>(problem.values.size());
      int32_t storage = -1;
      if (options.sharing && below(6) == 0 && !inputs.empty()) {
        storage = problem.values[inputs[0]].storage;  // a view
      } else if (options.sharing && below(8) == 0) {
        storage = problem.values[below(output)].storage;  // a slice of something shared
      } else {
        storage = add_storage(below(options.max_bytes));
        problem.storages.back().live_at_end = below(8) == 0;
      }
      problem.values.push_back({.storage = storage, .producer = op, .consumers = {}});
      for (int32_t input : inputs) {
        if (below(2) == 0) problem.in_place.push_back({op, output, input});
      }
    }
    if (options.sharing && op > 0 && below(10) == 0) {
      problem.dependences.push_back({static_cast<int32_t>(below(op)), op});
    }
  }
  return problem;
}

// The least peak over all topological orders, each evaluated by simulate_order.
inline int64_t brute_force_peak(const OrderProblem& problem) {
  const size_t ops = problem.scratch_bytes.size();
  std::vector<std::vector<int32_t>> preds(ops);
  for (const OrderValue& value : problem.values) {
    if (value.producer == kNoOp) continue;
    for (int32_t op : value.consumers) preds[op].push_back(value.producer);
  }
  for (const OrderDependence& edge : problem.dependences) preds[edge.after].push_back(edge.before);
  int64_t best = INT64_MAX;
  std::vector<int32_t> order;
  std::vector<uint8_t> done(ops, 0);
  std::function<void()> extend = [&] {
    if (order.size() == ops) {
      best = std::min(best, simulate_order(problem, order)->peak_bytes);
      return;
    }
    for (size_t op = 0; op < ops; ++op) {
      const bool ready = !done[op] && std::all_of(preds[op].begin(), preds[op].end(),
                                                  [&](int32_t pred) { return done[pred] != 0; });
      if (!ready) continue;
      done[op] = 1;
      order.push_back(static_cast<int32_t>(op));
      extend();
      order.pop_back();
      done[op] = 0;
    }
  };
  extend();
  return best;
}

}  // namespace memopt
