#include "passes/planning/order_graph.h"

#include <llvm/ADT/SmallVector.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "runtime/base/checked.h"

namespace memopt::ordering {
namespace {

std::string id_text(const char* what, int64_t id) { return what + (" " + std::to_string(id)); }

// Sums everything that could ever be live together, so that no later sum overflows.
Status check_bytes(const OrderProblem& problem) {
  std::optional<int64_t> total = 0;
  auto add = [&](const char* what, size_t id, int64_t bytes) -> Status {
    if (bytes < 0) {
      return bad_input(id_text(what, id) + ": negative size " + std::to_string(bytes));
    }
    // Twice, because a running operator is live bytes plus growth.
    total = total ? checked_add(*total, bytes) : total;
    total = total ? checked_add(*total, bytes) : total;
    return total ? Status() : bad_input("the sizes add up to more than 64 bits hold");
  };
  for (size_t i = 0; i < problem.scratch_bytes.size(); ++i) {
    MEMOPT_RETURN_IF_ERROR(add("scratch of operator", i, problem.scratch_bytes[i]));
  }
  for (size_t i = 0; i < problem.storages.size(); ++i) {
    MEMOPT_RETURN_IF_ERROR(add("storage", i, problem.storages[i].bytes));
  }
  return {};
}

bool in_range(int32_t id, size_t size) { return id >= 0 && static_cast<size_t>(id) < size; }

Status check_ids(const OrderProblem& problem) {
  const size_t num_ops = problem.scratch_bytes.size();
  constexpr size_t kMaxIds = std::numeric_limits<int32_t>::max() / 2;
  size_t items = num_ops + problem.storages.size() + problem.values.size() +
                 problem.in_place.size() + problem.dependences.size();
  for (const OrderValue& value : problem.values) items += value.consumers.size();
  if (items > kMaxIds) return bad_input("an ordering problem of more than 2^30 items");
  for (size_t i = 0; i < problem.values.size(); ++i) {
    const OrderValue& value = problem.values[i];
    if (!in_range(value.storage, problem.storages.size())) {
      return bad_input(id_text("value", i) + ": no " + id_text("storage", value.storage));
    }
    if (value.producer != kNoOp && !in_range(value.producer, num_ops)) {
      return bad_input(id_text("value", i) + ": no " + id_text("operator", value.producer));
    }
    for (int32_t op : value.consumers) {
      if (!in_range(op, num_ops) || op <= value.producer) {
        return bad_input(id_text("value", i) + ": consumed by " + id_text("operator", op) +
                         ", which is not after its producer");
      }
    }
  }
  for (const OrderDependence& edge : problem.dependences) {
    if (!in_range(edge.before, num_ops) || !in_range(edge.after, num_ops) ||
        edge.before >= edge.after) {
      return bad_input("a dependence of " + id_text("operator", edge.after) + " on " +
                       id_text("operator", edge.before) + ", which is not before it");
    }
  }
  std::vector<std::pair<int32_t, int32_t>> reads;  // (operator, value) of the candidates' inputs
  for (const InPlaceCandidate& pair : problem.in_place) reads.emplace_back(pair.op, pair.input);
  std::sort(reads.begin(), reads.end());
  reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
  std::vector<uint8_t> is_read(reads.size(), 0);
  auto read_at = [&](int32_t op, int32_t value) {
    return std::lower_bound(reads.begin(), reads.end(), std::pair(op, value)) - reads.begin();
  };
  for (size_t value = 0; value < problem.values.size(); ++value) {
    for (int32_t op : problem.values[value].consumers) {
      const std::pair read(op, static_cast<int32_t>(value));
      const size_t at = read_at(read.first, read.second);
      if (at < reads.size() && reads[at] == read) is_read[at] = 1;
    }
  }
  for (const InPlaceCandidate& pair : problem.in_place) {
    const bool ok = in_range(pair.op, num_ops) && in_range(pair.output, problem.values.size()) &&
                    in_range(pair.input, problem.values.size()) &&
                    problem.values[pair.output].producer == pair.op &&
                    is_read[read_at(pair.op, pair.input)];
    if (!ok) {
      return bad_input("in place at " + id_text("operator", pair.op) + ": " +
                       id_text("value", pair.output) + " over " + id_text("value", pair.input) +
                       " is not an output over an input of it");
    }
  }
  return {};
}

// Builds rows from (row, item) pairs: ascending items, no duplicates.
Rows<int32_t> rows_of(int32_t rows, std::vector<std::pair<int32_t, int32_t>> pairs) {
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  Rows<int32_t> result;
  result.items.reserve(pairs.size());
  auto next = pairs.begin();
  for (int32_t row = 0; row < rows; ++row) {
    for (; next != pairs.end() && next->first == row; ++next) result.items.push_back(next->second);
    result.end_row();
  }
  return result;
}

}  // namespace

Rows<int32_t> transposed(const Rows<int32_t>& rows, int32_t columns) {
  Rows<int32_t> result;
  result.offsets.assign(columns + 1, 0);
  for (const int32_t item : rows.items) ++result.offsets[item + 1];
  std::partial_sum(result.offsets.begin(), result.offsets.end(), result.offsets.begin());
  std::vector<int32_t> next(result.offsets.begin(), result.offsets.end() - 1);
  result.items.resize(rows.items.size());
  for (int32_t row = 0; row < rows.size(); ++row) {
    for (const int32_t item : rows[row]) result.items[next[item]++] = row;
  }
  return result;
}

Result<OrderGraph> build_order_graph(const OrderProblem& problem) {
  MEMOPT_RETURN_IF_ERROR(check_bytes(problem));
  MEMOPT_RETURN_IF_ERROR(check_ids(problem));
  OrderGraph graph;
  const auto num_ops = static_cast<int32_t>(problem.scratch_bytes.size());
  graph.scratch_bytes = problem.scratch_bytes;
  for (const OrderStorage& storage : problem.storages) {
    graph.storage_bytes.push_back(storage.bytes);
    graph.live_at_start.push_back(storage.live_at_start);
    graph.live_at_end.push_back(storage.live_at_end);
  }
  std::vector<std::pair<int32_t, int32_t>> edges, touches;
  for (const OrderValue& value : problem.values) {
    if (value.producer != kNoOp) touches.emplace_back(value.producer, value.storage);
    for (int32_t op : value.consumers) {
      touches.emplace_back(op, value.storage);
      if (value.producer != kNoOp) edges.emplace_back(op, value.producer);
    }
  }
  for (const OrderDependence& edge : problem.dependences)
    edges.emplace_back(edge.after, edge.before);
  graph.preds = rows_of(num_ops, std::move(edges));
  graph.succs = transposed(graph.preds, num_ops);
  graph.touches = rows_of(num_ops, std::move(touches));
  graph.touchers = transposed(graph.touches, graph.num_storages());
  for (int32_t storage = 0; storage < graph.num_storages(); ++storage) {
    if (!graph.touchers[storage].empty() || !graph.live_at_start[storage]) continue;
    if (graph.live_at_end[storage]) {
      graph.outside_bytes += graph.storage_bytes[storage];
    } else {
      graph.filling_bytes += graph.storage_bytes[storage];
    }
    graph.live_at_start[storage] = graph.live_at_end[storage] = 0;
  }
  graph.filling_bytes += start_bytes(graph);

  std::vector<std::vector<InPlacePair>> pairs(num_ops);
  for (const InPlaceCandidate& candidate : problem.in_place) {
    const int32_t output = problem.values[candidate.output].storage;
    const int32_t input = problem.values[candidate.input].storage;
    const int64_t saving = std::min(graph.storage_bytes[output], graph.storage_bytes[input]);
    if (output != input) pairs[candidate.op].push_back({output, input, saving});
  }
  for (std::vector<InPlacePair>& row : pairs) {
    std::stable_sort(row.begin(), row.end(), [](const InPlacePair& a, const InPlacePair& b) {
      return a.saving > b.saving;
    });
    graph.in_place.items.insert(graph.in_place.items.end(), row.begin(), row.end());
    graph.in_place.end_row();
  }
  return graph;
}

std::vector<int32_t> inverse_of(std::span<const int32_t> order) {
  std::vector<int32_t> position(order.size());
  for (size_t i = 0; i < order.size(); ++i) position[order[i]] = static_cast<int32_t>(i);
  return position;
}

OrderGraph extract_ops(const OrderGraph& graph, std::span<const int32_t> order,
                       std::span<const int32_t> position, int32_t begin, int32_t end,
                       int64_t before_bytes) {
  const std::span<const int32_t> ops = order.subspan(begin, end - begin);
  OrderGraph part;
  std::vector<int32_t> storages;
  for (int32_t op : ops) {
    storages.insert(storages.end(), graph.touches[op].begin(), graph.touches[op].end());
  }
  std::sort(storages.begin(), storages.end());
  storages.erase(std::unique(storages.begin(), storages.end()), storages.end());
  auto local = [&](int32_t storage) {
    if (storage < 0) return storage;
    return static_cast<int32_t>(std::lower_bound(storages.begin(), storages.end(), storage) -
                                storages.begin());
  };
  part.outside_bytes = before_bytes;
  for (int32_t storage : storages) {
    bool before = graph.live_at_start[storage], after = graph.live_at_end[storage];
    const auto look = [&](int32_t op) {
      before |= position[op] < begin;
      after |= position[op] >= end;
    };
    // Many may touch it, from one end of the problem to the other: the outermost tell soonest.
    const std::span<const int32_t> touchers = graph.touchers[storage];
    for (size_t i = 0; i < (touchers.size() + 1) / 2 && !(before && after); ++i) {
      look(touchers[i]);
      look(touchers[touchers.size() - 1 - i]);
    }
    part.storage_bytes.push_back(graph.storage_bytes[storage]);
    part.live_at_start.push_back(before);
    part.live_at_end.push_back(after);
    if (before) part.outside_bytes -= graph.storage_bytes[storage];
  }
  std::vector<std::pair<int32_t, int32_t>> edges;
  for (int32_t op : ops) {
    part.scratch_bytes.push_back(graph.scratch_bytes[op]);
    for (int32_t storage : graph.touches[op]) part.touches.items.push_back(local(storage));
    part.touches.end_row();
    for (int32_t pred : graph.preds[op]) {
      if (position[pred] >= begin) edges.emplace_back(position[op] - begin, position[pred] - begin);
    }
    for (const InPlacePair& pair : graph.in_place[op]) {
      part.in_place.items.push_back({local(pair.output), local(pair.input), pair.saving});
    }
    part.in_place.end_row();
  }
  part.preds = rows_of(part.num_ops(), std::move(edges));
  part.succs = transposed(part.preds, part.num_ops());
  part.touchers = transposed(part.touches, part.num_storages());
  return part;
}

OrderGraph reversed(const OrderGraph& graph) {
  const int32_t last = graph.num_ops() - 1;
  OrderGraph result;
  result.outside_bytes = graph.outside_bytes;
  result.filling_bytes = graph.filling_bytes;
  result.storage_bytes = graph.storage_bytes;
  result.live_at_start = graph.live_at_end;
  result.live_at_end = graph.live_at_start;
  for (int32_t op = last; op >= 0; --op) {
    result.scratch_bytes.push_back(graph.scratch_bytes[op]);
    for (int32_t storage : graph.touches[op]) result.touches.items.push_back(storage);
    result.touches.end_row();
    for (const InPlacePair& pair : graph.in_place[op]) {
      result.in_place.items.push_back({pair.input, pair.output, pair.saving});
    }
    result.in_place.end_row();
    const std::span<const int32_t> succs = graph.succs[op];
    for (auto it = succs.rbegin(); it != succs.rend(); ++it) {
      result.preds.items.push_back(last - *it);
    }
    result.preds.end_row();
  }
  result.succs = transposed(result.preds, graph.num_ops());
  result.touchers = transposed(result.touches, graph.num_storages());
  return result;
}

std::vector<int32_t> mirror_order(std::span<const int32_t> order) {
  std::vector<int32_t> result(order.rbegin(), order.rend());
  for (int32_t& op : result) op = static_cast<int32_t>(order.size()) - 1 - op;
  return result;
}

OrderState::OrderState(const OrderGraph& graph)
    : graph_(&graph), live_bytes_(start_bytes(graph)), done_(graph.num_ops(), 0) {
  for (int32_t op = 0; op < graph.num_ops(); ++op) {
    missing_preds_.push_back(static_cast<int32_t>(graph.preds[op].size()));
  }
  for (int32_t storage = 0; storage < graph.num_storages(); ++storage) {
    untouched_.push_back(static_cast<uint32_t>(graph.touchers[storage].size()));
  }
}

int64_t OrderState::running_bytes(int32_t op) const {
  int64_t bytes = live_bytes_ + graph_->scratch_bytes[op];
  for (int32_t storage : graph_->touches[op]) {
    if (is_allocated_by_next(storage)) bytes += graph_->storage_bytes[storage];
  }
  return bytes - in_place_saving(op);
}

int64_t OrderState::in_place_saving(int32_t op) const {
  int64_t bytes = 0;
  llvm::SmallVector<const InPlacePair*, 4> taken;
  for (const InPlacePair& pair : graph_->in_place[op]) {
    if (!is_allocated_by_next(pair.output) || !dies_at_next(pair.input)) continue;
    const bool conflicts = std::any_of(taken.begin(), taken.end(), [&](const InPlacePair* other) {
      return other->output == pair.output || other->input == pair.input;
    });
    if (conflicts) continue;
    bytes += pair.saving;
    taken.push_back(&pair);
  }
  return bytes;
}

int64_t OrderState::growth_bytes(int32_t op) const {
  int64_t bytes = 0;
  for (int32_t storage : graph_->touches[op]) {
    if (is_allocated_by_next(storage)) bytes += graph_->storage_bytes[storage];
    if (dies_at_next(storage)) bytes -= graph_->storage_bytes[storage];
  }
  return bytes;
}

void OrderState::run(int32_t op) {
  live_bytes_ += growth_bytes(op);
  done_[op] = 1;
  for (int32_t storage : graph_->touches[op]) --untouched_[storage];
  for (int32_t succ : graph_->succs[op]) --missing_preds_[succ];
}

void OrderState::undo(int32_t op) {
  for (int32_t succ : graph_->succs[op]) ++missing_preds_[succ];
  for (int32_t storage : graph_->touches[op]) ++untouched_[storage];
  done_[op] = 0;
  live_bytes_ -= growth_bytes(op);
}

int64_t start_bytes(const OrderGraph& graph) {
  int64_t bytes = graph.outside_bytes;
  for (int32_t storage = 0; storage < graph.num_storages(); ++storage) {
    if (graph.live_at_start[storage]) bytes += graph.storage_bytes[storage];
  }
  return bytes;
}

int64_t edge_bytes(const OrderGraph& graph) {
  return std::max(start_bytes(graph), graph.filling_bytes);
}

int64_t peak_of(const OrderGraph& graph, std::span<const int32_t> order) {
  OrderState state(graph);
  int64_t peak = edge_bytes(graph);
  for (int32_t op : order) {
    peak = std::max(peak, state.running_bytes(op));
    state.run(op);
  }
  return peak;
}

}  // namespace memopt::ordering
