#include "passes/budget/budget.h"

#include <algorithm>
#include <cmath>

#include "passes/budget/floor.h"
#include "passes/budget/propose.h"

namespace memopt {
namespace {

constexpr size_t kTrialsPerPlace = 10;  // proposals lowered for one peak
constexpr size_t kReachedPerPlace = 3;  // that reach the target, of which the fastest is taken
constexpr size_t kBetterPerPlace = 4;   // that bring it nearer
constexpr int kTrialsPerTarget = 120;   // for each start and each way of banding
constexpr size_t kKept = 3;             // candidates of one target to go on from
constexpr int kStepsPerHalving = 4;     // of the ladder of targets

class Explorer {
 public:
  Explorer(Graph base, const BackendOptions& backend, const BudgetOptions& options)
      : base_(std::move(base)), backend_(backend), options_(options) {
    backend_.buffers.planner.work_limit =
        std::min(options.work_limit, backend.buffers.planner.work_limit);
    backend_.buffers.ordering = options.ordering;
    // What is small is tried as often as it is allowed to; lowering takes time with the size.
    constexpr int64_t kNodesOfAll = 3'000'000, kLeastEvaluations = 8;
    const auto nodes = static_cast<int64_t>(std::max<size_t>(base_.order().size(), 1));
    max_evaluations_ = static_cast<int>(std::min<int64_t>(
        options.max_evaluations, std::max(kNodesOfAll / nodes, kLeastEvaluations)));
    backend_.passes.observer = nullptr;
    backend_.passes.verify = false;  // the chosen point is verified when it is compiled
  }

  Result<Candidate> evaluate(std::vector<Move> moves) {
    ++evaluations_;
    return evaluate_moves(base_, std::move(moves), backend_, options_.costs);
  }

  // The plan without moves, whose order becomes that of the base: "behind" means later in the run.
  Result<Candidate> begin() {
    MEMOPT_ASSIGN_OR_RETURN(unbudgeted_, evaluate({}));
    base_ = neighbourhood(unbudgeted_->moved, *unbudgeted_).graph;
    return *unbudgeted_;
  }
  const Graph& base() const { return base_; }
  int evaluations() const { return evaluations_; }
  bool is_exhausted() const { return is_exhausted(max_evaluations_); }

  // Moves from `start` until the arena is at most `target_bytes`; nullopt where none is found
  // within kTrialsPerTarget evaluations. Depth first: what the fastest move leaves may have no way
  // on.
  std::optional<Candidate> reach(const Candidate& start, int64_t target_bytes, Banding banding) {
    banding_ = banding;
    const int last_evaluation = std::min(evaluations_ + kTrialsPerTarget, max_evaluations_);
    return reach_depth_first(start, target_bytes, last_evaluation);
  }

  // From each of `starts` and afresh, with the fewest and with more bands: the fastest first, at
  // most kKept. What is fastest here may have no way on to the next target.
  std::vector<Candidate> reach_all(const std::vector<Candidate>& starts, int64_t target_bytes) {
    std::vector<Candidate> found;
    const auto try_from = [&](const Candidate& start) {
      for (const Banding banding : {Banding::kFewest, Banding::kMore}) {
        auto reached = reach(start, target_bytes, banding);
        if (reached) found.push_back(std::move(*reached));
      }
    };
    for (const Candidate& start : starts) try_from(start);
    if (!starts.front().moves.empty()) try_from(*unbudgeted_);
    std::stable_sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
      return a.predicted_ns < b.predicted_ns;
    });
    const auto is_same = [](const Candidate& a, const Candidate& b) {
      return a.predicted_ns == b.predicted_ns && a.arena_bytes() == b.arena_bytes();
    };
    found.erase(std::unique(found.begin(), found.end(), is_same), found.end());
    if (found.size() > kKept) found.erase(found.begin() + kKept, found.end());
    return found;
  }

  // The candidate, or one in which regions keep what they recomputed or the other way round, if
  // that is faster and within the target too.
  Candidate with_other_overlaps(Candidate candidate, int64_t target_bytes) {
    for (size_t i = 0; i < candidate.moves.size() && !is_exhausted(); ++i) {
      std::vector<Move> moves = candidate.moves;
      auto* region = std::get_if<TileRegion>(&moves[i]);
      if (region == nullptr || region->axis == 0) continue;
      region->overlap = region->overlap == Overlap::kKeep ? Overlap::kRecompute : Overlap::kKeep;
      auto other = evaluate(std::move(moves));
      if (other.ok() && other->arena_bytes() <= target_bytes &&
          other->predicted_ns < candidate.predicted_ns) {
        candidate = *std::move(other);
      }
    }
    return candidate;
  }

 private:
  StopToken stop() const { return backend_.buffers.planner.stop; }

  bool is_exhausted(int last_evaluation) const {
    return evaluations_ >= last_evaluation || stop().stopped();
  }

  template <typename Line>
  void trace(const Line& line) const {
    if (options_.trace) options_.trace(line());
  }

  std::string peak_line(const Candidate& current, size_t step, int64_t target_bytes,
                        size_t proposals) const {
    const auto origin = origin_of_step(current, step);
    return "target " + std::to_string(target_bytes) + ", arena " +
           std::to_string(current.arena_bytes()) + ": step " + std::to_string(step) + " '" +
           (origin ? current.moved.graph.node(*origin).name : "?") + "' has " +
           std::to_string(current.live_bytes[step]) + " bytes live, " + std::to_string(proposals) +
           " proposals";
  }

  std::string trial_line(const Proposal& proposal, const Result<Candidate>& candidate) const {
    return "  " + describe(base_, proposal.move) + ": estimated " +
           std::to_string(proposal.peak_bytes) + " bytes and " +
           std::to_string(static_cast<int64_t>(proposal.extra_ns)) + " ns more; " +
           (candidate.ok() ? "arena " + std::to_string(candidate->arena_bytes())
                           : candidate.error().message);
  }

  // The steps with the most live bytes; where the arena is larger than any step's, the peak too.
  static size_t peak_step(const Candidate& candidate) {
    const auto& live = candidate.live_bytes;
    return static_cast<size_t>(std::max_element(live.begin(), live.end()) - live.begin());
  }

  std::optional<Candidate> reach_depth_first(const Candidate& start, int64_t target_bytes,
                                             int last_evaluation) {
    if (start.arena_bytes() <= target_bytes) return start;
    for (const Candidate& next : improve(start, target_bytes, last_evaluation)) {
      if (auto found = reach_depth_first(next, target_bytes, last_evaluation)) return found;
    }
    return std::nullopt;
  }

  // Candidates with one more move (or another in the place of one) that are better; those that
  // reach the target first, the fastest of them before the others.
  std::vector<Candidate> improve(const Candidate& current, int64_t target_bytes,
                                 int last_evaluation) {
    if (current.live_bytes.empty() || is_exhausted(last_evaluation)) return {};
    const size_t step = peak_step(current);
    std::vector<Proposal> proposals = propose(current, step, target_bytes);
    std::stable_sort(proposals.begin(), proposals.end(),
                     [](const Proposal& a, const Proposal& b) { return a.extra_ns < b.extra_ns; });
    trace([&] { return peak_line(current, step, target_bytes, proposals.size()); });
    std::vector<Candidate> better;
    size_t trials = 0, reached = 0;
    for (const Proposal& proposal : proposals) {
      if (trials == kTrialsPerPlace || reached == kReachedPerPlace ||
          better.size() == kBetterPerPlace || is_exhausted(last_evaluation)) {
        break;
      }
      std::vector<Move> moves = current.moves;
      if (proposal.replaces) {
        moves[*proposal.replaces] = proposal.move;
      } else {
        moves.push_back(proposal.move);
      }
      ++trials;
      auto candidate = evaluate(std::move(moves));
      trace([&] { return trial_line(proposal, candidate); });
      if (!candidate.ok() || !is_better(*candidate, current, target_bytes)) continue;
      if (candidate->arena_bytes() <= target_bytes) ++reached;
      better.push_back(std::move(*candidate));
    }
    std::stable_sort(better.begin(), better.end(), [&](const Candidate& a, const Candidate& b) {
      const bool a_reaches = a.arena_bytes() <= target_bytes;
      const bool b_reaches = b.arena_bytes() <= target_bytes;
      return a_reaches != b_reaches ? a_reaches : a.predicted_ns < b.predicted_ns;
    });
    return better;
  }

  // Fewer bytes above the target, in total over the steps of each node of the base, so that one of
  // two equal peaks may be mended first.
  bool is_better(const Candidate& candidate, const Candidate& current, int64_t target_bytes) const {
    if (candidate.arena_bytes() > current.arena_bytes()) return false;
    if (candidate.arena_bytes() <= target_bytes) return true;
    return excess(candidate, target_bytes) < excess(current, target_bytes);
  }

  // Steps of one move count once, by the worst of them.
  int64_t excess(const Candidate& candidate, int64_t target_bytes) const {
    std::vector<int64_t> of_move(candidate.moves.size(), 0);
    int64_t sum = 0;
    for (size_t step = 0; step < candidate.live_bytes.size(); ++step) {
      const int64_t over = candidate.live_bytes[step] - target_bytes;
      if (over <= 0) continue;
      const auto origin = origin_of_step(candidate, step);
      const auto move = origin ? candidate.moved.made_by[origin->index()] : std::nullopt;
      if (move) {
        of_move[*move] = std::max(of_move[*move], over);
      } else {
        sum += over;
      }
    }
    for (const int64_t over : of_move) sum += over;
    return sum;
  }

  std::vector<Proposal> propose(const Candidate& current, size_t step, int64_t target_bytes) {
    const auto origin = origin_of_step(current, step);
    std::vector<Proposal> proposals;
    if (options_.techniques.small_scratch) {
      proposals = propose_kernels(current, step, options_.costs, backend_.kernels.target);
      // Worth its time only where the scratch is a good part of what is too much.
      const int64_t excess = current.live_bytes[step] - target_bytes;
      std::erase_if(proposals, [&](const Proposal& proposal) {
        return current.live_bytes[step] - proposal.peak_bytes < excess / 4;
      });
    }
    if (!origin) return proposals;
    const auto add = [&](const MovedGraph& moved, std::optional<size_t> replaces,
                         std::vector<Proposal> found) {
      for (Proposal& proposal : found) {
        const auto move = in_terms_of_base(moved, proposal.move);
        if (!move) continue;
        proposal.move = *move;
        proposal.replaces = replaces;
        proposals.push_back(std::move(proposal));
      }
    };
    const auto made_by = current.moved.made_by[origin->index()];
    if (made_by) {
      const auto others = without(current, *made_by);
      if (others) add(*others, made_by, propose_instead(current, *others, *made_by, target_bytes));
      return proposals;
    }
    const Neighbourhood around = neighbourhood(current.moved, current);
    if (options_.techniques.rematerialize) {
      add(current.moved, {}, propose_rematerializations(around, *origin, current.live_bytes[step]));
    }
    add(current.moved, {},
        propose_tilings(around, *origin, target_bytes, options_.techniques, banding_, stop()));
    return proposals;
  }

  Neighbourhood neighbourhood(const MovedGraph& moved, const Candidate& like) const {
    return make_neighbourhood(moved, base_.node_count(), like, *unbudgeted_,
                              backend_.buffers.io_in_arena, options_.costs);
  }

  // The candidate's graph with all moves but one.
  std::optional<MovedGraph> without(const Candidate& current, size_t move) const {
    std::vector<Move> others = current.moves;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(move));
    auto moved = apply_moves(base_, others);
    if (!moved.ok()) return std::nullopt;
    return std::move(*moved);
  }

  // Other regions in the place of a move: around the node with the largest operands and results of
  // those it covers.
  std::vector<Proposal> propose_instead(const Candidate& current, const MovedGraph& others,
                                        size_t move, int64_t target_bytes) const {
    const auto* region = std::get_if<TileRegion>(&current.moves[move]);
    if (region == nullptr) return {};
    const auto nodes = nodes_between(base_, region->inputs, region->output);
    if (!nodes.ok()) return {};
    NodeId place = nodes->front();
    int64_t largest = -1;
    for (const NodeId id : *nodes) {
      if (const int64_t bytes = node_work(base_, id).bytes; bytes > largest) {
        largest = bytes;
        place = id;
      }
    }
    const Neighbourhood around = neighbourhood(others, current);
    if (!around.is_base_node(place)) return {};
    auto proposals =
        propose_tilings(around, place, target_bytes, options_.techniques, banding_, stop());
    for (Proposal& proposal : proposals) {
      auto& other = std::get<TileRegion>(proposal.move);
      const bool is_same = others.current[region->output.index()] == other.output &&
                           other.inputs.size() == region->inputs.size() &&
                           other.axis == region->axis && other.overlap == region->overlap &&
                           other.bands <= region->bands;
      // The estimate was too low for these bands.
      const int64_t rows = base_.type(region->output).dims[static_cast<int>(region->axis)];
      if (is_same) {
        other.bands = std::min(rows, region->bands + std::max<int64_t>(1, region->bands / 4));
      }
    }
    return proposals;
  }

  Graph base_;
  std::optional<Candidate> unbudgeted_;
  BackendOptions backend_;
  const BudgetOptions& options_;
  Banding banding_ = Banding::kFewest;
  int evaluations_ = 0;
  int max_evaluations_;
};

// Rewrites do more work, never less: a prediction below the unbudgeted one is the model's error.
BudgetPoint point_of(const Candidate& candidate, double unbudgeted_ns) {
  return {.arena_bytes = candidate.arena_bytes(),
          .predicted_ns = std::max(candidate.predicted_ns, unbudgeted_ns),
          .moves = candidate.moves};
}

// Fewer bytes cost time: what is larger and no faster than another point goes, except for the
// unbudgeted plan, which is what a budget without effect gives.
void keep_frontier(std::vector<BudgetPoint>& points) {
  const BudgetPoint unbudgeted = points.front();
  std::stable_sort(points.begin(), points.end(), [](const BudgetPoint& a, const BudgetPoint& b) {
    return a.arena_bytes != b.arena_bytes ? a.arena_bytes < b.arena_bytes
                                          : a.predicted_ns < b.predicted_ns;
  });
  std::vector<BudgetPoint> frontier;
  for (BudgetPoint& point : points) {
    if (frontier.empty() || point.predicted_ns < frontier.back().predicted_ns) {
      frontier.push_back(std::move(point));
    }
  }
  if (!frontier.back().moves.empty()) frontier.push_back(unbudgeted);
  std::reverse(frontier.begin(), frontier.end());
  points = std::move(frontier);
}

}  // namespace

Result<BudgetCurve> explore_budget(const Graph& optimized, const BackendOptions& backend,
                                   const BudgetOptions& options,
                                   const std::function<void(std::string_view)>& progress) {
  Explorer explorer(optimized, backend, options);
  MEMOPT_ASSIGN_OR_RETURN(const Candidate unbudgeted, explorer.begin());
  const BudgetFloor floor = budget_floor(unbudgeted, backend.buffers.io_in_arena);
  BudgetCurve curve{.base = optimized,
                    .points = {point_of(unbudgeted, 0)},
                    .floor_bytes = floor.bytes,
                    .floor_reason = floor.reason,
                    .evaluations = 0,
                    .complete = false};
  curve.base = explorer.base();
  const auto whole = static_cast<double>(unbudgeted.arena_bytes());
  const auto add = [&](const Candidate& candidate) {
    curve.points.push_back(point_of(candidate, unbudgeted.predicted_ns));
  };
  // Two walks down the ladder. One goes on from what it found for the target before; the other,
  // with regions whose overlaps are kept, begins afresh each time: such a region is most of a
  // network, and nothing of it may be tiled before.
  std::vector<Candidate> last = {unbudgeted};
  int64_t last_kept_bytes = unbudgeted.arena_bytes();
  bool walks = true, walks_keeping = options.techniques.tile;
  for (int level = 1; !explorer.is_exhausted() && (walks || walks_keeping); ++level) {
    const auto target =
        static_cast<int64_t>(whole * std::exp2(-static_cast<double>(level) / kStepsPerHalving));
    if (target < std::max<int64_t>(floor.bytes, 1)) break;
    if (progress) progress("budget of " + std::to_string(target) + " bytes");
    if (walks && last.front().arena_bytes() > target) {
      std::vector<Candidate> found = explorer.reach_all(last, target);
      for (const Candidate& candidate : found) add(candidate);
      walks = !found.empty();
      if (walks) {
        add(explorer.with_other_overlaps(found.front(), target));
        last = std::move(found);
      }
    }
    if (walks_keeping && last_kept_bytes > target) {
      const auto found = explorer.reach(unbudgeted, target, Banding::kKeeping);
      walks_keeping = found.has_value();
      if (found) {
        last_kept_bytes = found->arena_bytes();
        add(*found);
        add(explorer.with_other_overlaps(*found, target));
      }
    }
  }
  keep_frontier(curve.points);
  curve.evaluations = explorer.evaluations();
  curve.complete = !explorer.is_exhausted();
  return curve;
}

const BudgetPoint* point_within(const BudgetCurve& curve, int64_t budget_bytes) {
  for (const BudgetPoint& point : curve.points) {
    if (point.arena_bytes <= budget_bytes) return &point;
  }
  return nullptr;
}

}  // namespace memopt
