#include "passes/planning/order.h"

#include <algorithm>
#include <numeric>

#include "passes/planning/order_bound.h"
#include "passes/planning/order_graph.h"
#include "passes/planning/order_greedy.h"
#include "passes/planning/order_reduce.h"
#include "passes/planning/order_search.h"
#include "passes/planning/order_window.h"
#include "runtime/base/checked.h"

namespace memopt {
namespace {

using namespace ordering;

// Larger blocks are improved in windows only.
constexpr int32_t kMaxBeamOps = 4096;

// A part of the reduced problem that every order runs on its own.
struct Block {
  OrderGraph graph;      // of reduced operators
  OrderGraph unreduced;  // of their members: gives the better bound
  std::vector<int32_t> order;
  int64_t peak_bytes = 0;
  int64_t lower_bound_bytes = 0;

  void offer(std::vector<int32_t> other) {
    const int64_t peak = peak_of(graph, other);
    if (!order.empty() && peak >= peak_bytes) return;
    peak_bytes = peak;
    order = std::move(other);
  }
};

std::vector<int32_t> identity(int32_t size) {
  std::vector<int32_t> result(size);
  std::iota(result.begin(), result.end(), 0);
  return result;
}

// Post-orders and greedy ones, from the start and from the end, until one is as good as can be.
void offer_quick_orders(Block* block, StopToken stop) {
  block->offer(identity(block->graph.num_ops()));
  if (block->peak_bytes <= block->lower_bound_bytes) return;
  const OrderGraph mirror = reversed(block->graph);
  for (const bool forward : {true, false}) {
    const OrderGraph& graph = forward ? block->graph : mirror;
    const auto offer = [&](std::vector<int32_t> order) {
      block->offer(forward ? std::move(order) : mirror_order(order));
    };
    for (const bool widest_first : {false, true}) {
      if (stop.stopped()) return;
      offer(post_order(graph, widest_first));
    }
    for (const GreedyKey key : {GreedyKey::kGrowth, GreedyKey::kRunning}) {
      if (stop.stopped()) return;
      offer(greedy_order(graph, key));
    }
  }
}

// Cuts the reduced problem into its blocks, each with the best of the quick orders.
std::vector<Block> make_blocks(const OrderGraph& graph, const ReducedGraph& reduced,
                               StopToken stop) {
  const std::vector<int32_t> ids = identity(reduced.graph.num_ops());
  const std::vector<int32_t> expanded = expand_order(reduced, ids);
  const std::vector<int32_t> position = inverse_of(expanded);
  OrderState state(reduced.graph);
  std::vector<Block> blocks;
  int32_t begin = 0, first_member = 0;
  for (int32_t end : block_ends(reduced.graph)) {
    Block& block = blocks.emplace_back();
    const int32_t last_member =
        first_member + reduced.members.offsets[end] - reduced.members.offsets[begin];
    block.graph = extract_ops(reduced.graph, ids, ids, begin, end, state.live_bytes());
    block.unreduced =
        extract_ops(graph, expanded, position, first_member, last_member, state.live_bytes());
    block.lower_bound_bytes = working_set_bound(block.unreduced);
    offer_quick_orders(&block, stop);
    for (; begin < end; ++begin) state.run(begin);
    first_member = last_member;
  }
  return blocks;
}

// The order of all operators. A block in which the given order stays below the peak of the whole
// keeps it: it has the locality that its author saw.
std::vector<int32_t> join_blocks(const OrderGraph& graph, const ReducedGraph& reduced,
                                 const std::vector<Block>& blocks) {
  int64_t peak = edge_bytes(graph);
  for (const Block& block : blocks) peak = std::max(peak, block.peak_bytes);
  const std::vector<int32_t> expanded = expand_order(reduced, identity(reduced.graph.num_ops()));
  std::vector<int32_t> result;
  int32_t first_op = 0, first_member = 0;  // of the block
  for (const Block& block : blocks) {
    const int32_t members = block.unreduced.num_ops();
    std::vector<int32_t> given = identity(members);
    std::sort(given.begin(), given.end(), [&](int32_t a, int32_t b) {
      return expanded[first_member + a] < expanded[first_member + b];
    });
    if (peak_of(block.unreduced, given) <= peak) {
      for (int32_t member : given) result.push_back(expanded[first_member + member]);
    } else {
      std::vector<int32_t> order = block.order;
      for (int32_t& op : order) op += first_op;
      const std::vector<int32_t> ops = expand_order(reduced, order);
      result.insert(result.end(), ops.begin(), ops.end());
    }
    first_op += block.graph.num_ops();
    first_member += members;
  }
  return result;
}

// Improves the blocks until the highest is proved, or the work is used up.
class BlockSolver {
 public:
  BlockSolver(std::vector<Block>* blocks, int64_t floor_bytes, const OrderOptions& options)
      : blocks_(*blocks), options_(options), floor_(floor_bytes) {
    for (Block& block : blocks_) {
      num_ops_ += block.unreduced.num_ops();
      by_peak_.push_back(&block);
      floor_ = std::max(floor_, block.lower_bound_bytes);
    }
    std::stable_sort(by_peak_.begin(), by_peak_.end(),
                     [](const Block* a, const Block* b) { return a->peak_bytes > b->peak_bytes; });
  }

  int64_t lower_bound_bytes() const { return floor_; }
  int64_t work() const { return work_; }

  void bound() {
    int64_t left = options_.bound_work;
    for (Block* block : by_peak_) {
      if (block->peak_bytes <= floor_ || left <= 0 || options_.stop.stopped()) return;
      const CutBound cut = min_cut_bound(block->unreduced, identity(block->unreduced.num_ops()),
                                         left, options_.stop);
      floor_ = std::max(floor_, cut.bytes);
      left -= cut.work;
      work_ += cut.work;
    }
  }

  void improve() {
    int64_t left = options_.window_work + options_.window_work_per_op * num_ops_;
    auto blocks_left = static_cast<int64_t>(by_peak_.size());
    for (Block* block : by_peak_) {
      const int64_t share = left / blocks_left--;
      if (block->peak_bytes <= floor_ || options_.stop.stopped()) continue;
      int64_t work = 0;
      if (block->graph.num_ops() <= kMaxBeamOps) {
        SearchResult found =
            beam_search(block->graph, {floor_, block->peak_bytes, share / 2, options_.stop},
                        options_.beam_width);
        if (!found.order.empty()) block->offer(std::move(found.order));
        work += found.work;
      }
      std::vector<int32_t> order = block->order;
      work += improve_windows(block->graph,
                              {floor_, options_.beam_width, share - work, options_.stop}, &order);
      block->offer(std::move(order));
      left -= work;
      work_ += work;
    }
  }

  void search() {
    int64_t left = options_.exact_work;
    auto blocks_left = static_cast<int64_t>(by_peak_.size());
    for (Block* block : by_peak_) {
      const int64_t share = left / blocks_left--;
      if (block->peak_bytes <= floor_ || options_.stop.stopped()) continue;
      SearchResult found =
          search_order(block->graph, {floor_, block->peak_bytes, share, options_.stop});
      left -= found.work;
      work_ += found.work;
      floor_ = std::max(floor_, found.lower_bound_bytes);
      if (!found.order.empty()) block->offer(std::move(found.order));
    }
  }

 private:
  std::vector<Block>& blocks_;
  const OrderOptions& options_;
  std::vector<Block*> by_peak_;
  int64_t num_ops_ = 0;
  int64_t floor_;  // every order has at least this peak
  int64_t work_ = 0;
};

}  // namespace

Result<OrderResult> order_ops(const OrderProblem& problem, const OrderOptions& options) {
  MEMOPT_ASSIGN_OR_RETURN(const OrderGraph graph, build_order_graph(problem));
  OrderResult result;
  result.order = identity(graph.num_ops());
  result.given_peak_bytes = result.peak_bytes = peak_of(graph, result.order);
  result.lower_bound_bytes = working_set_bound(graph);
  if (result.peak_bytes == result.lower_bound_bytes) {
    result.proof = OrderProof::kOptimal;
    return result;
  }

  const ReducedGraph reduced = merge_chains(graph, options.stop, &result.work);
  if (options.stop.stopped()) {
    result.cancelled = true;
    return result;
  }
  std::vector<Block> blocks = make_blocks(graph, reduced, options.stop);
  BlockSolver solver(&blocks, edge_bytes(graph), options);
  solver.bound();
  solver.search();
  solver.improve();
  std::vector<int32_t> order = join_blocks(graph, reduced, blocks);
  const int64_t peak = peak_of(graph, order);
  if (peak < result.peak_bytes) {
    result.peak_bytes = peak;
    result.order = std::move(order);
    result.proof = OrderProof::kBestFound;
  }
  result.work += solver.work();
  result.lower_bound_bytes = std::max(result.lower_bound_bytes, solver.lower_bound_bytes());
  MEMOPT_CHECK(result.lower_bound_bytes <= result.peak_bytes);
  if (result.lower_bound_bytes == result.peak_bytes) result.proof = OrderProof::kOptimal;
  result.cancelled = options.stop.stopped() && result.proof != OrderProof::kOptimal;
  return result;
}

}  // namespace memopt
