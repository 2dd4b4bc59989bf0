#include "passes/planning/order_search.h"

#include <algorithm>
#include <map>

namespace memopt::ordering {
namespace {

constexpr int64_t kMaxChain = 4;
constexpr int32_t kMaxAffected = 4096;            // operators; a set each
constexpr int64_t kMaxAffectedSteps = 4'000'000;  // to find them
constexpr int64_t kFirstSlice = 4096;
constexpr int64_t kLooksPerWork = 16;    // at an operator that is not run
constexpr int64_t kWordsPerWork = 1024;  // copied
constexpr int64_t kTouchesPerWork = 64;  // storages that an operator looked at touches
constexpr int64_t kBeamSteps = 1024;     // a beam does not look for smaller gains

// Sets of operators as rows of bits in one array, with a hash table of row numbers.
class SetTable {
 public:
  explicit SetTable(int32_t num_ops) : words_((num_ops + 63) / 64), table_(1024, kEmpty) {}

  int32_t size() const { return static_cast<int32_t>(bits_.size() / words_); }
  const uint64_t* row(int32_t index) const { return bits_.data() + size_t(index) * words_; }
  int32_t words() const { return words_; }

  // Adds the set unless it is there; returns whether it was new.
  bool insert(const std::vector<uint64_t>& set) {
    if (size_t(size()) * 2 >= table_.size()) grow();
    size_t slot = hash(set.data()) & (table_.size() - 1);
    for (; table_[slot] != kEmpty; slot = (slot + 1) & (table_.size() - 1)) {
      if (std::equal(set.begin(), set.end(), row(table_[slot]))) return false;
    }
    table_[slot] = size();
    bits_.insert(bits_.end(), set.begin(), set.end());
    return true;
  }

 private:
  static constexpr int32_t kEmpty = -1;

  size_t hash(const uint64_t* set) const {
    uint64_t h = 0x9e3779b97f4a7c15;
    for (int32_t i = 0; i < words_; ++i) {
      h = (h ^ set[i]) * 0xff51afd7ed558ccd;
      h ^= h >> 32;
    }
    return h;
  }

  void grow() {
    table_.assign(table_.size() * 2, kEmpty);
    for (int32_t index = 0; index < size(); ++index) {
      size_t slot = hash(row(index)) & (table_.size() - 1);
      while (table_[slot] != kEmpty) slot = (slot + 1) & (table_.size() - 1);
      table_[slot] = index;
    }
  }

  int32_t words_;
  std::vector<uint64_t> bits_;
  std::vector<int32_t> table_;
};

class Search {
 public:
  Search(const OrderGraph& graph, const SearchLimits& limits)
      : graph_(graph),
        limits_(limits),
        state_(graph),
        sets_(graph.num_ops()),
        current_(sets_.words(), 0),
        ready_(sets_.words(), 0),
        suspects_(sets_.words(), 0),
        budget_(std::max(limits.floor_bytes, edge_bytes(graph))),
        proved_bytes_(edge_bytes(graph)),
        give_up_at_(limits.max_work) {
    for (int32_t op = 0; op < graph.num_ops(); ++op) {
      if (graph.preds[op].empty()) flip(ready_, op);
    }
    if (graph.num_ops() <= kMaxAffected) find_affected();
  }

  // Goes on for about `work` more units or until stopped; returns whether it is finished.
  bool advance(int64_t work) {
    const int64_t stop = work_ + work;
    if (sets_.size() == 0 && budget_ < limits_.below_bytes) {
      close_all();
      store(-1);
    }
    while (!complete_) {
      if (stack_.empty()) {
        // When nothing is blocked by a budget of interest, all orders reach below_bytes.
        proved_bytes_ = blocked_.empty() ? limits_.below_bytes : blocked_.begin()->first;
        raise_budget(proved_bytes_);
      }
      if (budget_ >= limits_.below_bytes) return true;
      if (work_ >= stop || limits_.stop.stopped()) return false;
      const int32_t index = stack_.back();
      stack_.pop_back();
      expand(index);
    }
    return true;
  }

  // Another search proved that every order has at least this peak, or so much is as good.
  void raise_budget(int64_t bytes) {
    if (bytes <= budget_) return;
    budget_ = bytes;
    closed_sets_from_ = sets_.size();
    while (!blocked_.empty() && blocked_.begin()->first <= budget_) {
      const std::vector<int32_t>& sets = blocked_.begin()->second;
      stack_.insert(stack_.end(), sets.begin(), sets.end());
      blocked_.erase(blocked_.begin());
    }
  }

  // Looks for an order within `budget_bytes`, but goes on only from the `width` sets of fewest live
  // bytes among those with the same number of operators done. Returns whether it found one.
  bool beam(int64_t budget_bytes, int32_t width, int64_t max_work) {
    if (budget_bytes < budget_) return false;
    budget_ = budget_bytes;
    give_up_at_ = max_work;
    std::vector<std::vector<int32_t>> layers(graph_.num_ops() + 1);
    auto sort_in = [&] {
      for (int32_t index : stack_) layers[depths_[index]].push_back(index);
      stack_.clear();
    };
    close_all();
    store(-1);
    for (size_t depth = 0; depth < layers.size() && !complete_ && work_ < max_work; ++depth) {
      sort_in();
      std::vector<int32_t>& layer = layers[depth];
      std::stable_sort(layer.begin(), layer.end(),
                       [&](int32_t a, int32_t b) { return live_bytes_[a] < live_bytes_[b]; });
      for (size_t i = 0; i < layer.size() && i < size_t(width) && !complete_; ++i) {
        if (work_ >= max_work || limits_.stop.stopped()) return false;
        expand(layer[i]);
        sort_in();
      }
    }
    return complete_;
  }

  int64_t work() const { return work_; }
  int64_t budget_bytes() const { return budget_; }
  int64_t proved_bytes() const { return proved_bytes_; }
  const std::vector<int32_t>& order() const { return order_; }

 private:
  static void flip(std::vector<uint64_t>& set, int32_t op) { set[op / 64] ^= 1ull << (op % 64); }

  void step(int32_t op) {
    ++work_;
    state_.run(op);
    flip(current_, op);
    flip(ready_, op);
    for (int32_t succ : graph_.succs[op]) {
      if (state_.is_ready(succ)) flip(ready_, succ);
    }
  }

  void step_back(int32_t op) {
    for (int32_t succ : graph_.succs[op]) {
      if (state_.is_ready(succ)) flip(ready_, succ);
    }
    state_.undo(op);
    flip(current_, op);
    flip(ready_, op);
  }

  // Moves the one incremental state to a stored set. Operator numbers are a topological order.
  void move_to(int32_t index) {
    const uint64_t* target = sets_.row(index);
    for (int32_t w = sets_.words() - 1; w >= 0; --w) {
      for (uint64_t bits = current_[w] & ~target[w]; bits != 0;) {
        const int bit = 63 - __builtin_clzll(bits);
        bits ^= 1ull << bit;
        step_back(w * 64 + bit);
      }
    }
    for (int32_t w = 0; w < sets_.words(); ++w) {
      for (uint64_t bits = target[w] & ~current_[w]; bits != 0; bits &= bits - 1) {
        step(w * 64 + __builtin_ctzll(bits));
      }
    }
  }

  template <typename F>
  static void for_each(const std::vector<uint64_t>& set, F f) {
    for (size_t w = 0; w < set.size(); ++w) {
      for (uint64_t bits = set[w]; bits != 0; bits &= bits - 1) {
        f(static_cast<int32_t>(w * 64 + __builtin_ctzll(bits)));
      }
    }
  }

  // Runs `op` and then the chain behind it for as long as that fits; keeps it if it ends with no
  // more live bytes than it started with. Only a chain's prefixes lie between its start and its
  // end, so its end is the lowest point between them, which is what makes running it early safe.
  bool run_free_chain(int32_t op) {
    const int64_t before = state_.live_bytes();
    const size_t start = trail_.size();
    for (int64_t length = 0; length < kMaxChain; ++length) {
      const bool ends = state_.live_bytes() + state_.growth_bytes(op) <= before;
      if (!ends && !unlocks_any(op)) break;
      step(op);
      trail_.push_back(op);
      if (ends) return true;
      int32_t next = kNoOp;
      int64_t best = 0;
      for (int32_t succ : graph_.succs[op]) {
        if (!state_.is_ready(succ)) continue;
        work_ += look_work(succ);
        if (state_.running_bytes(succ) > budget_) continue;
        const int64_t growth = state_.growth_bytes(succ);
        if (next == kNoOp || growth < best) next = succ, best = growth;
      }
      if (next == kNoOp) break;
      op = next;
    }
    while (trail_.size() > start) {
      step_back(trail_.back());
      trail_.pop_back();
    }
    return false;
  }

  // What it takes to see how an operator with many operands or results changes the memory; that of
  // the others counts as nothing beside what else is done about them.
  int64_t look_work(int32_t op) const { return std::ssize(graph_.touches[op]) / kTouchesPerWork; }

  bool unlocks_any(int32_t op) const {
    const std::span<const int32_t> succs = graph_.succs[op];
    return std::any_of(succs.begin(), succs.end(),
                       [&](int32_t succ) { return state_.is_last_pred_of(succ); });
  }

  // Runs everything that is free from here, and notes it in the trail. Of the ready operators only
  // those in `suspects_` can have become free, unless fewer bytes are live than when the others
  // were found not to be (`checked_bytes`).
  void close(int64_t checked_bytes) {
    size_t first_word = 0;  // of those that may have a suspect
    while (true) {
      if (state_.live_bytes() < checked_bytes) {
        suspects_ = ready_;
        checked_bytes = state_.live_bytes();
        first_word = 0;
      }
      int32_t suspect = kNoOp;
      for (; first_word < suspects_.size(); ++first_word) {
        uint64_t& word = suspects_[first_word];
        word &= ready_[first_word];
        if (word == 0) continue;
        suspect = static_cast<int32_t>(first_word * 64) + __builtin_ctzll(word);
        break;
      }
      if (suspect == kNoOp) return;
      flip(suspects_, suspect);
      work_ += 1 + look_work(suspect);
      const size_t start = trail_.size();
      if (state_.running_bytes(suspect) <= budget_ && run_free_chain(suspect)) {
        for (size_t i = start; i < trail_.size(); ++i) suspect_affected(trail_[i]);
        first_word = 0;
      }
    }
  }

  void close_all() {
    suspects_ = ready_;
    close(state_.live_bytes());
  }

  // Running `op` changes what these would allocate or free, or lets them run, or one in the chain
  // behind them.
  void suspect_affected(int32_t op) {
    if (affected_.empty()) {
      work_ += std::ssize(ready_) / kWordsPerWork;
      suspects_ = ready_;
      return;
    }
    const uint64_t* row = affected_.data() + size_t(op) * suspects_.size();
    for (size_t w = 0; w < suspects_.size(); ++w) suspects_[w] |= row[w];
  }

  void find_affected() {
    const size_t words = suspects_.size();
    affected_.assign(words * graph_.num_ops(), 0);
    std::vector<int32_t> frontier, next;
    int64_t steps = 0;
    for (int32_t op = 0; op < graph_.num_ops(); ++op) {
      uint64_t* row = affected_.data() + op * words;
      if (steps > kMaxAffectedSteps) return affected_.clear();
      auto add = [&](int32_t other, std::vector<int32_t>* to) {
        ++steps;
        uint64_t& word = row[other / 64];
        const uint64_t bit = 1ull << (other % 64);
        if ((word & bit) == 0) to->push_back(other);
        word |= bit;
      };
      frontier.clear();
      for (int32_t succ : graph_.succs[op]) add(succ, &frontier);
      for (int32_t storage : graph_.touches[op]) {
        for (int32_t other : graph_.touchers[storage]) add(other, &frontier);
      }
      for (int64_t length = 1; length < kMaxChain; ++length) {
        next.clear();
        for (int32_t other : frontier) {
          for (int32_t pred : graph_.preds[other]) add(pred, &next);
        }
        frontier.swap(next);
      }
    }
  }

  // Steps over `op`, closes, and stores the set if it is new.
  void visit(int32_t op, int32_t from) {
    trail_.assign(1, op);
    const int64_t checked_bytes = state_.live_bytes();
    step(op);
    std::fill(suspects_.begin(), suspects_.end(), 0);
    suspect_affected(op);
    close(checked_bytes);
    store(from);
  }

  // Closes the current set, which was stored under a smaller budget; false: nothing is free.
  bool visit_closed(int32_t from) {
    trail_.clear();
    close_all();
    if (trail_.empty()) return false;
    store(from);
    return true;
  }

  // Stores the current set, `trail_` after the set `from`, and goes back there.
  void store(int32_t from) {
    if (sets_.insert(current_)) {
      const int32_t index = sets_.size() - 1;
      parents_.push_back(from);
      trails_.append_row(trail_);
      live_bytes_.push_back(state_.live_bytes());
      depths_.push_back((from < 0 ? 0 : depths_[from]) + static_cast<int32_t>(trail_.size()));
      work_ += sets_.words();
      stack_.push_back(index);
      if (is_complete()) {
        complete_ = true;
        collect(index);
      }
    }
    for (auto it = trail_.rbegin(); it != trail_.rend(); ++it) step_back(*it);
  }

  bool is_complete() const {
    return std::all_of(ready_.begin(), ready_.end(), [](uint64_t word) { return word == 0; });
  }

  void collect(int32_t index) {
    for (; index != -1; index = parents_[index]) {
      const auto trail = trails_[index];
      order_.insert(order_.end(), trail.rbegin(), trail.rend());
    }
    std::reverse(order_.begin(), order_.end());
  }

  void expand(int32_t index) {
    move_to(index);
    if (index < closed_sets_from_ && visit_closed(index)) return;
    int64_t blocked_at = INT64_MAX, blocked = 0;
    choices_.clear();
    for_each(ready_, [&](int32_t op) {
      work_ += look_work(op);
      const int64_t running = state_.running_bytes(op);
      if (running <= budget_) {
        choices_.emplace_back(state_.growth_bytes(op), op);
      } else {
        blocked_at = std::min(blocked_at, running);
        ++blocked;
      }
    });
    work_ += blocked / kLooksPerWork;
    if (blocked_at < limits_.below_bytes) blocked_[blocked_at].push_back(index);
    // The stack pops the last one first: least growth.
    std::sort(choices_.begin(), choices_.end(), std::greater<>());
    for (const auto& [growth, op] : choices_) {
      if (complete_) return;
      if (work_ >= give_up_at_ || limits_.stop.stopped()) {
        stack_.push_back(index);  // not all that follows has been seen
        return;
      }
      visit(op, index);
    }
  }

  const OrderGraph& graph_;
  const SearchLimits limits_;
  OrderState state_;
  SetTable sets_;
  std::vector<uint64_t> current_, ready_, suspects_;  // of state_
  std::vector<uint64_t> affected_;                    // a set per operator, or empty
  int64_t budget_, proved_bytes_, work_ = 0;
  int64_t give_up_at_;            // work; within one set too, as it may have many successors
  int32_t closed_sets_from_ = 0;  // older sets were closed under a smaller budget
  std::vector<int32_t> stack_;
  std::map<int64_t, std::vector<int32_t>> blocked_;  // by the budget that lets a step more happen
  std::vector<int32_t> parents_;                     // per stored set
  std::vector<int64_t> live_bytes_;
  std::vector<int32_t> depths_;  // operators done
  Rows<int32_t> trails_;         // per stored set: operators run since the parent
  std::vector<int32_t> trail_, order_;
  std::vector<std::pair<int64_t, int32_t>> choices_;
  bool complete_ = false;
};

}  // namespace

SearchResult search_order(const OrderGraph& graph, const SearchLimits& limits) {
  SearchResult result;
  if (graph.num_ops() == 0) {
    result.finished = true;
    return result;
  }
  const OrderGraph mirror = reversed(graph);
  Search forward(graph, limits), backward(mirror, limits);
  for (int64_t slice = kFirstSlice; !result.finished; slice *= 2) {
    for (Search* search : {&backward, &forward}) {
      const int64_t left = limits.max_work - forward.work() - backward.work();
      if (left <= 0) break;
      forward.raise_budget(backward.budget_bytes());
      backward.raise_budget(forward.budget_bytes());
      result.finished = search->advance(std::min(slice, left));
      if (result.finished) break;
    }
    if (forward.work() + backward.work() >= limits.max_work || limits.stop.stopped()) break;
  }
  result.work = forward.work() + backward.work();
  result.lower_bound_bytes = std::max(forward.proved_bytes(), backward.proved_bytes());
  result.order = forward.order().empty() ? mirror_order(backward.order()) : forward.order();
  return result;
}

SearchResult beam_search(const OrderGraph& graph, const SearchLimits& limits, int32_t width) {
  SearchResult result;
  const OrderGraph mirror = reversed(graph);
  // Halves the range in which the best peak that the beam can find is.
  int64_t low = limits.floor_bytes, high = limits.below_bytes;
  while (high - low > high / kBeamSteps && result.work < limits.max_work &&
         !limits.stop.stopped()) {
    const int64_t budget = low + (high - low) / 2;
    bool found = false;
    for (const OrderGraph* side : {&mirror, &graph}) {
      Search search(*side, {budget, budget + 1, limits.max_work, limits.stop});
      found = search.beam(budget, width, limits.max_work - result.work);
      result.work += search.work();
      if (!found) continue;
      high = peak_of(*side, search.order());
      result.order = side == &graph ? search.order() : mirror_order(search.order());
      break;
    }
    if (!found) low = budget + 1;
  }
  return result;
}

}  // namespace memopt::ordering
