#include "passes/planning/joint.h"

#include <algorithm>
#include <set>
#include <utility>

#include "passes/planning/schedule.h"
#include "runtime/base/checked.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

constexpr int64_t kMaxDestinationTrials = 64;  // in the present order
// Trials of large graphs are fewer: they take time with the size.
constexpr int64_t kNodesOfAllTrials = 500'000;
constexpr size_t kMaxOthers = 2;  // choices kept beside the best

int64_t bytes_moved(const Graph& graph, const BufferAssignment& assignment) {
  int64_t bytes = 0;
  for (const NodeId id : assignment.steps) {
    const Node& node = graph.node(id);
    if (!moves_bytes_only(node)) continue;
    for (const ValueId output : node.outputs) bytes += output ? graph.type(output).bytes() : 0;
  }
  return bytes;
}

bool is_better(const JointChoice& a, const JointChoice& b) {
  return std::pair(a.peak_bytes, a.moved_bytes) < std::pair(b.peak_bytes, b.moved_bytes);
}

class JointSearch {
 public:
  JointSearch(Graph& graph, const NodeMap<KernelChoice>& kernels, const BufferOptions& options)
      : graph_(graph),
        kernels_(kernels),
        options_(options),
        given_(graph.order().begin(), graph.order().end()),
        best_(choice_in(given_, {})),
        destinations_(best_.assignment.aliases.destinations) {
    std::sort(destinations_.begin(), destinations_.end());
  }

  Result<JointResult> run() {
    decide_in_given_order();
    if (options_.order && options_.reuse) MEMOPT_RETURN_IF_ERROR(search());
    graph_.set_order(best_.order);
    JointResult result{.choices = {}, .cancelled = cancelled_};
    result.choices.push_back(std::move(best_));
    for (JointChoice& other : others_) result.choices.push_back(std::move(other));
    return result;
  }

 private:
  JointChoice choice_in(const std::vector<NodeId>& order, std::vector<NodeId> without) {
    graph_.set_order(order);
    JointChoice choice{.assignment = assign_buffers(graph_, kernels_, options_, without),
                       .order = order,
                       .without = {}};
    choice.without = std::move(without);
    choice.peak_bytes = peak_bytes(choice.assignment.problem);
    choice.moved_bytes = bytes_moved(graph_, choice.assignment);
    return choice;
  }

  // Whether it is the best now. What it replaces, or does not replace, stays if it has that peak.
  bool offer(JointChoice choice) {
    const bool better = is_better(choice, best_);
    if (better) std::swap(choice, best_);
    std::erase_if(others_,
                  [&](const JointChoice& other) { return other.peak_bytes > best_.peak_bytes; });
    if (choice.peak_bytes == best_.peak_bytes && others_.size() < kMaxOthers) {
      others_.push_back(std::move(choice));
    }
    return better;
  }

  // Leaves out the destinations that raise the peak of the given order.
  void decide_in_given_order() {
    if (!destinations_.empty()) offer(choice_in(given_, destinations_));
    int64_t trials = std::min(kMaxDestinationTrials, trials_within(kNodesOfAllTrials));
    for (const NodeId id : destinations_) {
      if (--trials < 0 || best_.without.size() == destinations_.size() || is_stopped()) break;
      offer(choice_in(given_, toggled(best_.without, id)));
    }
    others_.clear();
  }

  Status search() {
    MEMOPT_RETURN_IF_ERROR(try_orders(best_.without, given_, options_.ordering));
    if (destinations_.empty()) return {};
    floor_bytes_ = shared_working_set_bound(graph_, kernels_, options_);
    if (is_finished()) return {};
    // Each further order gets a part of the work of the first.
    OrderOptions ordering = options_.ordering;
    ordering.bound_work /= 4;
    ordering.exact_work /= 4;
    ordering.window_work /= 4;
    ordering.window_work_per_op /= 4;
    for (const std::vector<NodeId>& without : {std::vector<NodeId>(), destinations_}) {
      if (is_finished()) return {};
      MEMOPT_RETURN_IF_ERROR(try_orders(without, given_, ordering));
    }
    return flip_at_peak(ordering);
  }

  bool is_finished() const { return best_.peak_bytes <= floor_bytes_ || is_stopped(); }

  bool is_stopped() const { return options_.planner.stop.stopped(); }

  int64_t trials_within(int64_t nodes) const {
    return nodes / std::max<int64_t>(std::ssize(given_), 1) + 1;
  }

  // Changes one destination at a time while that helps.
  Status flip_at_peak(const OrderOptions& ordering) {
    constexpr int64_t kWorkPerFlip = 200'000, kMaxFlips = 16, kNodesOfAllFlips = 100'000;
    int64_t left = std::min(
        {options_.ordering.exact_work / kWorkPerFlip, kMaxFlips, trials_within(kNodesOfAllFlips)});
    improved_ = true;
    while (std::exchange(improved_, false)) {
      for (const NodeId id : destinations_at_peak()) {
        std::vector<NodeId> without = toggled(best_.without, id);
        if (tried_.count(without) != 0) continue;
        if (left-- <= 0 || is_finished()) return {};
        const std::vector<NodeId> order = best_.order;
        MEMOPT_RETURN_IF_ERROR(try_orders(std::move(without), order, ordering));
        if (improved_) break;
      }
    }
    return {};
  }

  // Looks for the best order of one choice of destinations.
  Status try_orders(std::vector<NodeId> without, const std::vector<NodeId>& start,
                    const OrderOptions& ordering) {
    if (!tried_.insert(without).second) return {};
    graph_.set_order(start);
    const Aliases aliases = find_aliases(graph_, kernels_, options_, without);
    BufferOptions options = options_;
    options.ordering = ordering;
    MEMOPT_ASSIGN_OR_RETURN(const ScheduleResult schedule,
                            schedule_nodes(graph_, kernels_, aliases, options));
    cancelled_ = cancelled_ || schedule.cancelled;
    // The proof is about these aliases; the order can change them.
    const auto confirm = [&](JointChoice& choice) {
      const bool same = choice.without == without &&
                        choice.assignment.aliases.destinations == aliases.destinations;
      if (same && schedule.optimal) choice.order_bound_bytes = schedule.lower_bound_bytes;
    };
    confirm(best_);
    JointChoice choice = choice_in(schedule.order, without);
    confirm(choice);
    improved_ = offer(std::move(choice));
    return {};
  }

  // Those with a part or the whole live at a step of the most live bytes, in place or not.
  std::vector<NodeId> destinations_at_peak() const {
    const MemoryProblem& problem = best_.assignment.problem;
    std::vector<int64_t> change(best_.assignment.steps.size() + 2, 0);  // from step -1 on
    for (const MemoryBuffer& buffer : problem.buffers) {
      change[static_cast<size_t>(buffer.lower + 1)] += buffer.size_bytes;
      if (const auto end = static_cast<size_t>(buffer.upper + 1); end < change.size()) {
        change[end] -= buffer.size_bytes;
      }
    }
    std::vector<int64_t> peaks_before = {0};  // steps of the most live bytes, up to each step
    peaks_before.reserve(change.size() + 1);
    int64_t live = 0;
    for (const int64_t bytes : change) {
      live += bytes;
      peaks_before.push_back(peaks_before.back() + (live == best_.peak_bytes));
    }
    const auto lives_at_peak = [&](ValueId value) {
      const auto buffer = best_.assignment.buffer[best_.assignment.aliases.placement[value].root];
      if (!buffer) return false;
      const auto begin = static_cast<size_t>(problem.buffers[*buffer].lower + 1);
      const auto end = std::min(static_cast<size_t>(problem.buffers[*buffer].upper + 1),
                                peaks_before.size() - 1);
      return peaks_before[end] > peaks_before[begin];
    };
    std::vector<NodeId> result;
    for (const NodeId id : destinations_) {
      const Node& node = graph_.node(id);
      if (lives_at_peak(node.outputs[0]) ||
          std::any_of(node.inputs.begin(), node.inputs.end(), lives_at_peak)) {
        result.push_back(id);
      }
    }
    return result;
  }

  static std::vector<NodeId> toggled(std::vector<NodeId> without, NodeId id) {
    const auto at = std::lower_bound(without.begin(), without.end(), id);
    if (at != without.end() && *at == id) {
      without.erase(at);
    } else {
      without.insert(at, id);
    }
    return without;
  }

  Graph& graph_;
  const NodeMap<KernelChoice>& kernels_;
  const BufferOptions& options_;
  const std::vector<NodeId> given_;
  JointChoice best_;
  std::vector<NodeId> destinations_;  // that are possible together
  std::vector<JointChoice> others_;
  std::set<std::vector<NodeId>> tried_;  // with an order of their own
  int64_t floor_bytes_ = 0;
  bool improved_ = false;  // by the last orders tried
  bool cancelled_ = false;
};

}  // namespace

Result<JointResult> choose_jointly(Graph& graph, const NodeMap<KernelChoice>& kernels,
                                   const BufferOptions& options) {
  return JointSearch(graph, kernels, options).run();
}

}  // namespace memopt
