#include "benchmarks/peers/orders.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace memopt::peers {
namespace {

using ordering::OrderGraph;
using ordering::OrderState;

// Operators in the order in which a depth-first search from those without `back` leaves them.
std::vector<int32_t> leave_order(int32_t num_ops, const ordering::Rows<int32_t>& forward,
                                 const ordering::Rows<int32_t>& back) {
  std::vector<int32_t> order;
  std::vector<uint8_t> seen(num_ops, 0);
  for (int32_t source = 0; source < num_ops; ++source) {
    if (seen[source] || !back[source].empty()) continue;
    std::vector<std::pair<int32_t, size_t>> stack = {{source, 0}};
    seen[source] = 1;
    while (!stack.empty()) {
      auto& [op, next] = stack.back();
      if (next == forward[op].size()) {
        order.push_back(op);
        stack.pop_back();
      } else if (const int32_t other = forward[op][next++]; !seen[other]) {
        seen[other] = 1;
        stack.emplace_back(other, 0);
      }
    }
  }
  return order;
}

// Always takes the ready operator for which `key(state, peak so far, operator)` is the smallest.
template <typename Key>
std::vector<int32_t> list_order(const OrderGraph& graph, Key key) {
  OrderState state(graph);
  std::vector<int32_t> order;
  std::set<int32_t> ready;
  for (int32_t op = 0; op < graph.num_ops(); ++op) {
    if (state.is_ready(op)) ready.insert(op);
  }
  int64_t peak = 0;
  while (!ready.empty()) {
    const int32_t best = *std::min_element(ready.begin(), ready.end(), [&](int32_t a, int32_t b) {
      return key(state, peak, a) < key(state, peak, b);
    });
    peak = std::max(peak, state.running_bytes(best));
    state.run(best);
    order.push_back(best);
    ready.erase(best);
    for (int32_t succ : graph.succs[best]) {
      if (state.is_ready(succ)) ready.insert(succ);
    }
  }
  return order;
}

}  // namespace

std::vector<int32_t> reverse_post_order(const OrderGraph& graph) {
  std::vector<int32_t> order = leave_order(graph.num_ops(), graph.succs, graph.preds);
  std::reverse(order.begin(), order.end());
  return order;
}

std::vector<int32_t> post_order(const OrderGraph& graph) {
  return leave_order(graph.num_ops(), graph.preds, graph.succs);
}

std::vector<int32_t> least_peak_first(const OrderGraph& graph) {
  return list_order(graph, [](const OrderState& state, int64_t peak, int32_t op) {
    return std::tuple(std::max(peak, state.running_bytes(op)), state.growth_bytes(op), op);
  });
}

std::vector<int32_t> bytes_freed_first(const OrderGraph& graph) {
  return list_order(graph, [](const OrderState& state, int64_t, int32_t op) {
    return std::pair(state.growth_bytes(op), op);
  });
}

std::span<const OrderPeer> order_peers() {
  static constexpr OrderPeer kPeers[] = {{"rpo", reverse_post_order},
                                         {"post-order", post_order},
                                         {"lpmf", least_peak_first},
                                         {"freed", bytes_freed_first}};
  return kPeers;
}

}  // namespace memopt::peers
