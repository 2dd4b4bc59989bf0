#include "passes/planning/order_greedy.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace memopt::ordering {

std::vector<int32_t> post_order(const OrderGraph& graph, bool widest_first) {
  const int32_t num_ops = graph.num_ops();
  // The length of the longest path from a source is the cheap stand-in for "most ancestors".
  std::vector<int32_t> depth(num_ops, 0);
  for (int32_t op = 0; op < num_ops; ++op) {
    for (int32_t pred : graph.preds[op]) depth[op] = std::max(depth[op], depth[pred] + 1);
  }
  std::vector<int32_t> order;
  std::vector<uint8_t> seen(num_ops, 0);
  struct Frame {
    int32_t op;
    std::vector<int32_t> preds;  // still to visit, last first
  };
  std::vector<Frame> stack;
  auto enter = [&](int32_t op) {
    if (seen[op]) return;
    seen[op] = 1;
    std::vector<int32_t> preds(graph.preds[op].rbegin(), graph.preds[op].rend());
    if (widest_first) {
      std::stable_sort(preds.begin(), preds.end(),
                       [&](int32_t a, int32_t b) { return depth[a] < depth[b]; });
    }
    stack.push_back({op, std::move(preds)});
  };
  for (int32_t sink = 0; sink < num_ops; ++sink) {
    if (!graph.succs[sink].empty()) continue;
    enter(sink);
    while (!stack.empty()) {
      if (stack.back().preds.empty()) {
        order.push_back(stack.back().op);
        stack.pop_back();
      } else {
        const int32_t next = stack.back().preds.back();
        stack.back().preds.pop_back();
        enter(next);
      }
    }
  }
  return order;
}

std::vector<int32_t> greedy_order(const OrderGraph& graph, GreedyKey key) {
  OrderState state(graph);
  using Entry = std::tuple<int64_t, int64_t, int64_t, int32_t>;  // smallest first
  std::vector<Entry> entries(graph.num_ops());
  std::vector<int64_t> unlocked_at(graph.num_ops(), 0);
  std::set<Entry> ready;
  auto insert = [&](int32_t op) {
    const int64_t growth = state.growth_bytes(op);
    const int64_t running = state.running_bytes(op) - state.live_bytes();
    const bool by_growth = key == GreedyKey::kGrowth;
    entries[op] = {by_growth ? growth : running, by_growth ? running : growth, -unlocked_at[op],
                   op};
    ready.insert(entries[op]);
  };
  for (int32_t op = 0; op < graph.num_ops(); ++op) {
    if (state.is_ready(op)) insert(op);
  }
  std::vector<int32_t> order, changed;
  while (!ready.empty()) {
    const int32_t op = std::get<3>(*ready.begin());
    ready.erase(ready.begin());
    order.push_back(op);
    // Only operators that touch the same storages can change their key. A storage with many
    // touchers changes it only when it is allocated or about to die.
    changed.clear();
    for (int32_t storage : graph.touches[op]) {
      const uint32_t left = state.untouched(storage);
      if (left == graph.touchers[storage].size() || left <= 2) {
        for (int32_t other : graph.touchers[storage]) {
          if (other != op && state.is_ready(other)) changed.push_back(other);
        }
      }
    }
    for (int32_t other : changed) ready.erase(entries[other]);
    state.run(op);
    for (int32_t succ : graph.succs[op]) {
      unlocked_at[succ] = static_cast<int64_t>(order.size());
      if (state.is_ready(succ)) insert(succ);
    }
    for (int32_t other : changed) insert(other);
  }
  return order;
}

}  // namespace memopt::ordering
