#include "passes/planning/order_bound.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace memopt::ordering {
namespace {

// Operators beyond these get a weaker bound, so that the network stays linear in the graph.
constexpr size_t kMaxCandidates = 4;
constexpr size_t kMaxTouchers = 64;
// A step that only walks along the graph is a part of a unit of work.
constexpr int64_t kStepsPerWork = 64;
constexpr size_t kMaxLooks = 16;  // neighbors searched for a way to do without an arc
constexpr int64_t kInfinite = std::numeric_limits<int64_t>::max() / 4;

// Maximum flow by Dinic's algorithm, on a network whose capacities are set anew for every problem.
class FlowNetwork {
 public:
  FlowNetwork(int32_t nodes, StopToken stop) : first_(nodes, -1), stop_(stop) {}

  int32_t add_node() {
    first_.push_back(-1);
    return static_cast<int32_t>(first_.size()) - 1;
  }

  // Returns the arc; its reverse has capacity 0 and the next number.
  int32_t add_arc(int32_t from, int32_t to, int64_t capacity) {
    for (const auto& [a, b, c] : {Arc{from, to, capacity}, Arc{to, from, 0}}) {
      to_.push_back(b);
      next_.push_back(first_[a]);
      capacity_.push_back(c);
      residual_.push_back(c);
      first_[a] = static_cast<int32_t>(to_.size()) - 1;
    }
    return static_cast<int32_t>(to_.size()) - 2;
  }
  void set_capacity(int32_t arc, int64_t capacity) {
    capacity_[arc] = residual_[arc] = capacity;
    residual_[arc ^ 1] = capacity_[arc ^ 1];
  }

  // The maximum flow, or less when `work` (arcs scanned, added up) passes `max_work`, or when
  // stopped.
  int64_t max_flow(int32_t source, int32_t sink, int64_t max_work, int64_t* work) {
    int64_t flow = 0;
    while (*work < max_work && !stop_.stopped() && find_levels(source, sink, work)) {
      cursor_ = first_;
      while (*work < max_work && !stop_.stopped()) {
        const int64_t pushed = push_path(source, sink, work);
        if (pushed == 0) break;
        flow += pushed;
      }
    }
    for (const int32_t arc : changed_) set_capacity(arc, capacity_[arc]);
    changed_.clear();
    return flow;
  }

 private:
  struct Arc {
    int32_t from, to;
    int64_t capacity;
  };

  bool find_levels(int32_t source, int32_t sink, int64_t* work) {
    level_.assign(first_.size(), -1);
    queue_.assign(1, source);
    level_[source] = 0;
    for (size_t head = 0; head < queue_.size() && level_[sink] < 0; ++head) {
      for (int32_t arc = first_[queue_[head]]; arc >= 0; arc = next_[arc]) {
        ++*work;
        if (residual_[arc] == 0 || level_[to_[arc]] >= 0) continue;
        level_[to_[arc]] = level_[queue_[head]] + 1;
        queue_.push_back(to_[arc]);
      }
    }
    return level_[sink] >= 0;
  }

  // Pushes along one shortest path, advancing the cursors past arcs that lead nowhere.
  int64_t push_path(int32_t source, int32_t sink, int64_t* work) {
    path_.clear();
    int32_t node = source;
    while (node != sink) {
      int32_t& arc = cursor_[node];
      while (arc >= 0 && (residual_[arc] == 0 || level_[to_[arc]] != level_[node] + 1)) {
        arc = next_[arc];
        ++*work;
      }
      if (arc >= 0) {
        path_.push_back(arc);
        node = to_[arc];
      } else if (path_.empty()) {
        return 0;
      } else {
        level_[node] = -1;  // a dead end
        node = to_[path_.back() ^ 1];
        path_.pop_back();
      }
    }
    int64_t flow = kInfinite;
    for (int32_t arc : path_) flow = std::min(flow, residual_[arc]);
    for (int32_t arc : path_) {
      residual_[arc] -= flow;
      residual_[arc ^ 1] += flow;
      changed_.push_back(arc);
    }
    return flow;
  }

  std::vector<int32_t> first_, to_, next_;
  std::vector<int64_t> capacity_, residual_;  // the same between two flows
  std::vector<int32_t> changed_;              // arcs of the paths of a flow
  std::vector<int32_t> level_, queue_, cursor_, path_;
  StopToken stop_;
};

// The cut network of a graph. Being on the source side means: an operator is done, a storage's
// `allocated` node: it has been touched; its `dead` node: all its touchers are done. A storage that
// is allocated and not dead is cut, at its size.
class CutNetwork {
 public:
  CutNetwork(const OrderGraph& graph, StopToken stop)
      : graph_(graph),
        source_(graph.num_ops() + 2 * graph.num_storages()),
        sink_(source_ + 1),
        network_(sink_ + 1, stop),
        side_(graph.num_ops(), kFree) {
    for (int32_t op = 0; op < graph.num_ops(); ++op) {
      source_arc_.push_back(network_.add_arc(source_, op, 0));
      sink_arc_.push_back(network_.add_arc(op, sink_, 0));
      for (int32_t pred : graph.preds[op]) network_.add_arc(op, pred, kInfinite);
    }
    for (int32_t storage = 0; storage < graph.num_storages(); ++storage) add_storage(storage);
    for (int32_t op = 0; op < graph.num_ops(); ++op) add_candidates(op);
  }

  // The fewest bytes live while `op` runs, in any order.
  int64_t min_running_bytes(int32_t op, int64_t max_work, int64_t* work) {
    *work += mark(op, graph_.preds, source_arc_, kDone) / kStepsPerWork;
    *work += mark(op, graph_.succs, sink_arc_, kLater) / kStepsPerWork;
    // On which side `op` is does not matter: what it touches is counted here, and costs nothing
    // there.
    int64_t bytes = graph_.outside_bytes + graph_.scratch_bytes[op];
    for (int32_t storage : graph_.touches[op]) {
      bytes += graph_.storage_bytes[storage];
      network_.set_capacity(live_arc_[storage], 0);
    }
    int64_t least = kInfinite;
    if (held_arcs_[op].empty()) {
      // No candidate, or too many to try: assume that all save.
      for (const InPlacePair& pair : graph_.in_place[op]) bytes -= pair.saving;
      least = network_.max_flow(source_, sink_, max_work, work);
    } else {
      // At most one can be taken: the fewest bytes with any of them, paying for it if held.
      for (size_t i = 0; i < held_arcs_[op].size(); ++i) {
        const int64_t saving = graph_.in_place[op][i].saving;
        network_.set_capacity(held_arcs_[op][i], saving);
        const int64_t flow = network_.max_flow(source_, sink_, max_work, work);
        network_.set_capacity(held_arcs_[op][i], 0);
        least = std::min(least, flow - saving);
      }
    }
    for (int32_t storage : graph_.touches[op]) {
      network_.set_capacity(live_arc_[storage], graph_.storage_bytes[storage]);
    }
    for (int32_t other : marked_) {
      network_.set_capacity(source_arc_[other], 0);
      network_.set_capacity(sink_arc_[other], 0);
      side_[other] = kFree;
    }
    marked_.clear();
    return bytes + least;
  }

 private:
  enum Side : uint8_t { kFree, kDone, kLater };

  void add_storage(int32_t storage) {
    const int32_t allocated = graph_.num_ops() + 2 * storage, dead = allocated + 1;
    live_arc_.push_back(network_.add_arc(graph_.live_at_start[storage] ? source_ : allocated, dead,
                                         graph_.storage_bytes[storage]));
    if (graph_.live_at_end[storage]) network_.add_arc(dead, sink_, kInfinite);
    const std::span<const int32_t> touchers = graph_.touchers[storage];
    // Precedence implies the arcs left out: most often by the first or the last that touches it.
    const auto any_touches = [&](std::span<const int32_t> ops, int32_t likely) {
      if (std::binary_search(ops.begin(), ops.end(), likely)) return true;
      const std::span<const int32_t> some = ops.first(std::min(ops.size(), kMaxLooks));
      return std::any_of(some.begin(), some.end(), [&](int32_t op) {
        const std::span<const int32_t> row = graph_.touches[op];
        return std::binary_search(row.begin(), row.end(), storage);
      });
    };
    for (int32_t op : touchers) {
      if (!any_touches(graph_.preds[op], touchers.front())) {
        network_.add_arc(op, allocated, kInfinite);
      }
      if (!any_touches(graph_.succs[op], touchers.back())) network_.add_arc(dead, op, kInfinite);
    }
  }

  // A node per candidate of `op` that is on the source side only if all others that touch the input
  // are done: only then does the input die here.
  void add_candidates(int32_t op) {
    held_arcs_.emplace_back();
    const std::span<const InPlacePair> pairs = graph_.in_place[op];
    const bool one_output = std::all_of(pairs.begin(), pairs.end(), [&](const InPlacePair& pair) {
      return pair.output == pairs[0].output;
    });
    if (!one_output || pairs.size() > kMaxCandidates) return;
    for (const InPlacePair& pair : pairs) {
      if (graph_.touchers[pair.input].size() > kMaxTouchers) {
        held_arcs_.back().clear();
        return;
      }
      const int32_t node = network_.add_node();
      held_arcs_.back().push_back(network_.add_arc(source_, node, 0));
      if (graph_.live_at_end[pair.input]) network_.add_arc(node, sink_, kInfinite);
      for (int32_t other : graph_.touchers[pair.input]) network_.add_arc(node, other, kInfinite);
    }
  }

  // Fixes everything that `rows` leads to from `op` on one side. Returns the steps that it took.
  int64_t mark(int32_t op, const Rows<int32_t>& rows, const std::vector<int32_t>& arcs, Side side) {
    const size_t start = marked_.size();
    int64_t steps = 0;
    auto add = [&](int32_t from) {
      steps += std::ssize(rows[from]);
      for (int32_t other : rows[from]) {
        if (side_[other] != kFree) continue;
        side_[other] = side;
        marked_.push_back(other);
        network_.set_capacity(arcs[other], kInfinite);
      }
    };
    add(op);
    for (size_t i = start; i < marked_.size(); ++i) add(marked_[i]);
    return steps;
  }

  const OrderGraph& graph_;
  const int32_t source_, sink_;
  FlowNetwork network_;
  std::vector<int32_t> source_arc_, sink_arc_;   // per operator
  std::vector<int32_t> live_arc_;                // per storage
  std::vector<std::vector<int32_t>> held_arcs_;  // per operator and candidate, or none
  std::vector<Side> side_;
  std::vector<int32_t> marked_;
};

}  // namespace

int64_t working_set_bound(const OrderGraph& graph) {
  int64_t bound = edge_bytes(graph);
  for (int32_t op = 0; op < graph.num_ops(); ++op) {
    int64_t bytes = graph.outside_bytes + graph.scratch_bytes[op];
    for (int32_t storage : graph.touches[op]) bytes += graph.storage_bytes[storage];
    for (const InPlacePair& pair : graph.in_place[op]) bytes -= pair.saving;
    bound = std::max(bound, bytes);
  }
  return bound;
}

CutBound min_cut_bound(const OrderGraph& graph, std::span<const int32_t> order, int64_t max_work,
                       StopToken stop) {
  std::vector<int64_t> running(graph.num_ops());
  OrderState state(graph);
  for (int32_t op : order) {
    running[op] = state.running_bytes(op);
    state.run(op);
  }
  std::vector<int32_t> ops(graph.num_ops());
  std::iota(ops.begin(), ops.end(), 0);
  std::stable_sort(ops.begin(), ops.end(),
                   [&](int32_t a, int32_t b) { return running[a] > running[b]; });
  CutNetwork network(graph, stop);
  CutBound bound = {working_set_bound(graph), 0};
  for (int32_t op : ops) {
    if (running[op] <= bound.bytes || bound.work >= max_work || stop.stopped()) break;
    bound.bytes = std::max(bound.bytes, network.min_running_bytes(op, max_work, &bound.work));
  }
  return bound;
}

}  // namespace memopt::ordering
