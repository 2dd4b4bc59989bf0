#include "passes/planning/planner.h"

#include <algorithm>

#include "passes/planning/coloring.h"
#include "passes/planning/greedy.h"
#include "passes/planning/improve.h"
#include "passes/planning/large.h"

namespace memopt {
namespace {

// Items up to which an algorithm belongs to the portfolio; beyond the second, only near-linear ones
// do.
constexpr size_t kAny = SIZE_MAX;
constexpr size_t kQuadratic = 100000;

const Planner* planner_named(std::string_view name) {
  const auto all = planners();
  const auto planner =
      std::find_if(all.begin(), all.end(), [&](const Planner& p) { return name == p.name; });
  return planner == all.end() ? nullptr : &*planner;
}

// What the whole result has to reach for an algorithm to stop.
int64_t target_of(const Instance& instance, const PlannerOptions& options, int64_t bound) {
  const bool fit = options.objective == Objective::kFit && instance.capacity_bytes.has_value();
  return fit ? std::max(bound, *instance.capacity_bytes) : bound;
}

// Of one heuristic: about as long as the exact search, but never so little that an instance of some
// thousand items would notice.
Effort heuristic_effort(const PlannerOptions& options) {
  constexpr int64_t kStepsPerWork = 1024, kLeastSteps = 100'000'000;
  const int64_t work = std::min(options.work_limit, INT64_MAX / kStepsPerWork);
  return {options.stop, std::max(work * kStepsPerWork, kLeastSteps)};
}

template <ItemOrder order, Fit fit>
SpaceResult greedy(const Instance& instance, int64_t, const PlannerOptions& options) {
  Effort effort = heuristic_effort(options);
  return {.offsets =
              place_in_sequence(instance, ordered_items(instance, order), fit, INT64_MAX, &effort)};
}

SpaceResult naive(const Instance& instance, int64_t, const PlannerOptions&) {
  return {.offsets = place_naively(instance)};
}

SpaceResult online(const Instance& instance, int64_t, const PlannerOptions&) {
  return {.offsets = instance.has_graph ? place_naively(instance) : place_online(instance)};
}

SpaceResult coloring(const Instance& instance, int64_t, const PlannerOptions& options) {
  Effort effort = heuristic_effort(options);
  return {.offsets = color_and_place(instance, &effort)};
}

SpaceResult from_peaks(const Instance& instance, int64_t target, const PlannerOptions& options) {
  return {.offsets = place_from_peaks(instance, {.target_bytes = target,
                                                 .max_steps = heuristic_effort(options).steps_left,
                                                 .seed = options.seed,
                                                 .stop = options.stop})
                         .offsets};
}

// Takes over what is lower.
void keep_better(const Instance& instance, SpaceResult& best, SpaceResult found,
                 const char* planner) {
  best.work += found.work;
  best.lower_bound = std::max(best.lower_bound, found.lower_bound);
  if (found.offsets.size() != instance.items.size()) return;
  if (best.offsets.size() == instance.items.size() &&
      height_of(instance, best.offsets) <= height_of(instance, found.offsets)) {
    return;
  }
  best.offsets = std::move(found.offsets);
  best.planner = planner;
}

SpaceResult heuristics(const Instance& instance, int64_t target, const PlannerOptions& options) {
  constexpr size_t kManyItems = 10000;  // where what takes no time is worth trying first
  SpaceResult best;
  const auto try_it = [&](const Planner& planner) {
    keep_better(instance, best, planner.solve(instance, target, options), planner.name);
    const bool complete = best.offsets.size() == instance.items.size();
    return complete && height_of(instance, best.offsets) <= target;
  };
  if (instance.items.size() > kManyItems && try_it(*planner_named("online"))) return best;
  for (const Planner& planner : planners()) {
    if (planner.is_heuristic && instance.items.size() <= planner.max_items && try_it(planner)) {
      break;
    }
  }
  return best;
}

// The heuristics; where they leave a gap, the exact search on the core of large instances; where
// there still is one, on all of it.
SpaceResult exact(const Instance& instance, int64_t target, const PlannerOptions& options) {
  constexpr size_t kLarge = 1500;  // items; below, the whole is no harder than its core
  SpaceResult best = heuristics(instance, target, options);
  const auto done = [&] {
    return height_of(instance, best.offsets) <= target || best.work >= options.work_limit ||
           options.stop.stopped();
  };
  const size_t n = instance.items.size();
  if (!done() && n > kLarge && n <= kQuadratic && !instance.has_graph) {
    LargeResult found =
        place_around_core(instance, {.target_bytes = target,
                                     .work_limit = options.work_limit / 4,
                                     .max_steps = heuristic_effort(options).steps_left,
                                     .seed = options.seed,
                                     .threads = options.threads,
                                     .stop = options.stop});
    keep_better(instance, best, {.offsets = std::move(found.offsets), .work = found.work},
                "exact_core");
  }
  if (!done()) {
    // A capacity is either met or not: what is lower than the best but above it matters less.
    const int64_t work = options.work_limit - best.work;
    const int64_t effort = options.objective == Objective::kFit ? work / 4 * 3 : work / 400;
    Improvement found =
        improve_exactly(instance, {.target_bytes = target,
                                   .height_bytes = height_of(instance, best.offsets),
                                   .effort = std::max<int64_t>(effort, 2000),
                                   .search = {.work_limit = work,
                                              .seed = options.seed,
                                              .threads = options.threads,
                                              .stop = options.stop},
                                   .progress = options.progress});
    keep_better(
        instance, best,
        {.offsets = std::move(found.offsets), .lower_bound = found.lower_bound, .work = found.work},
        "exact");
  }
  return best;
}

constexpr Planner kPlanners[] = {
    {"from_peaks", "heaviest steps first, long-lived first, tightest gap; repaired", true,
     kQuadratic, from_peaks},
    {"greedy_by_size", "largest first, lowest gap", true, kQuadratic,
     greedy<ItemOrder::kSize, Fit::kFirst>},
    {"greedy_by_size_best_fit", "largest first, tightest gap", true, kQuadratic,
     greedy<ItemOrder::kSize, Fit::kBest>},
    {"greedy_by_area", "largest size x lifetime first, lowest gap", true, kQuadratic,
     greedy<ItemOrder::kArea, Fit::kFirst>},
    {"greedy_by_conflict", "heaviest steps first, largest first, lowest gap", true, kQuadratic,
     greedy<ItemOrder::kConflicts, Fit::kFirst>},
    {"greedy_by_lifetime", "longest lived first, lowest gap", true, kQuadratic,
     greedy<ItemOrder::kLifetime, Fit::kFirst>},
    {"greedy_by_start", "first born first, tightest gap", true, kQuadratic,
     greedy<ItemOrder::kStart, Fit::kBest>},
    {"coloring", "shared slots by weighted graph coloring", true, kQuadratic, coloring},
    {"online", "what a best-fit allocator does at run time", true, kAny, online},
    {"naive", "every buffer its own bytes", true, kAny, naive},
    {"heuristics", "the best of the above", false, kAny, heuristics},
    {"exact", "the best of the above, then branch and bound with proof", false, kAny, exact},
};

// Solves each space on its own: spaces share no bytes.
MemoryPlan solve_spaces(const MemoryProblem& problem, const PlannerOptions& options,
                        const Planner& planner) {
  MemoryPlan plan;
  plan.offsets.resize(problem.buffers.size());
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    plan.offsets[i] = problem.buffers[i].fixed_offset.value_or(0);  // of those without bytes
  }
  for (uint32_t s = 0; s < problem.spaces.size(); ++s) {
    const Instance instance = make_instance(problem, s);
    const int64_t bound = instance_bound(instance);
    SpaceResult result = planner.solve(instance, target_of(instance, options, bound), options);
    if (result.offsets.size() != instance.items.size()) {  // stopped
      result = naive(instance, bound, options);
      result.planner = "naive";
    }
    for (size_t i = 0; i < instance.items.size(); ++i) {
      plan.offsets[instance.items[i].buffer] = result.offsets[i];
    }
    plan.work += result.work;
    plan.spaces.push_back(
        {.height_bytes = 0,
         .lower_bound_bytes = std::max(result.lower_bound, lower_bound(problem, s)),
         .status = ProofStatus::kGap,
         .planner = result.planner.empty() ? planner.name : std::move(result.planner)});
  }
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    int64_t& height = plan.spaces[problem.buffers[i].space].height_bytes;
    height = std::max(height, plan.offsets[i] + problem.buffers[i].size_bytes);
  }
  return plan;
}

ProofStatus status_of(const SpacePlan& space, const std::optional<int64_t>& capacity,
                      Objective objective) {
  if (capacity && space.lower_bound_bytes > *capacity) return ProofStatus::kImpossible;
  if (capacity && space.height_bytes > *capacity) return ProofStatus::kWorkLimitReached;
  if (space.height_bytes == space.lower_bound_bytes) return ProofStatus::kOptimal;
  return capacity && objective == Objective::kFit ? ProofStatus::kFits : ProofStatus::kGap;
}

// Fixed buffers that share bytes leave nothing to plan.
Status check_fixed(const MemoryProblem& problem) {
  MemoryProblem fixed{.buffers = {}, .spaces = problem.spaces, .interference = {}};
  for (MemorySpace& space : fixed.spaces) space.capacity_bytes.reset();
  std::vector<uint32_t> index(problem.buffers.size(), UINT32_MAX);
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    if (!problem.buffers[i].fixed_offset) continue;
    index[i] = static_cast<uint32_t>(fixed.buffers.size());
    fixed.buffers.push_back(problem.buffers[i]);
  }
  if (fixed.buffers.size() < 2) return {};
  if (problem.interference) {
    fixed.interference.emplace();
    for (const auto& [a, b] : problem.interference->edges) {
      if (index[a] != UINT32_MAX && index[b] != UINT32_MAX) {
        fixed.interference->edges.emplace_back(index[a], index[b]);
      }
    }
  }
  MemoryPlan plan = solve_spaces(fixed, {}, *planner_named("naive"));
  for (SpacePlan& space : plan.spaces)
    space.lower_bound_bytes = 0;  // means nothing if they collide
  const Status status = validate(fixed, plan);
  return status.ok() ? Status() : bad_input("fixed offsets: " + status.error().message);
}

}  // namespace

std::span<const Planner> planners() { return kPlanners; }

Result<MemoryPlan> plan_memory(const MemoryProblem& problem, const PlannerOptions& options) {
  MEMOPT_RETURN_IF_ERROR(check_problem(problem));
  MEMOPT_RETURN_IF_ERROR(check_fixed(problem));
  const std::string name = options.planner.empty() ? "exact" : options.planner;
  const Planner* planner = planner_named(name);
  if (planner == nullptr) {
    std::string known;
    for (const Planner& p : kPlanners) known += std::string(known.empty() ? "" : ", ") + p.name;
    return Error{Code::kUsage, "no planner '" + name + "'; there are " + known};
  }
  MemoryPlan plan = solve_spaces(problem, options, *planner);
  for (size_t s = 0; s < plan.spaces.size(); ++s) {
    SpacePlan& space = plan.spaces[s];
    space.status = status_of(space, problem.spaces[s].capacity_bytes, options.objective);
    const bool open =
        space.status == ProofStatus::kGap || space.status == ProofStatus::kWorkLimitReached;
    plan.cancelled = plan.cancelled || (open && options.stop.stopped());
  }
  const Status valid = validate(problem, plan);
  if (!valid.ok()) return internal_error("planner '" + name + "': " + valid.error().message);
  return plan;
}

Status capacity_error(const MemoryProblem& problem, const MemoryPlan& plan) {
  for (size_t s = 0; s < plan.spaces.size(); ++s) {
    const SpacePlan& space = plan.spaces[s];
    const auto& capacity = problem.spaces[s].capacity_bytes;
    if (!capacity || space.height_bytes <= *capacity) continue;
    const std::string where = "space " + std::to_string(s) + ": ";
    const std::string figures = " bytes are available, " + std::to_string(space.lower_bound_bytes) +
                                " are needed at least, " + std::to_string(space.height_bytes) +
                                " were reached";
    if (space.status == ProofStatus::kImpossible) {
      return Error{Code::kBudgetImpossible,
                   where + "proved impossible: " + std::to_string(*capacity) + figures};
    }
    return Error{Code::kBudgetNotReached,
                 where +
                     (plan.cancelled ? "not reached before it was cancelled: "
                                     : "not reached within the work limit: ") +
                     std::to_string(*capacity) + figures +
                     (plan.cancelled ? "" : "; try a larger work limit")};
  }
  return {};
}

}  // namespace memopt
