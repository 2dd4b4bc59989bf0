#include "passes/planning/order_reduce.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace memopt::ordering {
namespace {

// Touchers of a storage that one question about it looks at; without an answer the worst is
// assumed.
constexpr int64_t kMaxLooks = 32;
// Passes alternate until two in a row find nothing: a few, but for graphs made to need many.
constexpr int64_t kMaxWorkPerItem = 256;

bool contains(std::span<const int32_t> sorted, int32_t item) {
  return std::binary_search(sorted.begin(), sorted.end(), item);
}

void sort_unique(std::vector<int32_t>* items) {
  std::sort(items->begin(), items->end());
  items->erase(std::unique(items->begin(), items->end()), items->end());
}

// Names for storages that are inside an operator: negative, and distinct within the operator.
class VirtualIds {
 public:
  explicit VirtualIds(const std::vector<int32_t>& new_storage) : new_storage_(new_storage) {}

  int32_t fresh() { return --last_; }
  int32_t of(int32_t storage) {
    if (storage >= 0 && new_storage_[storage] >= 0) return new_storage_[storage];
    const auto [known, is_new] = known_.emplace(storage, last_ - 1);
    if (is_new) --last_;
    return known->second;
  }

 private:
  const std::vector<int32_t>& new_storage_;
  int32_t last_ = 0;
  std::map<int32_t, int32_t> known_;
};

// One pass over the operators in their order. Each joins the group of the last operator that it
// waits for, where that costs nothing, or begins one of its own. A group is named by its first
// operator and stands where that one stands: it waits for nothing else.
//
// Whatever an order is, the groups that an operator waits for, and those that the last of them
// waits for, have run before it: bounds that follow from these need no search for ancestors.
class Sweep {
 public:
  Sweep(const OrderGraph& graph, int64_t max_work, StopToken stop, int64_t* work)
      : graph_(graph),
        max_work_(max_work),
        stop_(stop),
        work_(*work),
        next_(graph.num_ops(), kNoOp) {
    group_.resize(graph.num_ops());
    std::iota(group_.begin(), group_.end(), 0);
    last_ = group_;
    drop_.resize(graph.num_ops());
  }

  // Returns whether anything has merged. When the work is used up or the token stops it, nothing
  // more does.
  bool run() {
    bool found = false;
    for (int32_t op = 0; op < graph_.num_ops(); ++op) {
      find_preds(op);
      if (work_ < max_work_ && !stop_.stopped() && may_join(op)) {
        join(op);
        waits_for_.end_row();
        found = true;
      } else {
        drop_[op] = least_drop(op, {preds_});
        waits_for_.append_row(preds_);
      }
    }
    return found;
  }

  // The problem of ordering the groups. `members` are the operators of `graph`.
  ReducedGraph groups() const {
    ReducedGraph result;
    result.graph.outside_bytes = graph_.outside_bytes;
    result.graph.filling_bytes = graph_.filling_bytes;
    const std::vector<int32_t> new_storage = keep_storages(&result.graph);
    std::vector<int32_t> new_op(graph_.num_ops(), kNoOp);
    for (int32_t op = 0; op < graph_.num_ops(); ++op) {
      if (group_[op] != op) continue;
      new_op[op] = result.members.size();
      add_group(op, new_op, new_storage, &result);
    }
    result.graph.succs = transposed(result.graph.preds, result.graph.num_ops());
    result.graph.touchers = transposed(result.graph.touches, result.graph.num_storages());
    return result;
  }

 private:
  // Groups that have run before an operator begins.
  struct Earlier {
    std::span<const int32_t> groups;  // ascending
    int32_t last = kNoOp;             // and this one
    bool has(int32_t group) const { return group == last || contains(groups, group); }
  };

  // preds_: the groups that `op` waits for.
  void find_preds(int32_t op) {
    preds_.clear();
    for (const int32_t pred : graph_.preds[op]) preds_.push_back(group_[pred]);
    sort_unique(&preds_);
    work_ += 1 + std::ssize(graph_.preds[op]) + std::ssize(graph_.touches[op]) +
             std::ssize(graph_.in_place[op]);
  }

  Earlier earlier_than(int32_t group) const { return {waits_for_[group], group}; }

  // Whether `op` may run right after the group of its last predecessor in some optimal order, at no
  // more bytes than that needs.
  bool may_join(int32_t op) {
    if (preds_.empty()) return false;
    const int32_t group = preds_.back();
    const Earlier earlier = earlier_than(group);
    for (const int32_t pred : preds_) {
      ++work_;
      if (!earlier.has(pred)) return false;
    }
    return most_growth(op, earlier) <= 0 && most_added(op, earlier) <= drop_[group];
  }

  void join(int32_t op) {
    const int32_t group = preds_.back();
    const Earlier earlier = earlier_than(group);
    next_[last_[group]] = op;
    last_[group] = op;
    for (const int32_t storage : graph_.touches[op]) {
      const bool before = touches_before(storage, op, [&](int32_t g) { return g == group; });
      group_[op] = group;
      const int64_t bytes = graph_.storage_bytes[storage];
      if (graph_.touchers[storage].back() == op && is_inside(storage)) {
        if (before) drop_[group] += bytes;  // with the scratch
      } else {
        if (!before) drop_[group] -= bytes;  // saves its own bytes: see add_group
        if (must_free(storage, op, earlier)) drop_[group] += bytes;
      }
      group_[op] = op;
    }
    group_[op] = group;
  }

  // At most this many bytes more are live while `op` runs than before it.
  int64_t most_added(int32_t op, const Earlier& earlier) {
    int64_t bytes = graph_.scratch_bytes[op];
    for (const int32_t storage : graph_.touches[op]) {
      if (may_allocate(storage, op, earlier)) bytes += graph_.storage_bytes[storage];
    }
    // Of the candidates whose input dies for certain, those without rivals save whenever their
    // output is allocated; of the others, at least the largest does.
    const std::span<const InPlacePair> pairs = graph_.in_place[op];
    outputs_.clear();
    inputs_.clear();
    for (const InPlacePair& pair : pairs) {
      outputs_.push_back(pair.output);
      inputs_.push_back(pair.input);
    }
    std::sort(outputs_.begin(), outputs_.end());
    std::sort(inputs_.begin(), inputs_.end());
    const auto is_repeated = [](const std::vector<int32_t>& sorted, int32_t item) {
      const auto at = std::lower_bound(sorted.begin(), sorted.end(), item);
      return at + 1 != sorted.end() && at[1] == item;
    };
    int64_t largest = 0;
    for (const InPlacePair& pair : pairs) {
      if (!must_free(pair.input, op, earlier)) continue;
      if (pair.output >= 0 && !may_allocate(pair.output, op, earlier)) continue;
      if (!is_repeated(outputs_, pair.output) && !is_repeated(inputs_, pair.input)) {
        bytes -= pair.saving;
      } else if (pair.saving > largest && must_allocate(pair.output, op)) {
        largest = pair.saving;
      }
    }
    return bytes - largest;
  }

  // At most this many bytes more are live after it than before it.
  int64_t most_growth(int32_t op, const Earlier& earlier) {
    int64_t bytes = 0;
    for (const int32_t storage : graph_.touches[op]) {
      if (may_allocate(storage, op, earlier)) bytes += graph_.storage_bytes[storage];
      if (must_free(storage, op, earlier)) bytes -= graph_.storage_bytes[storage];
    }
    return bytes;
  }

  // At least this many bytes more are live while it runs than after it.
  int64_t least_drop(int32_t op, const Earlier& earlier) {
    int64_t bytes = graph_.scratch_bytes[op];
    for (const int32_t storage : graph_.touches[op]) {
      if (must_free(storage, op, earlier)) bytes += graph_.storage_bytes[storage];
    }
    // A candidate saves no more than what its input frees, so one whose input dies only sometimes
    // never lowers the drop; the others save at most this.
    for (const InPlacePair& pair : graph_.in_place[op]) {
      if (must_free(pair.input, op, earlier)) bytes -= pair.saving;
    }
    return bytes;
  }

  bool may_allocate(int32_t storage, int32_t op, const Earlier& earlier) {
    return !graph_.live_at_start[storage] &&
           !touches_before(storage, op, [&](int32_t group) { return earlier.has(group); });
  }

  // One of certain groups certainly touches the storage before `op` does. Looks at the first one
  // that does, which most often makes it, and at the last ones.
  template <typename Predicate>
  bool touches_before(int32_t storage, int32_t op, Predicate is_one) {
    const std::span<const int32_t> touchers = graph_.touchers[storage];
    const auto end = std::lower_bound(touchers.begin(), touchers.end(), op);
    const auto begin = end - std::min(kMaxLooks, end - touchers.begin());
    ++work_;
    if (end != touchers.begin() && is_one(group_[touchers.front()])) return true;
    for (auto it = end; it != begin; ++work_) {
      if (is_one(group_[*--it])) return true;
    }
    return false;
  }

  bool must_free(int32_t storage, int32_t op, const Earlier& earlier) {
    if (storage < 0) return true;
    const std::span<const int32_t> touchers = graph_.touchers[storage];
    if (graph_.live_at_end[storage] || touchers.back() != op) return false;
    work_ += std::ssize(touchers);
    return std::all_of(touchers.begin(), touchers.end() - 1,
                       [&](int32_t other) { return earlier.has(group_[other]); });
  }

  bool must_allocate(int32_t storage, int32_t op) {
    if (storage < 0) return true;
    const std::span<const int32_t> touchers = graph_.touchers[storage];
    if (graph_.live_at_start[storage] || touchers.front() != op) return false;
    work_ += std::ssize(touchers);
    return std::all_of(touchers.begin() + 1, touchers.end(),
                       [&](int32_t other) { return contains(graph_.succs[op], other); });
  }

  // Only one group of several operators touches the storage: it vanishes into what that needs.
  bool is_inside(int32_t storage) const {
    const std::span<const int32_t> touchers = graph_.touchers[storage];
    if (graph_.live_at_start[storage] || graph_.live_at_end[storage] || touchers.empty()) {
      return false;
    }
    const int32_t group = group_[touchers.front()];
    return next_[group] != kNoOp && std::all_of(touchers.begin(), touchers.end(),
                                                [&](int32_t op) { return group_[op] == group; });
  }

  std::vector<int32_t> keep_storages(OrderGraph* merged) const {
    std::vector<int32_t> new_storage(graph_.num_storages(), -1);
    for (int32_t storage = 0; storage < graph_.num_storages(); ++storage) {
      if (is_inside(storage)) continue;
      new_storage[storage] = merged->num_storages();
      merged->storage_bytes.push_back(graph_.storage_bytes[storage]);
      merged->live_at_start.push_back(graph_.live_at_start[storage]);
      merged->live_at_end.push_back(graph_.live_at_end[storage]);
    }
    return new_storage;
  }

  // The group needs what its first operator needs: allocations of the others do not count, what the
  // first leaves inside does.
  void add_group(int32_t first, const std::vector<int32_t>& new_op,
                 const std::vector<int32_t>& new_storage, ReducedGraph* result) const {
    OrderGraph& merged = result->graph;
    const std::span<const int32_t> touches_of_first = graph_.touches[first];
    std::vector<int32_t> touches, later_touches;
    int64_t scratch = graph_.scratch_bytes[first];
    for (const int32_t storage : touches_of_first) {
      if (new_storage[storage] < 0) {
        scratch += graph_.storage_bytes[storage];
      } else {
        touches.push_back(new_storage[storage]);
      }
    }
    result->members.items.push_back(first);
    for (int32_t op = next_[first]; op != kNoOp; op = next_[op]) {
      result->members.items.push_back(op);
      const std::span<const int32_t> row = graph_.touches[op];
      later_touches.insert(later_touches.end(), row.begin(), row.end());
    }
    result->members.end_row();
    sort_unique(&later_touches);
    VirtualIds ids(new_storage);
    for (const InPlacePair& pair : graph_.in_place[first]) {
      // What another one touches too does not die at the first.
      if (pair.input >= 0 && contains(later_touches, pair.input)) continue;
      merged.in_place.items.push_back({ids.of(pair.output), ids.of(pair.input), pair.saving});
    }
    for (const int32_t storage : later_touches) {
      const int32_t id = new_storage[storage];
      if (id < 0 || contains(touches_of_first, storage)) continue;
      touches.push_back(id);
      merged.in_place.items.push_back({id, ids.fresh(), graph_.storage_bytes[storage]});
    }
    sort_unique(&touches);
    merged.in_place.end_row();
    merged.touches.append_row(touches);
    merged.scratch_bytes.push_back(scratch);
    for (const int32_t group : waits_for_[first]) merged.preds.items.push_back(new_op[group]);
    merged.preds.end_row();
  }

  const OrderGraph& graph_;
  const int64_t max_work_;
  const StopToken stop_;
  int64_t& work_;
  std::vector<int32_t> group_;        // of every operator; its own where it is the first
  std::vector<int64_t> drop_;         // per group: least_drop of what it is so far
  std::vector<int32_t> next_, last_;  // in the group; of the group
  Rows<int32_t> waits_for_;           // per group so far: groups
  std::vector<int32_t> preds_, outputs_, inputs_;
};

ReducedGraph mirrored(const ReducedGraph& reduced) {
  ReducedGraph result = {reversed(reduced.graph), {}};
  for (int32_t op = reduced.members.size() - 1; op >= 0; --op) {
    const std::span<const int32_t> row = reduced.members[op];
    result.members.items.insert(result.members.items.end(), row.rbegin(), row.rend());
    result.members.end_row();
  }
  return result;
}

// The groups of `sweep`, which went over `reduced`.
ReducedGraph merged(const ReducedGraph& reduced, const Sweep& sweep) {
  ReducedGraph result = sweep.groups();
  Rows<int32_t> members;
  for (int32_t op = 0; op < result.graph.num_ops(); ++op) {
    for (const int32_t old_op : result.members[op]) {
      const std::span<const int32_t> row = reduced.members[old_op];
      members.items.insert(members.items.end(), row.begin(), row.end());
    }
    members.end_row();
  }
  result.members = std::move(members);
  return result;
}

}  // namespace

ReducedGraph merge_chains(const OrderGraph& graph, StopToken stop, int64_t* work) {
  ReducedGraph reduced = {graph, {}};
  for (int32_t op = 0; op < graph.num_ops(); ++op) {
    reduced.members.items.push_back(op);
    reduced.members.end_row();
  }
  const int64_t items = graph.num_ops() + std::ssize(graph.preds.items) +
                        std::ssize(graph.touches.items) + std::ssize(graph.in_place.items);
  const int64_t max_work = *work + kMaxWorkPerItem * items;
  bool is_mirrored = false;
  for (int idle = 0; idle < 2 && *work < max_work && !stop.stopped();) {
    Sweep sweep(reduced.graph, max_work, stop, work);
    idle = sweep.run() ? 0 : idle + 1;
    if (idle == 0) reduced = merged(reduced, sweep);
    reduced = mirrored(reduced);
    is_mirrored = !is_mirrored;
  }
  return is_mirrored ? mirrored(reduced) : reduced;
}

std::vector<int32_t> expand_order(const ReducedGraph& reduced, std::span<const int32_t> order) {
  std::vector<int32_t> result;
  for (int32_t op : order) {
    const std::span<const int32_t> row = reduced.members[op];
    result.insert(result.end(), row.begin(), row.end());
  }
  return result;
}

std::vector<int32_t> block_ends(const OrderGraph& graph) {
  const int32_t num_ops = graph.num_ops();
  // Whether an operator is the only one without a successor among 0 … itself, or the only one
  // without a predecessor among itself … n-1.
  std::vector<uint8_t> last_of_prefix(num_ops), first_of_suffix(num_ops);
  int32_t loose = 0;
  for (int32_t op = 0; op < num_ops; ++op) {
    ++loose;
    for (int32_t pred : graph.preds[op]) loose -= graph.succs[pred].front() == op;
    last_of_prefix[op] = loose == 1;
  }
  loose = 0;
  for (int32_t op = num_ops - 1; op >= 0; --op) {
    ++loose;
    for (int32_t succ : graph.succs[op]) loose -= graph.preds[succ].back() == op;
    first_of_suffix[op] = loose == 1;
  }
  std::vector<int32_t> ends;
  for (int32_t op = 0; op < num_ops; ++op) {
    if ((last_of_prefix[op] && first_of_suffix[op]) || op == num_ops - 1) ends.push_back(op + 1);
  }
  return ends;
}

}  // namespace memopt::ordering
