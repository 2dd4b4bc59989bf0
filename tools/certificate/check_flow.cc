#include <algorithm>
#include <map>

#include "runtime/base/checked.h"
#include "tools/certificate/check.h"

namespace memopt::certificate {
namespace {

Error failure(const std::string& message) { return {Code::kVerifyFailed, message}; }

// Steps and dependences that one certificate may look at, whatever its cases are: a second or so.
constexpr int64_t kMaxWork = int64_t{1} << 28;

// Where a step is when the flow's step starts.
enum class Place : uint8_t { kFree, kHasRun, kHasNot };

class FlowChecker {
 public:
  FlowChecker(const Plan& plan, const Problem& problem, int32_t step)
      : plan_(plan), problem_(problem), step_(step), demand_(demand_of(problem, step)) {
    for (size_t i = 0; i < problem.storages.size(); ++i) {
      by_name_.emplace(plan.values[problem.storages[i].value].name, static_cast<int32_t>(i));
    }
    touched_bytes_ = problem.always_bytes + at().scratch_bytes;
    for (const int32_t storage : at().storages) touched_bytes_ += storage_at(storage).bytes;
    for (const Step& one : problem.steps) {
      walk_work_ += 1 + static_cast<int64_t>(one.before.size());
    }
  }

  const Step& at() const { return problem_.steps[static_cast<size_t>(step_)]; }

  // Either one case for whatever is overwritten, or one for each possibility.
  Status check_cases(const std::vector<FlowCase>& cases) const {
    if (cases.size() == 1 && cases[0].overwriting == Overwriting::kAny) return {};
    std::vector<std::string> needed = {"nothing"};
    for (const Overwrite& pair : demand_.possible) {
      if (pair.result != demand_.possible[0].result) {
        return failure("the cases leave out that several results overwrite operands");
      }
      needed.push_back("operand " + plan_.values[storage_at(pair.operand).value].name);
    }
    std::vector<std::string> stated;
    for (const FlowCase& one : cases) {
      if (one.overwriting == Overwriting::kAny) return failure("'any' is not the only case");
      const bool nothing = one.overwriting == Overwriting::kNothing;
      stated.push_back(nothing ? "nothing" : "operand " + one.operand);
    }
    std::sort(needed.begin(), needed.end());
    std::sort(stated.begin(), stated.end());
    // Operands of one name cannot be told apart.
    const bool unique = std::adjacent_find(needed.begin(), needed.end()) == needed.end();
    if (unique && needed == stated) return {};
    return failure("the cases are not those of overwriting nothing and each of the " +
                   std::to_string(demand_.possible.size()) + " operands that can be");
  }

  // The bytes that are occupied at least, in this case.
  Result<int64_t> check_case(const FlowCase& one) {
    MEMOPT_ASSIGN_OR_RETURN(const int64_t saved_bytes, place_steps(one));
    surplus_.assign(problem_.steps.size(), 0);
    used_.assign(problem_.storages.size(), 0);
    int64_t value = 0;
    for (const FlowArc& arc : one.arcs) {
      MEMOPT_RETURN_IF_ERROR(add_arc(arc, &value));
    }
    for (int32_t step = 0; step < problem_.step_count(); ++step) {
      const int64_t surplus = surplus_[static_cast<size_t>(step)];
      if (place_[static_cast<size_t>(step)] == Place::kFree && surplus != 0) {
        return failure("the flow out of step " + std::to_string(step) + " is " +
                       std::to_string(surplus) + " bytes more than the flow into it");
      }
    }
    return touched_bytes_ - saved_bytes + value;
  }

 private:
  const ArenaStorage& storage_at(int32_t storage) const {
    return problem_.storages[static_cast<size_t>(storage)];
  }

  // Which steps have run for certain in this case, and what overwriting saves.
  Result<int64_t> place_steps(const FlowCase& one) {
    place_.assign(problem_.steps.size(), Place::kFree);
    flag(ancestors_of(problem_, step_), Place::kHasRun);
    flag(descendants_of(problem_, step_), Place::kHasNot);
    place_[static_cast<size_t>(step_)] = Place::kHasNot;
    if (one.overwriting == Overwriting::kNothing) return 0;
    if (one.overwriting == Overwriting::kAny) return demand_.saved_bytes;
    for (const Overwrite& pair : demand_.possible) {
      const ArenaStorage& operand = storage_at(pair.operand);
      if (plan_.values[operand.value].name != one.operand) continue;
      // No descendant touches it, so these and what they wait for come before.
      for (const int32_t other : operand.steps) {
        if (other == step_) continue;
        if ((work_ += walk_work_) > kMaxWork) {
          return failure("the cases look at more than " + std::to_string(kMaxWork) +
                         " steps and dependences, which is beyond the limit");
        }
        flag(ancestors_of(problem_, other), Place::kHasRun);
        place_[static_cast<size_t>(other)] = Place::kHasRun;
      }
      return pair.bytes;
    }
    return failure("'" + one.operand + "' cannot be overwritten by step " + std::to_string(step_));
  }

  void flag(const std::vector<uint8_t>& steps, Place place) {
    for (size_t i = 0; i < steps.size(); ++i) {
      if (steps[i]) place_[i] = place;
    }
  }

  Status add_arc(const FlowArc& arc, int64_t* value) {
    if (arc.bytes <= 0) return failure("an arc carries " + std::to_string(arc.bytes) + " bytes");
    int32_t from = -1, to = -1;
    if (arc.from) {
      MEMOPT_ASSIGN_OR_RETURN(from, find_step(*arc.from, plan_));
    }
    if (arc.to) {
      MEMOPT_ASSIGN_OR_RETURN(to, find_step(*arc.to, plan_));
    }
    MEMOPT_RETURN_IF_ERROR(arc.value.empty() ? check_wait(arc, from, to)
                                             : use_storage(arc, from, to));
    const bool leaves_source = from < 0 || place_[static_cast<size_t>(from)] == Place::kHasRun;
    if ((from >= 0 && place_[static_cast<size_t>(from)] == Place::kHasNot) ||
        (to >= 0 && place_[static_cast<size_t>(to)] == Place::kHasRun) ||
        (from == to && from >= 0)) {
      return failure("an arc from " + text(from) + " to " + text(to) + " proves nothing");
    }
    if (leaves_source) MEMOPT_RETURN_IF_ERROR(add(value, arc.bytes));
    if (from >= 0) MEMOPT_RETURN_IF_ERROR(add(&surplus_[static_cast<size_t>(from)], arc.bytes));
    if (to >= 0) MEMOPT_RETURN_IF_ERROR(add(&surplus_[static_cast<size_t>(to)], -arc.bytes));
    return {};
  }

  static std::string text(int32_t step) {
    return step < 0 ? "the start or end" : "step " + std::to_string(step);
  }

  static Status add(int64_t* sum, int64_t bytes) {
    const std::optional<int64_t> result = checked_add(*sum, bytes);
    if (!result) return failure("the flow adds up to more than 64 bits hold");
    *sum = *result;
    return {};
  }

  Status check_wait(const FlowArc& arc, int32_t from, int32_t to) const {
    if (arc.from && arc.to) {
      const std::vector<int32_t>& before = problem_.steps[static_cast<size_t>(from)].before;
      if (std::binary_search(before.begin(), before.end(), to)) return {};
    }
    return failure("an arc without a value goes from " + text(from) + " to " + text(to) +
                   ", which it does not wait for");
  }

  Status use_storage(const FlowArc& arc, int32_t from, int32_t to) {
    const auto found = by_name_.find(arc.value);
    if (found == by_name_.end()) return failure("no value '" + arc.value + "' owns arena bytes");
    const int32_t index = found->second;
    const ArenaStorage& storage = storage_at(index);
    const auto touches = [&](int32_t step) {
      return std::binary_search(storage.steps.begin(), storage.steps.end(), step);
    };
    if (touches(step_)) {
      return failure("'" + arc.value + "' is counted already: step " + std::to_string(step_) +
                     " touches it");
    }
    if (!(from < 0 ? storage.at_start : touches(from)) ||
        !(to < 0 ? storage.at_end : touches(to))) {
      return failure("'" + arc.value + "' need not be occupied between " + text(from) + " and " +
                     text(to));
    }
    int64_t& used = used_[static_cast<size_t>(index)];
    if (arc.bytes > storage.bytes - used) {
      return failure("the flow over '" + arc.value + "' is more than its " +
                     std::to_string(storage.bytes) + " bytes");
    }
    used += arc.bytes;
    return {};
  }

  const Plan& plan_;
  const Problem& problem_;
  const int32_t step_;
  const StepDemand demand_;
  int64_t touched_bytes_ = 0;
  int64_t walk_work_ = 0;  // of one walk over all steps
  int64_t work_ = 0;
  std::map<std::string, int32_t, std::less<>> by_name_;
  std::vector<Place> place_;      // per step
  std::vector<int64_t> surplus_;  // per step: flow out less flow in
  std::vector<int64_t> used_;     // per storage: flow over it
};

}  // namespace

Status check_flow(const FlowWitness& witness, int64_t bytes, const Plan& plan,
                  const Problem& problem) {
  MEMOPT_ASSIGN_OR_RETURN(const int32_t step, find_step(witness.step, plan));
  FlowChecker checker(plan, problem, step);
  MEMOPT_RETURN_IF_ERROR(check_values(witness.values, checker.at().storages, plan, problem));
  if (witness.scratch_bytes != checker.at().scratch_bytes) {
    return failure("scratch_bytes is " + std::to_string(witness.scratch_bytes) + ", found " +
                   std::to_string(checker.at().scratch_bytes));
  }
  MEMOPT_RETURN_IF_ERROR(checker.check_cases(witness.cases));
  std::optional<int64_t> least;
  for (const FlowCase& one : witness.cases) {
    MEMOPT_ASSIGN_OR_RETURN(const int64_t found, checker.check_case(one));
    if (found != one.bytes) {
      return failure("a case states " + std::to_string(one.bytes) + " bytes, found " +
                     std::to_string(found));
    }
    least = std::min(least.value_or(found), found);
  }
  if (!least || bytes != *least) {
    return failure("the bound is " + std::to_string(bytes) + ", found " +
                   std::to_string(least.value_or(0)));
  }
  return {};
}

}  // namespace memopt::certificate
