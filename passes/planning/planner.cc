#include "passes/planning/planner.h"

#include <algorithm>
#include <functional>

#include "passes/planning/coloring.h"
#include "passes/planning/greedy.h"
#include "passes/planning/improve.h"
#include "passes/planning/instance.h"

namespace memopt {
namespace {

// What a planner found for one space.
struct SpaceResult {
  std::vector<int64_t> offsets;  // of the instance's items
  int64_t lower_bound = 0;       // proved
  int64_t work = 0;
  std::string planner;
};

using SpaceSolver = std::function<SpaceResult(const Instance&, const PlannerOptions&)>;

// Solves each space on its own: spaces share no bytes.
MemoryPlan solve_spaces(const MemoryProblem& problem, const PlannerOptions& options,
                        const SpaceSolver& solver) {
  MemoryPlan plan;
  plan.offsets.resize(problem.buffers.size());
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    plan.offsets[i] = problem.buffers[i].fixed_offset.value_or(0);  // stays for those without bytes
  }
  for (uint32_t s = 0; s < problem.spaces.size(); ++s) {
    const Instance instance = make_instance(problem, s);
    SpaceResult result = solver(instance, options);
    for (size_t i = 0; i < instance.items.size(); ++i) {
      plan.offsets[instance.items[i].buffer] = result.offsets[i];
    }
    plan.work += result.work;
    plan.spaces.push_back(
        {.height_bytes = 0,
         .lower_bound_bytes = std::max(result.lower_bound, lower_bound(problem, s)),
         .status = ProofStatus::kGap,
         .planner = std::move(result.planner)});
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

template <ItemOrder order, Fit fit>
Result<MemoryPlan> greedy(const MemoryProblem& problem, const PlannerOptions& options) {
  return solve_spaces(problem, options, [](const Instance& instance, const PlannerOptions&) {
    return SpaceResult{.offsets = place_in_sequence(instance, ordered_items(instance, order), fit),
                       .planner = {}};
  });
}

Result<MemoryPlan> naive(const MemoryProblem& problem, const PlannerOptions& options) {
  return solve_spaces(problem, options, [](const Instance& instance, const PlannerOptions&) {
    return SpaceResult{.offsets = place_naively(instance), .planner = {}};
  });
}

Result<MemoryPlan> coloring(const MemoryProblem& problem, const PlannerOptions& options) {
  return solve_spaces(problem, options, [](const Instance& instance, const PlannerOptions&) {
    return SpaceResult{.offsets = color_and_place(instance), .planner = {}};
  });
}

// The best of the heuristics; stops at the first that meets the bound.
SpaceResult best_heuristic(const Instance& instance) {
  struct Heuristic {
    const char* name;
    std::function<std::vector<int64_t>()> place;
  };
  const auto sequenced = [&](ItemOrder order, Fit fit) {
    return [&instance, order, fit] {
      return place_in_sequence(instance, ordered_items(instance, order), fit);
    };
  };
  const Heuristic heuristics[] = {
      {"greedy_by_size", sequenced(ItemOrder::kSize, Fit::kFirst)},
      {"greedy_by_size_best_fit", sequenced(ItemOrder::kSize, Fit::kBest)},
      {"greedy_by_conflict", sequenced(ItemOrder::kConflicts, Fit::kFirst)},
      {"greedy_by_area", sequenced(ItemOrder::kArea, Fit::kFirst)},
      {"greedy_by_lifetime", sequenced(ItemOrder::kLifetime, Fit::kFirst)},
      {"greedy_by_start", sequenced(ItemOrder::kStart, Fit::kBest)},
      {"coloring", [&] { return color_and_place(instance); }},
      {"naive", [&] { return place_naively(instance); }},
  };
  SpaceResult best;
  best.lower_bound = instance_bound(instance);
  int64_t best_height = INT64_MAX;
  for (const Heuristic& heuristic : heuristics) {
    std::vector<int64_t> offsets = heuristic.place();
    const int64_t height = height_of(instance, offsets);
    if (height >= best_height) continue;
    best_height = height;
    best.offsets = std::move(offsets);
    best.planner = heuristic.name;
    if (height == best.lower_bound) break;
  }
  return best;
}

Result<MemoryPlan> heuristics(const MemoryProblem& problem, const PlannerOptions& options) {
  return solve_spaces(problem, options, [](const Instance& instance, const PlannerOptions&) {
    return best_heuristic(instance);
  });
}

// The heuristics, and where they leave a gap, the exact search.
SpaceResult search(const Instance& instance, const PlannerOptions& options) {
  SpaceResult best = best_heuristic(instance);
  const int64_t height = height_of(instance, best.offsets);
  const bool fit = options.objective == Objective::kFit && instance.capacity_bytes.has_value();
  if (height <= (fit ? *instance.capacity_bytes : best.lower_bound)) return best;
  if (fit && *instance.capacity_bytes < best.lower_bound) return best;
  Improvement found =
      fit ? fit_exactly(instance, *instance.capacity_bytes, options.work_limit, options.seed)
          : improve_exactly(instance, best.lower_bound, height, options.work_limit, options.seed);
  best.work = found.nodes;
  best.lower_bound = std::max(best.lower_bound, found.lower_bound);
  if (!found.offsets.empty()) {
    best.offsets = std::move(found.offsets);
    best.planner = "exact";
  }
  return best;
}

Result<MemoryPlan> exact(const MemoryProblem& problem, const PlannerOptions& options) {
  return solve_spaces(problem, options, search);
}

constexpr Planner kPlanners[] = {
    {"naive", "every buffer its own bytes", naive},
    {"greedy_by_size", "largest first, lowest gap", greedy<ItemOrder::kSize, Fit::kFirst>},
    {"greedy_by_size_best_fit", "largest first, tightest gap",
     greedy<ItemOrder::kSize, Fit::kBest>},
    {"greedy_by_area", "largest size x lifetime first", greedy<ItemOrder::kArea, Fit::kFirst>},
    {"greedy_by_lifetime", "longest lived first", greedy<ItemOrder::kLifetime, Fit::kFirst>},
    {"greedy_by_start", "first born first, tightest gap", greedy<ItemOrder::kStart, Fit::kBest>},
    {"greedy_by_conflict", "heaviest steps first", greedy<ItemOrder::kConflicts, Fit::kFirst>},
    {"coloring", "shared slots by weighted graph coloring", coloring},
    {"heuristics", "the best of the above", heuristics},
    {"exact", "the best of the above, then branch and bound with proof", exact},
};

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
  MemoryPlan plan = *naive(fixed, {});
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
  const auto planner = std::find_if(std::begin(kPlanners), std::end(kPlanners),
                                    [&](const Planner& p) { return name == p.name; });
  if (planner == std::end(kPlanners)) {
    std::string known;
    for (const Planner& p : kPlanners) known += std::string(known.empty() ? "" : ", ") + p.name;
    return Error{Code::kUsage, "no planner '" + name + "'; there are " + known};
  }
  MEMOPT_ASSIGN_OR_RETURN(MemoryPlan plan, planner->solve(problem, options));
  for (size_t s = 0; s < plan.spaces.size(); ++s) {
    SpacePlan& space = plan.spaces[s];
    if (space.planner.empty()) space.planner = name;
    space.status = status_of(space, problem.spaces[s].capacity_bytes, options.objective);
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
                 where + "not reached within the work limit: " + std::to_string(*capacity) +
                     figures + "; try a larger work limit"};
  }
  return {};
}

}  // namespace memopt
