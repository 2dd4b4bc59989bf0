// Flow certificates, forged.
#include <random>

#include "tests/tools/certificate_forgeries.h"
#include "tools/certificate/find_flow.h"

namespace memopt::certificate {
namespace {

using Wide = __int128;

// The rules of flow certificates, said once more.
class FlowRules {
 public:
  FlowRules(const Problem& problem, const Plan& plan, int32_t step)
      : problem_(problem), plan_(plan), order_(problem), step_(step) {
    possible_ = order_.possible(step);
  }

  const std::string& name(int32_t storage) const {
    return plan_.values[problem_.storages[storage].value].name;
  }

  int64_t touched_bytes() const {
    int64_t bytes = problem_.always_bytes + problem_.steps[step_].scratch_bytes;
    for (int32_t i = 0; i < storages(); ++i) {
      if (order_.touches(step_, i)) bytes += problem_.storages[i].bytes;
    }
    return bytes;
  }

  // 1: has run when the step starts, in this case; 0: has not; -1: unknown.
  int runs(const FlowCase& one, int32_t other) const {
    if (other == step_ || order_.waits(other, step_)) return 0;
    if (order_.waits(step_, other)) return 1;
    for (const Overwrite& pair : possible_) {
      if (one.overwriting != Overwriting::kOperand || name(pair.operand) != one.operand) continue;
      for (const int32_t user : problem_.storages[pair.operand].steps) {
        if (user != step_ && (user == other || order_.waits(user, other))) return 1;
      }
      break;
    }
    return -1;
  }

  Wide saved(const FlowCase& one) const {
    if (one.overwriting == Overwriting::kNothing) return 0;
    if (one.overwriting == Overwriting::kAny) return saved_by(problem_, step_, possible_);
    for (const Overwrite& pair : possible_) {
      if (name(pair.operand) == one.operand) return pair.bytes;
    }
    return 0;
  }

  // What the case proves if its arcs are right.
  Wide bytes(const FlowCase& one) const {
    Wide bytes = touched_bytes() - saved(one);
    for (const FlowArc& arc : one.arcs) {
      const bool counts = !arc.from || (is_step(*arc.from) && runs(one, number(*arc.from)) == 1);
      if (counts) bytes += arc.bytes;
    }
    return bytes;
  }

  bool arcs_are_right(const FlowCase& one) const {
    std::map<int32_t, Wide> used, surplus;
    Wide source = 0;
    for (const FlowArc& arc : one.arcs) {
      if (!arc_is_right(one, arc)) return false;
      if (!arc.value.empty()) used[storage_of(arc.value)] += arc.bytes;
      if (!arc.from || runs(one, number(*arc.from)) == 1) source += arc.bytes;
      if (arc.from) surplus[number(*arc.from)] += arc.bytes;
      if (arc.to) surplus[number(*arc.to)] -= arc.bytes;
      const auto is_wide = [](Wide sum) { return sum > INT64_MAX || sum < INT64_MIN; };
      if (is_wide(source) || (arc.from && is_wide(surplus[number(*arc.from)])) ||
          (arc.to && is_wide(surplus[number(*arc.to)]))) {
        return false;
      }
    }
    for (const auto& [storage, bytes] : used) {
      if (bytes > problem_.storages[storage].bytes) return false;
    }
    return std::all_of(surplus.begin(), surplus.end(), [&](const auto& one_step) {
      return runs(one, one_step.first) != -1 || one_step.second == 0;
    });
  }

  bool cases_are_right(const std::vector<FlowCase>& cases) const {
    if (cases.size() == 1 && cases[0].overwriting == Overwriting::kAny) return true;
    std::map<std::string, int> left;
    for (const Overwrite& pair : possible_) {
      if (pair.result != possible_[0].result || ++left[name(pair.operand)] > 1) return false;
    }
    int nothing = 1;
    for (const FlowCase& one : cases) {
      if (one.overwriting == Overwriting::kAny) return false;
      if (one.overwriting == Overwriting::kNothing ? --nothing < 0 : --left[one.operand] < 0)
        return false;
    }
    return nothing == 0 && std::all_of(left.begin(), left.end(),
                                       [](const auto& operand) { return operand.second == 0; });
  }

  bool are_kept_by(const FlowWitness& witness, int64_t bound) const {
    std::vector<NamedBytes> touched;
    for (int32_t i = 0; i < storages(); ++i) {
      if (order_.touches(step_, i)) touched.push_back({name(i), problem_.storages[i].bytes});
    }
    if (witness.values != touched || witness.scratch_bytes != problem_.steps[step_].scratch_bytes ||
        witness.cases.empty() || !cases_are_right(witness.cases)) {
      return false;
    }
    Wide least = INT64_MAX;
    for (const FlowCase& one : witness.cases) {
      if (!arcs_are_right(one) || one.bytes != bytes(one)) return false;
      least = std::min(least, bytes(one));
    }
    return bound == least;
  }

  int32_t storages() const { return static_cast<int32_t>(problem_.storages.size()); }

 private:
  bool is_step(const StepName& step) const {
    return step.step >= 0 && step.step < problem_.step_count() &&
           plan_.instructions[step.step].name == step.name;
  }
  static int32_t number(const StepName& step) { return static_cast<int32_t>(step.step); }

  int32_t storage_of(const std::string& value) const {
    for (int32_t i = 0; i < storages(); ++i) {
      if (name(i) == value) return i;
    }
    return -1;
  }

  bool arc_is_right(const FlowCase& one, const FlowArc& arc) const {
    if (arc.bytes <= 0 || (arc.from && !is_step(*arc.from)) || (arc.to && !is_step(*arc.to)))
      return false;
    if (arc.from && runs(one, number(*arc.from)) == 0) return false;
    if (arc.to && runs(one, number(*arc.to)) == 1) return false;
    if (arc.from && arc.to && number(*arc.from) == number(*arc.to)) return false;
    if (arc.value.empty()) {
      if (!arc.from || !arc.to) return false;
      const auto& before = problem_.steps[number(*arc.from)].before;
      return std::count(before.begin(), before.end(), number(*arc.to)) > 0;
    }
    const int32_t storage = storage_of(arc.value);
    if (storage < 0 || order_.touches(step_, storage)) return false;
    const ArenaStorage& at = problem_.storages[storage];
    return (arc.from ? order_.touches(number(*arc.from), storage) : at.at_start) &&
           (arc.to ? order_.touches(number(*arc.to), storage) : at.at_end);
  }

  const Problem& problem_;
  const Plan& plan_;
  const Order order_;
  const int32_t step_;
  std::vector<Overwrite> possible_;
};

// Changes one thing about a flow certificate. Returns false where there is nothing to change.
class FlowForger {
 public:
  FlowForger(const Problem& problem, const Plan& plan, uint32_t seed)
      : problem_(problem), plan_(plan), random_(seed) {}

  static constexpr int kForgeries = 15;

  bool forge(int kind, FlowWitness& witness) {
    if (witness.cases.empty()) return false;
    FlowCase& one = witness.cases[below(witness.cases.size())];
    switch (kind) {
      case 0:  // an arc of anything from anywhere to anywhere
      case 1:
      case 2:
        one.arcs.push_back(any_arc());
        return true;
      case 3: {  // a way over a step
        const FlowArc first = any_arc(), second = any_arc();
        one.arcs.insert(one.arcs.end(), {first, second});
        one.arcs.back().from = first.to;
        if (below(2) == 0) one.arcs.back().bytes = first.bytes;
        return true;
      }
      case 4:  // all that flows, times a factor or a little more
        for (FlowArc& arc : one.arcs) arc.bytes *= 2;
        return !one.arcs.empty();
      case 5:
        if (one.arcs.empty()) return false;
        one.arcs[below(one.arcs.size())].bytes += below(2) == 0 ? 1 : -1;
        return true;
      case 6:
        if (one.arcs.empty()) return false;
        one.arcs.erase(one.arcs.begin() + static_cast<std::ptrdiff_t>(below(one.arcs.size())));
        return true;
      case 7: {  // what is true of another case
        if (witness.cases.size() < 2) return false;
        one.arcs = witness.cases[below(witness.cases.size())].arcs;
        return true;
      }
      case 8:  // a case is left out
        if (witness.cases.size() < 2) return false;
        witness.cases.erase(witness.cases.begin() +
                            static_cast<std::ptrdiff_t>(below(witness.cases.size())));
        return true;
      case 9: {  // a case twice, and maybe another one not
        const FlowCase copy = one;
        if (below(2) == 0) {
          witness.cases.push_back(copy);
        } else {
          witness.cases[below(witness.cases.size())] = copy;
        }
        return true;
      }
      case 10: {  // it overwrites something else
        one.overwriting = static_cast<Overwriting>(below(3));
        if (one.overwriting == Overwriting::kOperand) one.operand = any_value();
        return true;
      }
      case 11: {  // a case more
        FlowCase more = one;
        more.overwriting = static_cast<Overwriting>(below(3));
        more.operand = more.overwriting == Overwriting::kOperand ? any_value() : "";
        if (below(2) == 0) more.arcs.clear();
        witness.cases.push_back(more);
        return true;
      }
      case 12: {  // whatever may be overwritten, one by one, as if there were one result
        const FlowCase of_all = one;
        witness.cases = {
            {.overwriting = Overwriting::kNothing, .operand = {}, .arcs = of_all.arcs, .bytes = 0}};
        for (const Overwrite& pair : problem_.steps[witness.step.step].overwrites) {
          FlowCase& operand = witness.cases.emplace_back(of_all);
          operand.overwriting = Overwriting::kOperand;
          operand.operand = plan_.values[problem_.storages[pair.operand].value].name;
          if (below(2) == 0) operand.arcs.clear();
        }
        return true;
      }
      case 13:  // values that the step does not touch
        if (below(2) == 0 && !witness.values.empty()) {
          witness.values.pop_back();
        } else {
          witness.values.push_back({any_value(), 64});
        }
        return true;
      default: {  // more than 64 bits hold, between two that wait for each other
        FlowArc arc = any_arc();
        arc.value = "";
        arc.bytes = INT64_MAX;
        one.arcs.push_back(arc);
        one.arcs.push_back(arc);
        one.arcs.back().bytes = 2;
        return true;
      }
    }
  }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }

  std::optional<StepName> any_step() {
    const auto step = static_cast<int32_t>(below(problem_.steps.size() + 1)) - 1;
    if (step < 0) return std::nullopt;
    return name_step(step, plan_);
  }
  std::string any_value() {
    const auto index = below(problem_.storages.size() + 1);
    return index == problem_.storages.size() ? "nobody"
                                             : plan_.values[problem_.storages[index].value].name;
  }

  // Half of them along a storage or a dependence, so that only the rest can be wrong.
  FlowArc any_arc() {
    FlowArc arc{.value = any_value(), .from = any_step(), .to = any_step(), .bytes = 64};
    const auto& storage = problem_.storages[below(problem_.storages.size())];
    if (below(8) == 0) {
      arc.value = "";
      const auto step = static_cast<int32_t>(below(problem_.steps.size()));
      const auto& before = problem_.steps[step].before;
      if (!before.empty()) {
        arc.from = name_step(step, plan_);
        arc.to = name_step(before[below(before.size())], plan_);
      }
    } else if (below(4) != 0) {
      arc.value = plan_.values[storage.value].name;
      const auto& steps = storage.steps;
      if (!steps.empty() && below(4) != 0) arc.from = name_step(steps[below(steps.size())], plan_);
      if (!steps.empty() && below(4) != 0) arc.to = name_step(steps[below(steps.size())], plan_);
    }
    const int64_t sizes[] = {1, 64, storage.bytes, storage.bytes + 1, storage.bytes - 1, 0, -64};
    arc.bytes = sizes[below(std::size(sizes))];
    return arc;
  }

  const Problem& problem_;
  const Plan& plan_;
  std::mt19937 random_;
};
class FlowForgeries : public Forgeries {};

TEST_P(FlowForgeries, AFlowIsAcceptedIfItKeepsTheRules) {
  FlowForger forger(problem_, plan_, GetParam());
  for (int32_t step = 0; step < problem_.step_count(); ++step) {
    int64_t work = 1 << 20;
    const FoundFlow found = find_flow(plan_, problem_, step, INT64_MAX, &work);
    const FlowRules rules(problem_, plan_, step);
    for (int attempt = 0; attempt < 12 * FlowForger::kForgeries; ++attempt) {
      FlowWitness witness = found.witness;
      const int kind = attempt % FlowForger::kForgeries;
      if (!forger.forge(kind, witness)) continue;
      if (attempt % 7 == 0) forger.forge(attempt / 7 % FlowForger::kForgeries, witness);
      Wide least = INT64_MAX;
      for (FlowCase& one : witness.cases) {
        one.bytes = static_cast<int64_t>(rules.bytes(one));
        least = std::min<Wide>(least, one.bytes);
      }
      const auto bytes = static_cast<int64_t>(least);
      const bool accepted = check_flow(witness, bytes, plan_, problem_).ok();
      EXPECT_EQ(accepted, rules.are_kept_by(witness, bytes)) << "forgery " << kind;
      if (accepted) {
        EXPECT_LE(bytes, least_);
      }
    }
  }
}

// Over every storage, and where one waits, from anywhere to anywhere, as much as there is or a byte
// more.
TEST_P(FlowForgeries, EverySingleArc) {
  if (problem_.step_count() > 5) return;
  const int32_t steps = problem_.step_count();
  for (int32_t step = 0; step < steps; ++step) {
    const FlowRules rules(problem_, plan_, step);
    FlowWitness witness{.step = name_step(step, plan_),
                        .values = name_storages(problem_.steps[step].storages, plan_, problem_),
                        .scratch_bytes = problem_.steps[step].scratch_bytes,
                        .cases = {FlowCase{}}};
    FlowCase& one = witness.cases[0];
    const auto check = [&](const std::string& value, int64_t most) {
      for (int32_t from = -1; from < steps; ++from) {
        for (int32_t to = -1; to < steps; ++to) {
          for (const int64_t bytes : {int64_t{1}, most, most + 1}) {
            one.arcs = {{.value = value, .from = {}, .to = {}, .bytes = bytes}};
            if (from >= 0) one.arcs[0].from = name_step(from, plan_);
            if (to >= 0) one.arcs[0].to = name_step(to, plan_);
            one.bytes = static_cast<int64_t>(rules.bytes(one));
            const bool accepted = check_flow(witness, one.bytes, plan_, problem_).ok();
            ASSERT_EQ(accepted, rules.are_kept_by(witness, one.bytes))
                << value << " from " << from << " to " << to;
            if (accepted) {
              ASSERT_LE(one.bytes, least_);
            }
          }
        }
      }
    };
    check("", 64);
    for (int32_t i = 0; i < rules.storages(); ++i) check(rules.name(i), problem_.storages[i].bytes);
  }
}

TEST_P(FlowForgeries, AFlowStatesTheLeastOfItsCases) {
  plan_ = names_for(problem_);
  for (int32_t step = 0; step < problem_.step_count(); ++step) {
    int64_t work = 1 << 20;
    const FoundFlow found = find_flow(plan_, problem_, step, INT64_MAX, &work);
    for (const FlowCase& one : found.witness.cases) {
      const Status status = check_flow(found.witness, one.bytes, plan_, problem_);
      EXPECT_EQ(status.ok(), one.bytes == found.bytes);
    }
    for (const int64_t by : {-64, -1, 1, 64}) {
      EXPECT_FALSE(check_flow(found.witness, found.bytes + by, plan_, problem_).ok());
      for (size_t i = 0; i < found.witness.cases.size(); ++i) {
        FlowWitness witness = found.witness;
        witness.cases[i].bytes += by;
        EXPECT_FALSE(check_flow(witness, found.bytes, plan_, problem_).ok());
        EXPECT_FALSE(check_flow(witness, found.bytes + by, plan_, problem_).ok());
      }
    }
    FlowWitness more_scratch = found.witness;
    more_scratch.scratch_bytes += 64;
    EXPECT_FALSE(check_flow(more_scratch, found.bytes + 64, plan_, problem_).ok());
  }
}
INSTANTIATE_TEST_SUITE_P(Certificate, FlowForgeries, testing::Range(0u, 120u));

// What is there at the start and at the end is there all the time, with nobody in between.
TEST(Flow, GoesFromTheStartToTheEnd) {
  Problem problem;
  problem.steps.resize(2);
  problem.steps[0].storages = {0};
  problem.steps[1].storages = {1};
  problem.storages = {{.value = 0, .bytes = 64, .at_start = true, .at_end = true, .steps = {0}},
                      {.value = 1, .bytes = 128, .at_start = true, .at_end = false, .steps = {1}}};
  for (const bool at_end : {true, false}) {
    problem.storages[0].at_end = at_end;
    const Plan plan = names_for(problem);
    const FlowWitness witness{
        .step = name_step(1, plan),
        .values = {{"s1", 128}},
        .scratch_bytes = 0,
        .cases = {{.overwriting = Overwriting::kNothing,
                   .operand = {},
                   .arcs = {{.value = "s0", .from = {}, .to = {}, .bytes = 64}},
                   .bytes = 192}}};
    const Status status = check_flow(witness, 192, plan, problem);
    EXPECT_EQ(status.ok(), at_end) << (status.ok() ? "" : status.error().message);
  }
}

// `steps` steps read a value before the last one overwrites it: all of them have run then, and each
// is looked up.
TEST(CertificateLimits, CasesThatLookAtTooManySteps) {
  struct Case {
    int32_t steps, waits_for;  // the steps right before it
    bool ok;
  };
  for (const auto& [steps, waits_for, ok] :
       {Case{1000, 0, true}, Case{17'000, 0, false}, Case{1500, 300, false}}) {
    Problem problem;
    problem.steps.resize(steps);
    for (int32_t step = 0; step < steps; ++step) {
      for (int32_t before = std::max(0, step - waits_for); before < step; ++before) {
        problem.steps[step].before.push_back(before);
        problem.steps[before].after.push_back(step);
      }
    }
    problem.storages = {
        {.value = 0, .bytes = 64, .at_start = true, .at_end = false, .steps = {}},
        {.value = 1, .bytes = 64, .at_start = false, .at_end = true, .steps = {steps - 1}}};
    for (int32_t step = 0; step < steps; ++step) {
      problem.storages[0].steps.push_back(step);
      problem.steps[step].storages = {0};
    }
    problem.steps.back().storages = {0, 1};
    problem.steps.back().overwrites = {{.result = 1, .operand = 0, .bytes = 64}};
    const Plan plan = names_for(problem);
    const FlowWitness witness{
        .step = name_step(steps - 1, plan),
        .values = {{"s0", 64}, {"s1", 64}},
        .scratch_bytes = 0,
        .cases = {
            {.overwriting = Overwriting::kNothing, .operand = {}, .arcs = {}, .bytes = 128},
            {.overwriting = Overwriting::kOperand, .operand = "s0", .arcs = {}, .bytes = 64}}};
    const Status status = check_flow(witness, 64, plan, problem);
    EXPECT_EQ(status.ok(), ok);
    if (!status.ok()) {
      EXPECT_NE(status.error().message.find("beyond the limit"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace memopt::certificate
