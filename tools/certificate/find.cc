#include "tools/certificate/find.h"

#include <algorithm>
#include <numeric>

#include "tools/certificate/check.h"
#include "tools/certificate/exhaustion.h"
#include "tools/certificate/find_flow.h"
#include "tools/certificate/occupancy.h"

namespace memopt::certificate {
namespace {

constexpr int64_t kFirstSearchWork = 1 << 14;

class Finder {
 public:
  Finder(const Plan& plan, const Problem& problem, const FindLimits& limits)
      : plan_(plan),
        problem_(problem),
        limits_(limits),
        running_(running_bytes_in_order(problem)),
        by_running_(running_.size()) {
    std::iota(by_running_.begin(), by_running_.end(), 0);
    std::stable_sort(by_running_.begin(), by_running_.end(),
                     [&](int32_t a, int32_t b) { return running_at(a) > running_at(b); });
    goal_ = std::max(start_bytes(problem), end_bytes(problem));
    if (!running_.empty()) goal_ = std::max(goal_, running_at(by_running_[0]));
  }

  std::vector<Statement> run() {
    offer_edges();
    offer_working_sets();
    offer_flows();
    if (best_.bytes < goal_) offer_exhaustion();
    std::vector<Statement> statements = {std::move(best_)};
    if (statements[0].bytes < goal_) statements.push_back(this_order());
    return statements;
  }

 private:
  int64_t running_at(int32_t step) const { return running_[static_cast<size_t>(step)]; }

  // Keeps the statement if it is stronger than the best so far.
  void offer(int64_t bytes, Witness witness) {
    if (bytes <= best_.bytes) return;
    best_ = {.orders = BoundKind::kAllOrders, .bytes = bytes, .witness = std::move(witness)};
  }

  void offer_edges() {
    for (const bool at_end : {false, true}) {
      std::vector<int32_t> storages;
      for (size_t i = 0; i < problem_.storages.size(); ++i) {
        const ArenaStorage& storage = problem_.storages[i];
        if (at_end ? storage.at_end : storage.at_start) storages.push_back(static_cast<int32_t>(i));
      }
      EdgeWitness witness{.at_end = at_end, .values = name_storages(storages, plan_, problem_)};
      const int64_t bytes = at_end ? end_bytes(problem_) : start_bytes(problem_);
      if (!at_end) best_ = {.orders = BoundKind::kAllOrders, .bytes = bytes, .witness = witness};
      offer(bytes, std::move(witness));
    }
  }

  // A step that needs no more than the best bound in the order of the plan cannot raise it.
  void offer_working_sets() {
    int64_t work = limits_.working_set_work;
    for (const int32_t step : by_running_) {
      if (running_at(step) <= best_.bytes || work <= 0 || limits_.stopped()) return;
      work -= problem_.step_count() + static_cast<int64_t>(problem_.storages.size());
      const StepDemand demand = demand_of(problem_, step);
      offer(demand.bytes - demand.saved_bytes,
            WorkingSetWitness{
                .step = name_step(step, plan_),
                .values = name_storages(demand.storages, plan_, problem_),
                .scratch_bytes = problem_.steps[static_cast<size_t>(step)].scratch_bytes,
                .saved_bytes = demand.saved_bytes});
    }
  }

  void offer_flows() {
    int64_t work = limits_.flow_work;
    for (const int32_t step : by_running_) {
      if (running_at(step) <= best_.bytes || work <= 0 || limits_.stopped()) return;
      FoundFlow found = find_flow(plan_, problem_, step, running_at(step), &work);
      offer(found.bytes, std::move(found.witness));
    }
  }

  // Steps where everything passes, in order.
  std::vector<int32_t> cuts() const {
    // Among the steps up to i, those that no other of them waits for: i is a cut if it alone is,
    // and if it alone of the steps from i on waits for none of them.
    const int32_t count = problem_.step_count();
    std::vector<int32_t> change(static_cast<size_t>(count) + 1, 0), loose_before, loose_after;
    const auto add = [&](int32_t from, int32_t to) {
      ++change[static_cast<size_t>(from)];
      --change[static_cast<size_t>(to)];
    };
    for (int32_t step = 0; step < count; ++step) {
      const std::vector<int32_t>& after = problem_.steps[static_cast<size_t>(step)].after;
      add(step, after.empty() ? count : after.front());
    }
    std::partial_sum(change.begin(), change.end(), std::back_inserter(loose_before));
    std::fill(change.begin(), change.end(), 0);
    for (int32_t step = 0; step < count; ++step) {
      const std::vector<int32_t>& before = problem_.steps[static_cast<size_t>(step)].before;
      add(before.empty() ? 0 : before.back() + 1, step + 1);
    }
    std::partial_sum(change.begin(), change.end(), std::back_inserter(loose_after));
    std::vector<int32_t> result;
    for (int32_t step = 0; step < count; ++step) {
      const auto at = static_cast<size_t>(step);
      if (loose_before[at] == 1 && loose_after[at] == 1) result.push_back(step);
    }
    return result;
  }

  // Of the parts between cuts, only one in which the order of the plan needs the most can prove
  // that no order needs less.
  void offer_exhaustion() {
    std::vector<int32_t> ends = cuts();
    if (ends.empty() || ends.back() != problem_.step_count() - 1) {
      ends.push_back(problem_.step_count() - 1);
    }
    int32_t begin = 0;
    for (const int32_t last : ends) {
      const auto first = running_.begin() + begin;
      if (*std::max_element(first, running_.begin() + last + 1) == goal_) try_part(begin, last);
      if (best_.bytes == goal_) return;
      begin = last + 1;
    }
  }

  void try_part(int32_t begin, int32_t last) {
    const Problem forward = part_of(problem_, begin, last + 1);
    const Problem backward = reversed(forward);
    for (int64_t work = std::min(kFirstSearchWork, limits_.search_work); !limits_.stopped();
         work = std::min(work * 4, limits_.search_work)) {
      for (const bool is_backward : {false, true}) {
        const Problem& part = is_backward ? backward : forward;
        const SearchOutcome found = search_orders(part, goal_ - 1, {most_states(part), work});
        if (found.end == SearchEnd::kOrderFound) return;
        if (found.end == SearchEnd::kLimitPassed) continue;
        ExhaustionWitness witness{.after = {},
                                  .through = {},
                                  .steps = last + 1 - begin,
                                  .backward = is_backward,
                                  .states = found.states,
                                  .work = found.work};
        if (begin > 0) witness.after = name_step(begin - 1, plan_);
        if (last + 1 < problem_.step_count()) witness.through = name_step(last, plan_);
        return offer(goal_, std::move(witness));
      }
      if (work == limits_.search_work) return;
    }
  }

  Statement this_order() const {
    const int32_t step = by_running_[0];
    const StepDemand demand = demand_in_order(problem_, step);
    return {.orders = BoundKind::kFixedOrder,
            .bytes = demand.bytes - demand.saved_bytes,
            .witness = OrderWitness{
                .step = name_step(step, plan_),
                .values = name_storages(demand.storages, plan_, problem_),
                .scratch_bytes = problem_.steps[static_cast<size_t>(step)].scratch_bytes,
                .saved_bytes = demand.saved_bytes}};
  }

  const Plan& plan_;
  const Problem& problem_;
  const FindLimits limits_;
  const std::vector<int64_t> running_;
  std::vector<int32_t> by_running_;  // steps, those that need the most first
  int64_t goal_ = 0;                 // what the order of the plan needs
  Statement best_;
};

}  // namespace

Result<Certificate> find_certificate(const Plan& plan, const FindLimits& limits,
                                     KernelLookup kernels) {
  MEMOPT_ASSIGN_OR_RETURN(const Problem problem, derive_problem(plan, kernels));
  Certificate certificate{.plan_digest = {},
                          .steps = problem.step_count(),
                          .arena_bytes = plan.arena_bytes,
                          .statements = Finder(plan, problem, limits).run()};
  for (const Statement& statement : certificate.statements) {
    const Status status = check_statement(statement, plan, problem);
    if (!status.ok()) {
      return internal_error("a certificate that its checker rejects: " + status.error().message);
    }
  }
  return certificate;
}

void adopt_claim(const Certificate& certificate, Plan& plan) {
  const Statement& strongest = certificate.statements.back();
  plan.certificate.kind = strongest.orders;
  plan.certificate.lower_bound_bytes = strongest.bytes;
}

}  // namespace memopt::certificate
