// The definition of the peak, step by step, straight from the problem. It shares nothing with the
// searches but the checks of the input.
#include <algorithm>
#include <string>

#include "passes/planning/order_graph.h"

namespace memopt {
namespace {

// Steps at which a storage is touched first and last; -1 and n stand for the start and the end.
// Last -1: it is gone when the first operator begins.
struct Lifetime {
  int64_t first;
  int64_t last;
};

std::vector<Lifetime> lifetimes_of(const OrderProblem& problem, const std::vector<int64_t>& step) {
  const auto num_ops = static_cast<int64_t>(step.size());
  std::vector<Lifetime> lifetimes(problem.storages.size(), {num_ops, -1});
  auto touch = [&](int32_t storage, int64_t at) {
    lifetimes[storage].first = std::min(lifetimes[storage].first, at);
    lifetimes[storage].last = std::max(lifetimes[storage].last, at);
  };
  for (const OrderValue& value : problem.values) {
    if (value.producer != kNoOp) touch(value.storage, step[value.producer]);
    for (int32_t op : value.consumers) touch(value.storage, step[op]);
  }
  for (size_t i = 0; i < lifetimes.size(); ++i) {
    if (problem.storages[i].live_at_start) lifetimes[i].first = -1;
    if (problem.storages[i].live_at_end && lifetimes[i].first < num_ops)
      lifetimes[i].last = num_ops;
  }
  return lifetimes;
}

// The candidates of one operator that its lifetimes allow, taken greedily: largest saving first.
std::vector<InPlaceCandidate> taken_in_place(const OrderProblem& problem,
                                             const std::vector<Lifetime>& lifetimes, int64_t at,
                                             std::vector<InPlaceCandidate> candidates) {
  auto output = [&](const InPlaceCandidate& c) { return problem.values[c.output].storage; };
  auto input = [&](const InPlaceCandidate& c) { return problem.values[c.input].storage; };
  auto saving = [&](const InPlaceCandidate& c) {
    return std::min(problem.storages[output(c)].bytes, problem.storages[input(c)].bytes);
  };
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](const auto& a, const auto& b) { return saving(a) > saving(b); });
  std::vector<InPlaceCandidate> taken;
  for (const InPlaceCandidate& c : candidates) {
    if (lifetimes[output(c)].first != at || lifetimes[input(c)].last != at) continue;
    const bool conflicts = std::any_of(taken.begin(), taken.end(), [&](const auto& other) {
      return output(other) == output(c) || input(other) == input(c);
    });
    if (!conflicts && output(c) != input(c)) taken.push_back(c);
  }
  return taken;
}

}  // namespace

Result<OrderSimulation> simulate_order(const OrderProblem& problem,
                                       const std::vector<int32_t>& order) {
  MEMOPT_ASSIGN_OR_RETURN(const ordering::OrderGraph graph, ordering::build_order_graph(problem));
  const auto num_ops = static_cast<int64_t>(problem.scratch_bytes.size());
  if (static_cast<int64_t>(order.size()) != num_ops) {
    return bad_input("an order of " + std::to_string(order.size()) +
                     " operators for a problem of " + std::to_string(num_ops));
  }
  std::vector<int64_t> step(num_ops, -1);
  for (int64_t at = 0; at < num_ops; ++at) {
    const int32_t op = order[at];
    if (op < 0 || op >= num_ops || step[op] >= 0) {
      return bad_input("an order that is not a permutation at step " + std::to_string(at));
    }
    step[op] = at;
  }
  for (int32_t op = 0; op < num_ops; ++op) {
    for (int32_t pred : graph.preds[op]) {
      if (step[pred] > step[op]) {
        return bad_input("an order that runs operator " + std::to_string(op) + " before operator " +
                         std::to_string(pred) + ", which it needs");
      }
    }
  }

  const std::vector<Lifetime> lifetimes = lifetimes_of(problem, step);
  std::vector<std::vector<InPlaceCandidate>> candidates(num_ops);
  for (const InPlaceCandidate& c : problem.in_place) candidates[step[c.op]].push_back(c);
  std::vector<int64_t> grows(num_ops, 0), shrinks(num_ops, 0);
  int64_t live = 0;
  for (size_t i = 0; i < lifetimes.size(); ++i) {
    const auto [first, last] = lifetimes[i];
    if (first < 0) live += problem.storages[i].bytes;
    if (first >= 0 && first < num_ops) grows[first] += problem.storages[i].bytes;
    if (last >= 0 && last < num_ops) shrinks[last] += problem.storages[i].bytes;
  }
  OrderSimulation result;
  result.peak_bytes = live;
  for (size_t i = 0; i < lifetimes.size(); ++i) {
    if (lifetimes[i].first < 0 && lifetimes[i].last < 0) live -= problem.storages[i].bytes;
  }
  for (int64_t at = 0; at < num_ops; ++at) {
    int64_t running = live + grows[at] + problem.scratch_bytes[order[at]];
    for (const InPlaceCandidate& c :
         taken_in_place(problem, lifetimes, at, std::move(candidates[at]))) {
      running -= std::min(problem.storages[problem.values[c.output].storage].bytes,
                          problem.storages[problem.values[c.input].storage].bytes);
      result.in_place.push_back(c);
    }
    live += grows[at] - shrinks[at];
    result.running_bytes.push_back(running);
    result.after_bytes.push_back(live);
    result.peak_bytes = std::max(result.peak_bytes, running);
  }
  return result;
}

}  // namespace memopt
