#include "passes/planning/order.h"

#include <algorithm>
#include <numeric>

#include "passes/planning/order_graph.h"
#include "passes/planning/order_greedy.h"
#include "passes/planning/order_search.h"

namespace memopt {
namespace {

using namespace ordering;

// Every order needs what an operator touches, less what in-place can save.
int64_t working_set_bound(const OrderGraph& graph) {
  int64_t bound = start_bytes(graph);
  for (int32_t op = 0; op < graph.num_ops(); ++op) {
    int64_t bytes = graph.outside_bytes + graph.scratch_bytes[op];
    for (int32_t storage : graph.touches[op]) bytes += graph.storage_bytes[storage];
    for (const InPlacePair& pair : graph.in_place[op]) bytes -= pair.saving;
    bound = std::max(bound, bytes);
  }
  return bound;
}

}  // namespace

Result<OrderResult> order_ops(const OrderProblem& problem, const OrderOptions& options) {
  MEMOPT_ASSIGN_OR_RETURN(const OrderGraph graph, build_order_graph(problem));
  OrderResult result;
  result.order.resize(graph.num_ops());
  std::iota(result.order.begin(), result.order.end(), 0);
  result.given_peak_bytes = result.peak_bytes = peak_of(graph, result.order);
  result.lower_bound_bytes = working_set_bound(graph);
  auto offer = [&](std::vector<int32_t> order) {
    const int64_t peak = peak_of(graph, order);
    if (peak >= result.peak_bytes) return;
    result.peak_bytes = peak;
    result.order = std::move(order);
  };
  offer(post_order(graph, false));
  offer(post_order(graph, true));
  offer(greedy_order(graph, GreedyKey::kGrowth));
  offer(greedy_order(graph, GreedyKey::kRunning));
  if (result.peak_bytes > result.lower_bound_bytes) {
    SearchResult exact =
        search_order(graph, {result.lower_bound_bytes, result.peak_bytes, options.exact_states});
    result.states += exact.states;
    result.lower_bound_bytes = std::max(result.lower_bound_bytes, exact.lower_bound_bytes);
    if (!exact.order.empty()) offer(std::move(exact.order));
  }
  if (result.peak_bytes == result.lower_bound_bytes) {
    result.proof = OrderProof::kOptimal;
  } else if (result.peak_bytes < result.given_peak_bytes) {
    result.proof = OrderProof::kBestFound;
  }
  return result;
}

}  // namespace memopt
