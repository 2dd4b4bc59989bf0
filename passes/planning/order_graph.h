// The ordering problem as the searches read it: operators, the storages they touch and precedence,
// in flat arrays. A storage costs its bytes from the first operator that touches it through the
// last one, so the live bytes between two operators depend only on the *set* of operators done (a
// closed set, an ideal of the precedence order), not on their order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "passes/planning/order.h"

namespace memopt::ordering {

// Rows of items in one array.
template <typename T>
struct Rows {
  std::vector<int32_t> offsets = {0};
  std::vector<T> items;

  std::span<const T> operator[](int32_t row) const {
    return {items.data() + offsets[row], items.data() + offsets[row + 1]};
  }
  int32_t size() const { return static_cast<int32_t>(offsets.size()) - 1; }
  void end_row() { offsets.push_back(static_cast<int32_t>(items.size())); }
  void append_row(std::span<const T> row) {
    items.insert(items.end(), row.begin(), row.end());
    end_row();
  }
};

// Row i of the result lists, ascending, the rows that contain i.
Rows<int32_t> transposed(const Rows<int32_t>& rows, int32_t columns);

// While an operator allocates `output` and `input` dies, the two cost `saving` bytes less. Reduced
// problems use it for more than in-place: a negative id is a storage inside an operator that stands
// for several, one that it always allocates (as output) and always frees (as input).
struct InPlacePair {
  int32_t output;
  int32_t input;
  int64_t saving;
};

struct OrderGraph {
  int64_t outside_bytes = 0;           // live during the whole problem, touched by nobody
  int64_t filling_bytes = 0;           // of the whole: at the start, with what nobody touches
  std::vector<int64_t> scratch_bytes;  // per operator
  std::vector<int64_t> storage_bytes;
  std::vector<uint8_t> live_at_start, live_at_end;  // per storage
  Rows<int32_t> preds, succs;  // operator → operators, ascending, without duplicates
  Rows<int32_t> touches;       // operator → storages
  Rows<int32_t> touchers;      // storage → operators
  Rows<InPlacePair> in_place;  // operator → pairs, largest saving first

  int32_t num_ops() const { return static_cast<int32_t>(scratch_bytes.size()); }
  int32_t num_storages() const { return static_cast<int32_t>(storage_bytes.size()); }
};

// Error (kBadInput): what order_ops says.
Result<OrderGraph> build_order_graph(const OrderProblem& problem);

// The problem of running the operators order[begin …end) after those before them in `order` (a
// topological one; `position` is its inverse) and before all others. Operator i of the result is
// order[begin + i]; `before_bytes` are the live bytes at that point.
OrderGraph extract_ops(const OrderGraph& graph, std::span<const int32_t> order,
                       std::span<const int32_t> position, int32_t begin, int32_t end,
                       int64_t before_bytes);

std::vector<int32_t> inverse_of(std::span<const int32_t> order);

// The same problem with time running backwards: operator i of the result is operator n-1-i, what
// was allocated dies, and every order has the peak of its mirror image.
OrderGraph reversed(const OrderGraph& graph);
std::vector<int32_t> mirror_order(std::span<const int32_t> order);

// A closed set of operators that grows and shrinks one operator at a time.
class OrderState {
 public:
  explicit OrderState(const OrderGraph& graph);

  int64_t live_bytes() const { return live_bytes_; }
  bool is_done(int32_t op) const { return done_[op] != 0; }
  bool is_ready(int32_t op) const { return done_[op] == 0 && missing_preds_[op] == 0; }
  // `op` waits for a single operator.
  bool is_last_pred_of(int32_t op) const { return missing_preds_[op] == 1; }
  const std::vector<uint8_t>& done() const { return done_; }
  // Operators that have yet to touch the storage.
  uint32_t untouched(int32_t storage) const { return untouched_[storage]; }

  // Live bytes while `op` (ready) runs, and by how much they grow from before it to after it.
  int64_t running_bytes(int32_t op) const;
  int64_t growth_bytes(int32_t op) const;

  void run(int32_t op);
  void undo(int32_t op);  // op: run before, and no successor of it is done

 private:
  bool is_allocated_by_next(int32_t storage) const {
    return storage < 0 || (untouched_[storage] == graph_->touchers[storage].size() &&
                           !graph_->live_at_start[storage]);
  }
  bool dies_at_next(int32_t storage) const {
    return storage < 0 || (untouched_[storage] == 1 && !graph_->live_at_end[storage]);
  }
  int64_t in_place_saving(int32_t op) const;

  const OrderGraph* graph_;
  int64_t live_bytes_;
  std::vector<uint8_t> done_;
  std::vector<int32_t> missing_preds_;  // per operator
  std::vector<uint32_t> untouched_;     // per storage: operators that have yet to touch it
};

// The live bytes when the first operator begins; what no order stays below, whatever operators
// need; the peak of a topological order.
int64_t start_bytes(const OrderGraph& graph);
int64_t edge_bytes(const OrderGraph& graph);
int64_t peak_of(const OrderGraph& graph, std::span<const int32_t> order);

}  // namespace memopt::ordering
