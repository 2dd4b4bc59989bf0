#include "benchmarks/order_buffers.h"

#include <algorithm>
#include <numeric>

#include "runtime/base/check.h"

namespace memopt {

MemoryProblem buffers_of_order(const OrderProblem& problem, const std::vector<int32_t>& order) {
  const auto steps = static_cast<int64_t>(order.size());
  std::vector<int64_t> step_of(order.size());
  for (int64_t step = 0; step < steps; ++step) step_of[order[step]] = step;

  // Half-open lifetimes of the storages.
  std::vector<int64_t> lower(problem.storages.size(), steps), upper(problem.storages.size(), 0);
  for (const OrderValue& value : problem.values) {
    const auto touch = [&](int64_t step) {
      lower[value.storage] = std::min(lower[value.storage], step);
      upper[value.storage] = std::max(upper[value.storage], step + 1);
    };
    if (value.producer != kNoOp) touch(step_of[value.producer]);
    for (const int32_t consumer : value.consumers) touch(step_of[consumer]);
    if (problem.storages[value.storage].live_at_start) lower[value.storage] = 0;
    if (problem.storages[value.storage].live_at_end) upper[value.storage] = steps;
  }

  // Storages that share bytes, each named by the first of them.
  std::vector<int32_t> first(problem.storages.size());
  std::iota(first.begin(), first.end(), 0);
  const Result<OrderSimulation> simulation = simulate_order(problem, order);
  MEMOPT_CHECK(simulation.ok());
  for (const InPlaceCandidate& pair : simulation->in_place) {
    const int32_t from = first[problem.values[pair.input].storage];
    const int32_t to = problem.values[pair.output].storage;
    MEMOPT_CHECK(problem.storages[from].bytes == problem.storages[to].bytes);
    first[to] = from;
    upper[from] = std::max(upper[from], upper[to]);
  }

  MemoryProblem result;
  const auto add = [&](int64_t begin, int64_t end, int64_t bytes) {
    if (bytes == 0 || begin >= end) return;
    MemoryBuffer& buffer = result.buffers.emplace_back();
    buffer.lower = begin;
    buffer.upper = end;
    buffer.size_bytes = bytes;
  };
  for (size_t s = 0; s < problem.storages.size(); ++s) {
    if (first[s] == static_cast<int32_t>(s)) add(lower[s], upper[s], problem.storages[s].bytes);
  }
  for (int64_t step = 0; step < steps; ++step) {
    add(step, step + 1, problem.scratch_bytes[order[step]]);
  }
  return result;
}

}  // namespace memopt
