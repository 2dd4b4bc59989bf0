#include "tools/certificate/check.h"

#include <algorithm>

#include "runtime/base/checked.h"
#include "tools/certificate/exhaustion.h"
#include "tools/certificate/occupancy.h"

namespace memopt::certificate {
namespace {

constexpr int64_t kMaxWork = int64_t{1} << 26;  // steps that a search may run, whatever is asked

Error failure(const std::string& message) { return {Code::kVerifyFailed, message}; }

Status expect(const std::string& what, int64_t stated, int64_t found) {
  if (stated == found) return {};
  return failure(what + " is " + std::to_string(stated) + ", found " + std::to_string(found));
}

int64_t bytes_of(const std::vector<int32_t>& storages, const Problem& problem) {
  int64_t bytes = 0;
  for (const int32_t storage : storages) {
    bytes += problem.storages[static_cast<size_t>(storage)].bytes;
  }
  return bytes;
}

Status check_edge(const EdgeWitness& witness, int64_t bytes, const Plan& plan,
                  const Problem& problem) {
  std::vector<int32_t> storages;
  for (size_t i = 0; i < problem.storages.size(); ++i) {
    const ArenaStorage& storage = problem.storages[i];
    if (witness.at_end ? storage.at_end : storage.at_start) {
      storages.push_back(static_cast<int32_t>(i));
    }
  }
  MEMOPT_RETURN_IF_ERROR(check_values(witness.values, storages, plan, problem));
  return expect("the bound", bytes, bytes_of(storages, problem));
}

// The sum that both kinds of witness at one step state.
template <typename W>
Status check_sum(const W& witness, int64_t bytes, const StepDemand& demand, int64_t scratch_bytes,
                 const Plan& plan, const Problem& problem) {
  MEMOPT_RETURN_IF_ERROR(check_values(witness.values, demand.storages, plan, problem));
  MEMOPT_RETURN_IF_ERROR(expect("scratch_bytes", witness.scratch_bytes, scratch_bytes));
  MEMOPT_RETURN_IF_ERROR(expect("saved_bytes", witness.saved_bytes, demand.saved_bytes));
  return expect("the bound", bytes, demand.bytes - demand.saved_bytes);
}

Status check_order(const OrderWitness& witness, int64_t bytes, const Plan& plan,
                   const Problem& problem) {
  MEMOPT_ASSIGN_OR_RETURN(const int32_t step, find_step(witness.step, plan));
  const StepDemand demand = demand_in_order(problem, step);
  return check_sum(witness, bytes, demand, problem.steps[static_cast<size_t>(step)].scratch_bytes,
                   plan, problem);
}

Status check_working_set(const WorkingSetWitness& witness, int64_t bytes, const Plan& plan,
                         const Problem& problem) {
  MEMOPT_ASSIGN_OR_RETURN(const int32_t step, find_step(witness.step, plan));
  const StepDemand demand = demand_of(problem, step);
  return check_sum(witness, bytes, demand, problem.steps[static_cast<size_t>(step)].scratch_bytes,
                   plan, problem);
}

Result<int32_t> find_cut(const StepName& name, const Plan& plan, const Problem& problem) {
  MEMOPT_ASSIGN_OR_RETURN(const int32_t step, find_step(name, plan));
  if (is_cut(problem, step)) return step;
  return failure("step " + std::to_string(step) + " ('" + name.name +
                 "') is no cut: some step may run before or after it");
}

Status check_exhaustion(const ExhaustionWitness& witness, int64_t bytes, const Plan& plan,
                        const Problem& problem) {
  int32_t begin = 0, end = problem.step_count();
  if (witness.after) {
    MEMOPT_ASSIGN_OR_RETURN(const int32_t step, find_cut(*witness.after, plan, problem));
    begin = step + 1;
  }
  if (witness.through) {
    MEMOPT_ASSIGN_OR_RETURN(const int32_t step, find_cut(*witness.through, plan, problem));
    end = step + 1;
  }
  if (begin >= end) return failure("no steps to order between the cuts");
  MEMOPT_RETURN_IF_ERROR(expect("the number of steps to order", witness.steps, end - begin));
  if (bytes <= 0 || bytes % kArenaAlignment != 0) {
    return failure("the bound is " + std::to_string(bytes) + ", no positive multiple of " +
                   std::to_string(kArenaAlignment));
  }
  Problem part = part_of(problem, begin, end);
  if (witness.backward) part = reversed(part);
  if (witness.states < 0 || witness.states > most_states(part) || witness.work < 0 ||
      witness.work > kMaxWork) {
    return failure("a search of " + std::to_string(witness.states) + " states and " +
                   std::to_string(witness.work) + " steps of work is beyond the limits of " +
                   std::to_string(most_states(part)) + " and " + std::to_string(kMaxWork));
  }
  const SearchOutcome found = search_orders(part, bytes - 1, {witness.states, witness.work});
  if (found.end == SearchEnd::kOrderFound) {
    return failure("the bound is " + std::to_string(bytes) + ", but some order needs less");
  }
  if (found.end == SearchEnd::kLimitPassed) {
    return failure("the search did not end within " + std::to_string(witness.states) +
                   " states and " + std::to_string(witness.work) + " steps of work");
  }
  MEMOPT_RETURN_IF_ERROR(expect("the number of states", witness.states, found.states));
  return expect("the work", witness.work, found.work);
}

struct WitnessChecker {
  int64_t bytes;
  const Plan& plan;
  const Problem& problem;
  Status operator()(const EdgeWitness& w) const { return check_edge(w, bytes, plan, problem); }
  Status operator()(const OrderWitness& w) const { return check_order(w, bytes, plan, problem); }
  Status operator()(const WorkingSetWitness& w) const {
    return check_working_set(w, bytes, plan, problem);
  }
  Status operator()(const FlowWitness& w) const { return check_flow(w, bytes, plan, problem); }
  Status operator()(const ExhaustionWitness& w) const {
    return check_exhaustion(w, bytes, plan, problem);
  }
};

// The bound that the plan's own certificate claims is no more than what was confirmed.
Status check_claim(const Certificate& certificate, const Plan& plan) {
  int64_t confirmed = 0;
  for (const Statement& statement : certificate.statements) {
    const bool speaks_of_it = plan.certificate.kind == BoundKind::kFixedOrder ||
                              statement.orders == BoundKind::kAllOrders;
    if (speaks_of_it) confirmed = std::max(confirmed, statement.bytes);
  }
  if (plan.certificate.lower_bound_bytes <= confirmed) return {};
  return failure("the plan claims a lower bound of " +
                 std::to_string(plan.certificate.lower_bound_bytes) + " bytes (" +
                 std::string(bound_kind_name(plan.certificate.kind)) +
                 "), the certificate confirms " + std::to_string(confirmed));
}

}  // namespace

Result<int32_t> find_step(const StepName& step, const Plan& plan) {
  if (step.step < 0 || step.step >= static_cast<int64_t>(plan.instructions.size())) {
    return failure("step " + std::to_string(step.step) + " is not one of the " +
                   std::to_string(plan.instructions.size()) + " steps of the plan");
  }
  const std::string& name = plan.instructions[static_cast<size_t>(step.step)].name;
  if (name != step.name) {
    return failure("step " + std::to_string(step.step) + " is '" + step.name +
                   "', the plan calls it '" + name + "'");
  }
  return static_cast<int32_t>(step.step);
}

Status check_values(const std::vector<NamedBytes>& stated, const std::vector<int32_t>& storages,
                    const Plan& plan, const Problem& problem) {
  const std::vector<NamedBytes> found = name_storages(storages, plan, problem);
  for (size_t i = 0; i < std::min(stated.size(), found.size()); ++i) {
    if (stated[i] == found[i]) continue;
    return failure("value '" + stated[i].name + "' of " + std::to_string(stated[i].bytes) +
                   " bytes is listed, found '" + found[i].name + "' of " +
                   std::to_string(found[i].bytes) + " bytes");
  }
  return expect("the number of values listed", static_cast<int64_t>(stated.size()),
                static_cast<int64_t>(found.size()));
}

std::vector<NamedBytes> name_storages(const std::vector<int32_t>& storages, const Plan& plan,
                                      const Problem& problem) {
  std::vector<NamedBytes> result;
  for (const int32_t index : storages) {
    const ArenaStorage& storage = problem.storages[static_cast<size_t>(index)];
    result.push_back({plan.values[storage.value].name, storage.bytes});
  }
  return result;
}

StepName name_step(int32_t step, const Plan& plan) {
  return {step, plan.instructions[static_cast<size_t>(step)].name};
}

bool is_cut(const Problem& problem, int32_t step) {
  const std::vector<uint8_t> before = ancestors_of(problem, step);
  const std::vector<uint8_t> after = descendants_of(problem, step);
  for (int32_t other = 0; other < problem.step_count(); ++other) {
    if (other != step && !before[static_cast<size_t>(other)] && !after[static_cast<size_t>(other)])
      return false;
  }
  return true;
}

StepDemand demand_of(const Problem& problem, int32_t step) {
  const std::vector<uint8_t> before = ancestors_of(problem, step);
  const std::vector<uint8_t> after = descendants_of(problem, step);
  const Step& at = problem.steps[static_cast<size_t>(step)];
  const auto begun = [&](const ArenaStorage& storage) {
    return storage.at_start ||
           std::any_of(storage.steps.begin(), storage.steps.end(),
                       [&](int32_t other) { return before[static_cast<size_t>(other)] != 0; });
  };
  const auto needed = [&](const ArenaStorage& storage) {
    return storage.at_end ||
           std::any_of(storage.steps.begin(), storage.steps.end(),
                       [&](int32_t other) { return after[static_cast<size_t>(other)] != 0; });
  };
  StepDemand demand;
  for (size_t i = 0; i < problem.storages.size(); ++i) {
    const auto index = static_cast<int32_t>(i);
    const bool touched = std::binary_search(at.storages.begin(), at.storages.end(), index);
    if (!touched && !(begun(problem.storages[i]) && needed(problem.storages[i]))) continue;
    demand.storages.push_back(index);
  }
  for (const Overwrite& pair : at.overwrites) {
    if (begun(problem.storages[static_cast<size_t>(pair.result)]) ||
        needed(problem.storages[static_cast<size_t>(pair.operand)]))
      continue;
    demand.possible.push_back(pair);
  }
  demand.bytes = problem.always_bytes + bytes_of(demand.storages, problem) + at.scratch_bytes;
  demand.saved_bytes = most_saved(demand.possible, has_many(at));
  return demand;
}

StepDemand demand_in_order(const Problem& problem, int32_t step) {
  Occupancy occupancy(problem);
  for (int32_t other = 0; other < step; ++other) occupancy.run(other);
  const Step& at = problem.steps[static_cast<size_t>(step)];
  StepDemand demand;
  for (int32_t i = 0; i < static_cast<int32_t>(problem.storages.size()); ++i) {
    if (occupancy.is_occupied(i) || std::binary_search(at.storages.begin(), at.storages.end(), i)) {
      demand.storages.push_back(i);
    }
  }
  demand.bytes = problem.always_bytes + bytes_of(demand.storages, problem) + at.scratch_bytes;
  demand.saved_bytes = occupancy.saved_bytes(step);
  return demand;
}

Status check_statement(const Statement& statement, const Plan& plan, const Problem& problem) {
  const bool of_this_order = std::holds_alternative<OrderWitness>(statement.witness);
  if (of_this_order != (statement.orders == BoundKind::kFixedOrder)) {
    return failure("a witness '" + std::string(witness_name(statement.witness)) +
                   "' proves nothing about " + (of_this_order ? "all orders" : "this order alone"));
  }
  if (statement.bytes > plan.arena_bytes) {
    return failure("the bound is " + std::to_string(statement.bytes) +
                   ", more than the arena of the plan, " + std::to_string(plan.arena_bytes));
  }
  return std::visit(WitnessChecker{statement.bytes, plan, problem}, statement.witness);
}

Status check_certificate(const Certificate& certificate, const Plan& plan,
                         const std::string& digest, KernelLookup kernels) {
  if (certificate.plan_digest != digest) {
    return failure("the certificate is of another plan: of digest " + certificate.plan_digest +
                   ", this one has " + digest);
  }
  MEMOPT_RETURN_IF_ERROR(expect("the number of steps", certificate.steps,
                                static_cast<int64_t>(plan.instructions.size())));
  MEMOPT_RETURN_IF_ERROR(expect("arena_bytes", certificate.arena_bytes, plan.arena_bytes));
  if (certificate.statements.empty()) return failure("the certificate states nothing");
  const auto of_all = std::count_if(
      certificate.statements.begin(), certificate.statements.end(),
      [](const Statement& statement) { return statement.orders == BoundKind::kAllOrders; });
  if (of_all > 1 || static_cast<int64_t>(certificate.statements.size()) - of_all > 1) {
    return failure("more than one statement about all orders, or about this order");
  }
  MEMOPT_ASSIGN_OR_RETURN(const Problem problem, derive_problem(plan, kernels));
  for (size_t i = 0; i < certificate.statements.size(); ++i) {
    const Status status = check_statement(certificate.statements[i], plan, problem);
    if (!status.ok()) return in_context("statement " + std::to_string(i), status.error());
  }
  return check_claim(certificate, plan);
}

}  // namespace memopt::certificate
