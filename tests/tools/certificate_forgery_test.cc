// Statements about one step, about inputs and outputs, and searches, forged.
#include <functional>

#include "tests/tools/certificate_forgeries.h"
#include "tools/certificate/exhaustion.h"

namespace memopt::certificate {
namespace {

// Statements about one step, forged: each number and value of another step, and sums that fit.
template <typename W>
class SumForger {
 public:
  SumForger(const Problem& problem, const Plan& plan, BoundKind orders,
            std::function<StepDemand(int32_t)> demand)
      : problem_(problem), plan_(plan), orders_(orders), demand_(std::move(demand)) {}

  W right(int32_t step) const {
    const StepDemand demand = demand_(step);
    return {.step = name_step(step, plan_),
            .values = name_storages(demand.storages, plan_, problem_),
            .scratch_bytes = problem_.steps[step].scratch_bytes,
            .saved_bytes = demand.saved_bytes};
  }

  bool accepts(const W& witness) const {
    int64_t bytes = problem_.always_bytes + witness.scratch_bytes - witness.saved_bytes;
    for (const NamedBytes& value : witness.values) bytes += value.bytes;
    return check_statement({.orders = orders_, .bytes = bytes, .witness = witness}, plan_, problem_)
        .ok();
  }

  void run() const {
    for (int32_t step = 0; step < problem_.step_count(); ++step) {
      const W good = right(step);
      ASSERT_TRUE(accepts(good));
      each_change(good, [&](const W& bad, const char* what) {
        EXPECT_FALSE(accepts(bad)) << what << " of step " << step;
      });
      for (int32_t other = 0; other < problem_.step_count(); ++other) {
        W bad = right(other);
        const bool same = bad.values == good.values && bad.scratch_bytes == good.scratch_bytes &&
                          bad.saved_bytes == good.saved_bytes;
        bad.step = good.step;
        EXPECT_EQ(accepts(bad), same) << "step " << other << " as " << step;
        bad.step = {good.step.step, name_step(other, plan_).name};
        EXPECT_EQ(accepts(bad), other == step);
      }
    }
    for (const int64_t nowhere : {int64_t{-1}, int64_t{problem_.step_count()}, INT64_MAX}) {
      W bad = right(0);
      bad.step.step = nowhere;
      EXPECT_FALSE(accepts(bad));
    }
  }

 private:
  void each_change(const W& good, const std::function<void(const W&, const char*)>& visit) const {
    for (const int64_t by : {-64, -1, 1, 64}) {
      W bad = good;
      bad.scratch_bytes += by;
      visit(bad, "scratch");
      bad = good;
      bad.saved_bytes += by;
      visit(bad, "saved");
      for (size_t i = 0; i < good.values.size(); ++i) {
        bad = good;
        bad.values[i].bytes += by;
        visit(bad, "bytes");
      }
    }
    for (size_t i = 0; i < good.values.size(); ++i) {
      W bad = good;
      bad.values.erase(bad.values.begin() + static_cast<std::ptrdiff_t>(i));
      visit(bad, "without a value");
      bad = good;
      bad.values[i].name += "x";
      visit(bad, "name");
      bad = good;
      bad.values.push_back(bad.values[i]);
      visit(bad, "value twice");
    }
    W more = good;
    more.values.push_back({"nobody", 64});
    visit(more, "one more");
  }

  const Problem& problem_;
  const Plan& plan_;
  const BoundKind orders_;
  const std::function<StepDemand(int32_t)> demand_;
};

TEST_P(Forgeries, AWorkingSetIsWhatTheDefinitionSays) {
  const Order order(problem_);
  for (int32_t step = 0; step < problem_.step_count(); ++step) {
    const StepDemand demand = demand_of(problem_, step);
    std::vector<int32_t> storages;
    int64_t bytes = problem_.always_bytes + problem_.steps[step].scratch_bytes;
    for (int32_t i = 0; i < static_cast<int32_t>(problem_.storages.size()); ++i) {
      if (order.touches(step, i) || (order.begun(step, i) && order.needed(step, i))) {
        storages.push_back(i);
        bytes += problem_.storages[i].bytes;
      }
    }
    EXPECT_EQ(demand.storages, storages);
    EXPECT_EQ(demand.bytes, bytes);
    EXPECT_EQ(demand.saved_bytes, saved_by(problem_, step, order.possible(step)));
    EXPECT_EQ(is_cut(problem_, step), order.is_cut(step));
  }
}

TEST_P(Forgeries, AStepOfThisOrderIsWhatTheDefinitionSays) {
  for (int32_t step = 0; step < problem_.step_count(); ++step) {
    const StepDemand demand = demand_in_order(problem_, step);
    const auto first = [&](const ArenaStorage& storage) {
      return storage.at_start ? -1 : storage.steps.empty() ? INT32_MAX : storage.steps.front();
    };
    const auto last = [&](const ArenaStorage& storage) {
      return storage.at_end ? INT32_MAX : storage.steps.empty() ? -1 : storage.steps.back();
    };
    std::vector<int32_t> storages;
    int64_t bytes = problem_.always_bytes + problem_.steps[step].scratch_bytes;
    for (int32_t i = 0; i < static_cast<int32_t>(problem_.storages.size()); ++i) {
      const ArenaStorage& storage = problem_.storages[i];
      if (first(storage) > step || last(storage) < step) continue;
      storages.push_back(i);
      bytes += storage.bytes;
    }
    std::vector<Overwrite> possible;
    for (const Overwrite& pair : problem_.steps[step].overwrites) {
      if (first(problem_.storages[pair.result]) == step &&
          last(problem_.storages[pair.operand]) == step) {
        possible.push_back(pair);
      }
    }
    EXPECT_EQ(demand.storages, storages);
    EXPECT_EQ(demand.bytes, bytes);
    EXPECT_EQ(demand.saved_bytes, saved_by(problem_, step, possible));
  }
}

TEST_P(Forgeries, WorkingSets) {
  const auto demand = [&](int32_t step) { return demand_of(problem_, step); };
  SumForger<WorkingSetWitness>(problem_, plan_, BoundKind::kAllOrders, demand).run();
}

TEST_P(Forgeries, StepsOfThisOrder) {
  const auto demand = [&](int32_t step) { return demand_in_order(problem_, step); };
  SumForger<OrderWitness>(problem_, plan_, BoundKind::kFixedOrder, demand).run();
}

// A statement about one order proves nothing about all, and the other way round.
TEST_P(Forgeries, StatementsAboutOtherOrders) {
  const SumForger<OrderWitness> of_this(problem_, plan_, BoundKind::kAllOrders, [&](int32_t step) {
    return demand_in_order(problem_, step);
  });
  const SumForger<WorkingSetWitness> of_all(
      problem_, plan_, BoundKind::kFixedOrder,
      [&](int32_t step) { return demand_of(problem_, step); });
  for (int32_t step = 0; step < problem_.step_count(); ++step) {
    EXPECT_FALSE(of_this.accepts(of_this.right(step)));
    EXPECT_FALSE(of_all.accepts(of_all.right(step)));
  }
}

TEST_P(Forgeries, InputsAndOutputs) {
  for (const bool at_end : {false, true}) {
    std::vector<int32_t> there, others;
    for (int32_t i = 0; i < static_cast<int32_t>(problem_.storages.size()); ++i) {
      const ArenaStorage& storage = problem_.storages[i];
      ((at_end ? storage.at_end : storage.at_start) ? there : others).push_back(i);
    }
    const auto accepts = [&](const std::vector<NamedBytes>& values, bool end) {
      int64_t bytes = 0;
      for (const NamedBytes& value : values) bytes += value.bytes;
      const Statement statement{.orders = BoundKind::kAllOrders,
                                .bytes = bytes,
                                .witness = EdgeWitness{.at_end = end, .values = values}};
      return check_statement(statement, plan_, problem_).ok();
    };
    const auto good = name_storages(there, plan_, problem_);
    EXPECT_TRUE(accepts(good, at_end));
    for (const int32_t other : others) {
      std::vector<int32_t> more = there;
      more.insert(std::upper_bound(more.begin(), more.end(), other), other);
      EXPECT_FALSE(accepts(name_storages(more, plan_, problem_), at_end));
    }
    for (size_t i = 0; i < good.size(); ++i) {
      std::vector<NamedBytes> less = good, larger = good;
      less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
      larger[i].bytes += 64;
      EXPECT_FALSE(accepts(less, at_end));
      EXPECT_FALSE(accepts(larger, at_end));
    }
    Statement statement{.orders = BoundKind::kAllOrders,
                        .bytes = 1,
                        .witness = EdgeWitness{.at_end = at_end, .values = good}};
    for (const NamedBytes& value : good) statement.bytes += value.bytes;
    EXPECT_FALSE(check_statement(statement, plan_, problem_).ok()) << "a byte more";
  }
}

// Any two steps as cuts, any bound, with exactly the numbers that the search has there.
TEST_P(Forgeries, Exhaustion) {
  const Order order(problem_);
  const int32_t steps = problem_.step_count();
  for (int32_t after = -1; after < steps; ++after) {
    for (int32_t through = 0; through <= steps; ++through) {
      const int32_t begin = after + 1, end = through == steps ? steps : through + 1;
      const bool cuts = (after < 0 || order.is_cut(after)) &&
                        (through == steps || order.is_cut(through)) && begin < end;
      const Problem part = part_of(problem_, begin, end);
      const int64_t least = cuts ? least_bytes(part) : 0;
      for (const bool backward : {false, true}) {
        const Problem searched = backward ? reversed(part) : part;
        for (const int64_t bytes : {int64_t{-64}, int64_t{0}, int64_t{64}, least - 64, least,
                                    least + 1, least + 64, least_ + 64}) {
          const SearchOutcome found =
              search_orders(searched, bytes - 1, {int64_t{1} << 20, int64_t{1} << 25});
          ExhaustionWitness witness{.after = {},
                                    .through = {},
                                    .steps = end - begin,
                                    .backward = backward,
                                    .states = found.states,
                                    .work = found.work};
          if (after >= 0) witness.after = name_step(after, plan_);
          if (through < steps) witness.through = name_step(through, plan_);
          const auto accepts = [&](const ExhaustionWitness& w) {
            return check_statement({BoundKind::kAllOrders, bytes, w}, plan_, problem_).ok();
          };
          for (const auto& [states, work] : {std::pair<int64_t, int64_t>{-1, found.work},
                                             {found.states, -1},
                                             {INT64_MAX, 1},
                                             {found.states, (int64_t{1} << 26) + 1}}) {
            ExhaustionWitness endless = witness;
            endless.states = states;
            endless.work = work;
            EXPECT_FALSE(accepts(endless));
          }
          const bool right = cuts && bytes > 0 && bytes % 64 == 0 && bytes <= least;
          ASSERT_EQ(accepts(witness), right) << after << " to " << through << ", " << bytes;
          if (!right) continue;
          EXPECT_LE(bytes, least_);
          for (const int64_t by : {-1, 1}) {
            ExhaustionWitness bad = witness;
            bad.states += by;
            EXPECT_FALSE(accepts(bad));
            bad = witness;
            bad.work += by;
            EXPECT_FALSE(accepts(bad));
            bad = witness;
            bad.steps += by;
            EXPECT_FALSE(accepts(bad));
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Certificate, Forgeries, testing::Range(0u, 120u));

// The numbers of a search that are out of range are named as such, and those at the limit are not.
TEST(CertificateLimits, OfASearch) {
  Problem problem;
  problem.steps.resize(2);
  problem.storages = {{.value = 0, .bytes = 64, .at_start = true, .at_end = true, .steps = {0, 1}}};
  problem.steps[0].storages = problem.steps[1].storages = {0};
  const Plan plan = names_for(problem);
  const int64_t states = most_states(problem), work = int64_t{1} << 26;
  for (const auto& [w, beyond] :
       std::vector<std::pair<ExhaustionWitness, bool>>{{{{}, {}, 2, false, -1, 0}, true},
                                                       {{{}, {}, 2, false, 0, -1}, true},
                                                       {{{}, {}, 2, false, states + 1, 0}, true},
                                                       {{{}, {}, 2, false, 0, work + 1}, true},
                                                       {{{}, {}, 2, false, states, work}, false}}) {
    const Status status = check_statement({BoundKind::kAllOrders, 64, w}, plan, problem);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message.find("beyond the limits") != std::string::npos, beyond)
        << status.error().message;
  }
}

TEST(CertificateProblem, AnIdleInputIsThereAtTheStartOnly) {
  for (const bool touched : {false, true}) {
    for (const bool start : {false, true}) {
      for (const bool end : {false, true}) {
        ArenaStorage storage{
            .value = 0, .bytes = 64, .at_start = start, .at_end = end, .steps = {}};
        if (touched) storage.steps = {0};
        EXPECT_EQ(storage.is_idle_input(), !touched && start && !end);
      }
    }
  }
}

// Up to eight pairs the best choice, above that every result saves.
TEST(CertificateProblem, SavingsOfManyPairs) {
  Step step;
  for (int32_t i = 0; i < 8; ++i) step.overwrites.push_back({100 + i % 4, i / 4, 64 + i});
  EXPECT_FALSE(has_many(step));
  EXPECT_EQ(most_saved(step.overwrites, false), try_pairs(step.overwrites, 0, {}));
  const int64_t of_results = 64 + 65 + 66 + 67;
  EXPECT_EQ(most_saved(step.overwrites, true), of_results);
  EXPECT_GT(of_results, most_saved(step.overwrites, false));
  step.overwrites.push_back({104, 2, 5});
  EXPECT_TRUE(has_many(step));
  EXPECT_EQ(most_saved(step.overwrites, true), of_results + 5);
  EXPECT_EQ(most_saved({}, true), 0);
}

// Ways double at each rung, steps do not.
TEST(CertificateProblem, AncestorsOfALadderTakeLinearTime) {
  Problem problem;
  const int32_t rungs = 200;
  problem.steps.resize(3 * rungs + 1);
  for (int32_t rung = 0; rung < rungs; ++rung) {
    for (const int32_t side : {1, 2}) {
      problem.steps[3 * rung + side].before = {3 * rung};
      problem.steps[3 * rung].after.push_back(3 * rung + side);
      problem.steps[3 * rung + side].after = {3 * rung + 3};
      problem.steps[3 * rung + 3].before.push_back(3 * rung + side);
    }
  }
  for (const int32_t step : {0, 3 * rungs, 3}) EXPECT_TRUE(is_cut(problem, step));
  EXPECT_FALSE(is_cut(problem, 1));
}
}  // namespace
}  // namespace memopt::certificate
