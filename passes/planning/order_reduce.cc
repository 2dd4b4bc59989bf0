#include "passes/planning/order_reduce.h"

#include <algorithm>
#include <numeric>

namespace memopt::ordering {
namespace {

bool contains(std::span<const int32_t> sorted, int32_t item) {
  return std::binary_search(sorted.begin(), sorted.end(), item);
}

// What is known of an operator `op` whatever has run before it, given that the operators in
// `earlier` (sorted) have: bounds that need no search for ancestors.
class Worst {
 public:
  Worst(const OrderGraph& graph, int32_t op, std::span<const int32_t> earlier)
      : graph_(graph), op_(op), earlier_(earlier) {}

  // At most this many bytes more are live while it runs than before it.
  int64_t most_added() const {
    int64_t bytes = graph_.scratch_bytes[op_];
    for (int32_t storage : graph_.touches[op_]) {
      if (may_allocate(storage)) bytes += graph_.storage_bytes[storage];
    }
    // Of the candidates whose input dies for certain, those without rivals save whenever their
    // output is allocated; of the others, at least the largest does.
    int64_t largest = 0;
    const std::span<const InPlacePair> pairs = graph_.in_place[op_];
    for (const InPlacePair& pair : pairs) {
      if (!must_free(pair.input) || (pair.output >= 0 && !may_allocate(pair.output))) continue;
      const bool has_rival = std::any_of(pairs.begin(), pairs.end(), [&](const InPlacePair& other) {
        return &other != &pair && (other.output == pair.output || other.input == pair.input);
      });
      if (!has_rival) {
        bytes -= pair.saving;
      } else if (must_allocate(pair.output)) {
        largest = std::max(largest, pair.saving);
      }
    }
    return bytes - largest;
  }

  int64_t most_growth() const {
    int64_t bytes = 0;
    for (int32_t storage : graph_.touches[op_]) {
      if (may_allocate(storage)) bytes += graph_.storage_bytes[storage];
      if (must_free(storage)) bytes -= graph_.storage_bytes[storage];
    }
    return bytes;
  }

  // At least this many bytes more are live while it runs than after it.
  int64_t least_drop() const {
    int64_t bytes = graph_.scratch_bytes[op_];
    for (int32_t storage : graph_.touches[op_]) {
      if (must_free(storage)) bytes += graph_.storage_bytes[storage];
    }
    // A candidate saves no more than what its input frees, so one whose input dies only sometimes
    // never lowers the drop; the others save at most this.
    for (const InPlacePair& pair : graph_.in_place[op_]) {
      if (must_free(pair.input)) bytes -= pair.saving;
    }
    return bytes;
  }

 private:
  bool may_allocate(int32_t storage) const {
    if (graph_.live_at_start[storage]) return false;
    const std::span<const int32_t> touchers = graph_.touchers[storage];
    if (touchers.size() < earlier_.size()) {
      return std::none_of(touchers.begin(), touchers.end(),
                          [&](int32_t other) { return contains(earlier_, other); });
    }
    return std::none_of(earlier_.begin(), earlier_.end(),
                        [&](int32_t other) { return contains(graph_.touches[other], storage); });
  }
  bool must_allocate(int32_t storage) const {
    if (storage < 0) return true;
    return !graph_.live_at_start[storage] && graph_.touchers[storage].front() == op_ &&
           all_others(storage, graph_.succs[op_]);
  }
  bool must_free(int32_t storage) const {
    if (storage < 0) return true;
    return !graph_.live_at_end[storage] && all_others(storage, earlier_);
  }
  bool all_others(int32_t storage, std::span<const int32_t> sorted) const {
    const std::span<const int32_t> touchers = graph_.touchers[storage];
    return std::all_of(touchers.begin(), touchers.end(),
                       [&](int32_t other) { return other == op_ || contains(sorted, other); });
  }

  const OrderGraph& graph_;
  const int32_t op_;
  const std::span<const int32_t> earlier_;
};

// Whether v may run right after u in some optimal order, at no more bytes than u needs.
bool follows(const OrderGraph& graph, int32_t u, int32_t v) {
  std::vector<int32_t> earlier(graph.preds[u].begin(), graph.preds[u].end());
  for (int32_t pred : graph.preds[v]) {
    if (pred != u && !contains(graph.preds[u], pred)) return false;
  }
  const int64_t drop = Worst(graph, u, earlier).least_drop();
  earlier.push_back(u);  // u > all its preds
  const Worst worst(graph, v, earlier);
  return worst.most_growth() <= 0 && worst.most_added() <= drop;
}

// Names for storages that are inside an operator: negative, and distinct within the operator.
class VirtualIds {
 public:
  int32_t fresh() { return --last_; }
  int32_t of(int32_t storage, const std::vector<int32_t>& new_storage) {
    if (storage >= 0 && new_storage[storage] >= 0) return new_storage[storage];
    for (const auto& [old_id, id] : known_) {
      if (old_id == storage) return id;
    }
    known_.emplace_back(storage, fresh());
    return last_;
  }

 private:
  int32_t last_ = 0;
  std::vector<std::pair<int32_t, int32_t>> known_;
};

// Merges v into u for every pair with partner[u] == v, partner[v] == u, u < v; others stand alone.
ReducedGraph merge_pairs(const OrderGraph& graph, const std::vector<int32_t>& partner) {
  ReducedGraph result;
  OrderGraph& merged = result.graph;
  merged.outside_bytes = graph.outside_bytes;
  merged.filling_bytes = graph.filling_bytes;
  std::vector<int32_t> new_op(graph.num_ops());
  int32_t count = 0;
  for (int32_t op = 0; op < graph.num_ops(); ++op) {
    const bool is_second = partner[op] != kNoOp && partner[op] < op;
    new_op[op] = is_second ? new_op[partner[op]] : count++;
  }
  // Storages that only one merged operator touches vanish into its scratch.
  std::vector<int32_t> new_storage(graph.num_storages(), -1);
  for (int32_t storage = 0; storage < graph.num_storages(); ++storage) {
    const std::span<const int32_t> touchers = graph.touchers[storage];
    const bool inside = !graph.live_at_start[storage] && !graph.live_at_end[storage] &&
                        !touchers.empty() && touchers.size() <= 2 &&
                        partner[touchers[0]] != kNoOp &&
                        (touchers.size() == 1 || partner[touchers[0]] == touchers[1]);
    if (inside) continue;
    new_storage[storage] = merged.num_storages();
    merged.storage_bytes.push_back(graph.storage_bytes[storage]);
    merged.live_at_start.push_back(graph.live_at_start[storage]);
    merged.live_at_end.push_back(graph.live_at_end[storage]);
  }
  for (int32_t u = 0; u < graph.num_ops(); ++u) {
    const int32_t v = partner[u];
    if (v != kNoOp && v < u) continue;
    std::vector<int32_t> touches, preds;
    auto add = [&](int32_t op) {
      result.members.items.push_back(op);
      for (int32_t storage : graph.touches[op]) {
        if (new_storage[storage] >= 0) touches.push_back(new_storage[storage]);
      }
      for (int32_t pred : graph.preds[op]) {
        if (new_op[pred] != new_op[op]) preds.push_back(new_op[pred]);
      }
    };
    add(u);
    if (v != kNoOp) add(v);
    for (std::vector<int32_t>* row : {&touches, &preds}) {
      std::sort(row->begin(), row->end());
      row->erase(std::unique(row->begin(), row->end()), row->end());
    }
    // The pair needs what u needs: allocations of v do not count, what u leaves inside does.
    int64_t scratch = graph.scratch_bytes[u];
    for (int32_t storage : graph.touches[u]) {
      if (new_storage[storage] < 0) scratch += graph.storage_bytes[storage];
    }
    VirtualIds ids;
    for (const InPlacePair& pair : graph.in_place[u]) {
      // What v touches too does not die at u.
      const bool held = v != kNoOp && pair.input >= 0 && contains(graph.touches[v], pair.input);
      if (held) continue;
      merged.in_place.items.push_back(
          {ids.of(pair.output, new_storage), ids.of(pair.input, new_storage), pair.saving});
    }
    for (int32_t storage : v == kNoOp ? std::span<const int32_t>() : graph.touches[v]) {
      if (new_storage[storage] < 0 || contains(graph.touches[u], storage)) continue;
      merged.in_place.items.push_back(
          {new_storage[storage], ids.fresh(), graph.storage_bytes[storage]});
    }
    merged.scratch_bytes.push_back(scratch);
    merged.touches.append_row(touches);
    merged.preds.append_row(preds);
    merged.in_place.end_row();
    result.members.end_row();
  }
  merged.succs = transposed(merged.preds, merged.num_ops());
  merged.touchers = transposed(merged.touches, merged.num_storages());
  return result;
}

// Merges what `follows` allows; returns whether there was any.
bool merge_once(ReducedGraph* reduced) {
  const OrderGraph& graph = reduced->graph;
  std::vector<int32_t> partner(graph.num_ops(), kNoOp);
  bool found = false;
  for (int32_t v = 0; v < graph.num_ops(); ++v) {
    if (graph.preds[v].empty()) continue;
    const int32_t u = graph.preds[v].back();
    if (partner[u] != kNoOp || !follows(graph, u, v)) continue;
    partner[u] = v;
    partner[v] = u;
    found = true;
  }
  if (!found) return false;
  ReducedGraph next = merge_pairs(graph, partner);
  Rows<int32_t> members;
  for (int32_t op = 0; op < next.graph.num_ops(); ++op) {
    for (int32_t old_op : next.members[op]) {
      const std::span<const int32_t> row = reduced->members[old_op];
      members.items.insert(members.items.end(), row.begin(), row.end());
    }
    members.end_row();
  }
  *reduced = {std::move(next.graph), std::move(members)};
  return true;
}

ReducedGraph mirrored(const ReducedGraph& reduced) {
  ReducedGraph result = {reversed(reduced.graph), {}};
  for (int32_t op = reduced.members.size() - 1; op >= 0; --op) {
    const std::span<const int32_t> row = reduced.members[op];
    result.members.items.insert(result.members.items.end(), row.rbegin(), row.rend());
    result.members.end_row();
  }
  return result;
}

}  // namespace

ReducedGraph merge_chains(const OrderGraph& graph) {
  ReducedGraph reduced = {graph, {}};
  for (int32_t op = 0; op < graph.num_ops(); ++op) {
    reduced.members.items.push_back(op);
    reduced.members.end_row();
  }
  // Ends when a pass in either direction finds nothing.
  for (int idle = 0, passes = 0; idle < 2; ++passes) {
    idle = merge_once(&reduced) ? 0 : idle + 1;
    reduced = mirrored(reduced);
    if (idle == 2 && passes % 2 == 0) reduced = mirrored(reduced);
  }
  return reduced;
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
