#include "passes/planning/order_window.h"

#include <algorithm>
#include <queue>

#include "passes/planning/order_search.h"

namespace memopt::ordering {
namespace {

constexpr int32_t kFirstWindow = 32;
constexpr int32_t kLastWindow = 512;
constexpr int64_t kWorkPerOp = 4000;  // of a window

class Improver {
 public:
  Improver(const OrderGraph& graph, const WindowLimits& limits, std::vector<int32_t>* order)
      : graph_(graph),
        limits_(limits),
        left_(limits.max_work),
        order_(*order),
        position_(inverse_of(*order)),
        before_(order->size()),
        running_(order->size()) {
    OrderState state(graph);
    for (size_t i = 0; i < order_.size(); ++i) {
      before_[i] = state.live_bytes();
      running_[i] = state.running_bytes(order_[i]);
      state.run(order_[i]);
      highest_.emplace(running_[i], -static_cast<int32_t>(i));
    }
  }

  void run() {
    while (left_ > 0 && !limits_.stop.stopped() && !highest_.empty()) {
      const auto [bytes, negative_step] = highest_.top();
      const int32_t step = -negative_step;
      if (running_[step] != bytes) {  // the window around it was improved since
        highest_.pop();
        continue;
      }
      if (bytes <= limits_.floor_bytes || !improve_at(step)) return;
    }
  }

  int64_t left() const { return left_; }

 private:
  // The window reaches further back, further forward, or equally far.
  bool improve_at(int32_t step) {
    const auto size = static_cast<int32_t>(order_.size());
    for (int32_t length = kFirstWindow; length <= kLastWindow; length *= 2) {
      for (int32_t quarters : {2, 3, 1}) {
        const int32_t begin = std::max(0, step - length * quarters / 4);
        const int32_t end = std::min(size, begin + length);
        if (improve(begin, end, running_[step])) return true;
        if (left_ <= 0 || end - begin == size) return false;
      }
    }
    return false;
  }

  bool improve(int32_t begin, int32_t end, int64_t below) {
    const OrderGraph part = extract_ops(graph_, order_, position_, begin, end, before_[begin]);
    const int64_t work = std::min(left_, kWorkPerOp * (end - begin));
    SearchResult found = search_order(part, {limits_.floor_bytes, below, work, limits_.stop});
    left_ -= found.work + (end - begin) + std::ssize(part.touches.items);
    if (!found.finished) {
      found =
          beam_search(part, {limits_.floor_bytes, below, left_, limits_.stop}, limits_.beam_width);
      left_ -= found.work;
    }
    if (found.order.empty()) return false;
    OrderState state(part);
    std::vector<int32_t> ops;
    for (size_t i = 0; i < found.order.size(); ++i) {
      before_[begin + i] = state.live_bytes();
      running_[begin + i] = state.running_bytes(found.order[i]);
      state.run(found.order[i]);
      highest_.emplace(running_[begin + i], -(begin + static_cast<int32_t>(i)));
      ops.push_back(order_[begin + found.order[i]]);
    }
    for (size_t i = 0; i < ops.size(); ++i) {
      order_[begin + i] = ops[i];
      position_[ops[i]] = begin + static_cast<int32_t>(i);
    }
    return true;
  }

  const OrderGraph& graph_;
  const WindowLimits limits_;
  int64_t left_;
  std::vector<int32_t>& order_;
  std::vector<int32_t> position_;
  std::vector<int64_t> before_, running_;                     // per step
  std::priority_queue<std::pair<int64_t, int32_t>> highest_;  // (running, -step), some outdated
};

}  // namespace

int64_t improve_windows(const OrderGraph& graph, const WindowLimits& limits,
                        std::vector<int32_t>* order) {
  Improver improver(graph, limits, order);
  improver.run();
  return limits.max_work - improver.left();
}

}  // namespace memopt::ordering
