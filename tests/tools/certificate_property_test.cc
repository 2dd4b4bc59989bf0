// What certificates state is true: against brute force over all orders.
#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "compiler/ir/text.h"
#include "passes/compile.h"
#include "tests/support/random_graph.h"
#include "tests/tools/certificate_brute_force.h"
#include "tests/tools/certificate_problems.h"
#include "tools/certificate/check.h"
#include "tools/certificate/exhaustion.h"
#include "tools/certificate/find.h"
#include "tools/certificate/find_flow.h"
#include "tools/certificate/occupancy.h"

namespace memopt::certificate {
namespace {

constexpr SearchLimit kNoLimit{.states = int64_t{1} << 20, .work = int64_t{1} << 30};

class RandomProblems : public testing::TestWithParam<uint32_t> {
 protected:
  void SetUp() override {
    problem_ = random_problem(GetParam(), small_options(GetParam()));
    if (GetParam() % 4 == 0) problem_.always_bytes = 64;
    plan_ = names_for(problem_);
    least_ = least_bytes(problem_);
  }
  Problem problem_;
  Plan plan_;
  int64_t least_ = 0;
};

TEST_P(RandomProblems, OccupancyIsTheDefinition) {
  std::vector<int32_t> order(static_cast<size_t>(problem_.step_count()));
  std::iota(order.begin(), order.end(), 0);
  int64_t most = std::max(start_bytes(problem_), end_bytes(problem_));
  for (const int64_t bytes : running_bytes_in_order(problem_)) most = std::max(most, bytes);
  EXPECT_EQ(most, bytes_of_order(problem_, order));
  std::vector<int32_t> mirrored(order.rbegin(), order.rend());
  for (int32_t& step : mirrored) step = problem_.step_count() - 1 - step;
  EXPECT_EQ(bytes_of_order(reversed(problem_), mirrored), most);
}

// The least that the steps need; what is there at the start or end without being touched is not
// the search's business.
TEST_P(RandomProblems, TheSearchEndsExactlyBelowTheOptimum) {
  Problem steps_only = part_of(problem_, 0, problem_.step_count());
  const int64_t least = least_bytes(steps_only);
  for (const Problem& problem : {steps_only, reversed(steps_only)}) {
    EXPECT_EQ(search_orders(problem, least - 1, kNoLimit).end, SearchEnd::kExhausted);
    EXPECT_EQ(search_orders(problem, least, kNoLimit).end, SearchEnd::kOrderFound);
  }
}

TEST_P(RandomProblems, FlowsAndWorkingSetsAreLowerBounds) {
  for (int32_t step = 0; step < problem_.step_count(); ++step) {
    const StepDemand demand = demand_of(problem_, step);
    EXPECT_LE(demand.bytes - demand.saved_bytes, least_);
    int64_t work = 1 << 20;
    const FoundFlow found = find_flow(plan_, problem_, step, INT64_MAX, &work);
    EXPECT_LE(found.bytes, least_);
    EXPECT_GE(found.bytes, demand.bytes - demand.saved_bytes);
    const Status status = check_flow(found.witness, found.bytes, plan_, problem_);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }
}

TEST_P(RandomProblems, PartsBetweenCutsBoundTheWhole) {
  for (int32_t cut = 0; cut + 1 < problem_.step_count(); ++cut) {
    if (!is_cut(problem_, cut)) continue;
    const int64_t before = least_bytes(part_of(problem_, 0, cut + 1));
    const int64_t behind = least_bytes(part_of(problem_, cut + 1, problem_.step_count()));
    EXPECT_EQ(std::max({before, behind, start_bytes(problem_), end_bytes(problem_)}), least_);
  }
}

TEST_P(RandomProblems, ReversedIsTheMirrorImage) {
  const Problem mirror = reversed(problem_), again = reversed(mirror);
  const int32_t last = problem_.step_count() - 1;
  for (int32_t step = 0; step <= last; ++step) {
    for (const auto* steps : {&mirror.steps[step].before, &mirror.steps[step].after}) {
      EXPECT_TRUE(std::is_sorted(steps->begin(), steps->end()));
    }
    EXPECT_EQ(mirror.steps[step].storages, problem_.steps[last - step].storages);
    EXPECT_EQ(again.steps[step].before, problem_.steps[step].before);
    EXPECT_EQ(again.steps[step].after, problem_.steps[step].after);
    for (const int32_t other : problem_.steps[step].before) {
      const auto& before = mirror.steps[last - other].before;
      EXPECT_EQ(std::count(before.begin(), before.end(), last - step), 1);
    }
  }
  for (size_t i = 0; i < problem_.storages.size(); ++i) {
    EXPECT_TRUE(std::is_sorted(mirror.storages[i].steps.begin(), mirror.storages[i].steps.end()));
    EXPECT_EQ(again.storages[i].steps, problem_.storages[i].steps);
    EXPECT_EQ(mirror.storages[i].at_start, problem_.storages[i].at_end);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomProblems, testing::Range(0u, 400u));

// Steps that nobody orders, all of whose results stay: every set of them is a state, but the whole.
TEST(CertificateProperty, EverySetIsOneState) {
  for (const int32_t count : {1, 5, 11, 12, 14}) {
    Problem problem;
    for (int32_t step = 0; step < count; ++step) {
      problem.steps.emplace_back().storages = {step};
      problem.storages.push_back(
          {.value = 0, .bytes = 64, .at_start = false, .at_end = true, .steps = {step}});
    }
    const SearchOutcome found = search_orders(problem, 64 * count - 1, kNoLimit);
    EXPECT_EQ(found.end, SearchEnd::kExhausted);
    EXPECT_EQ(found.states, (int64_t{1} << count) - 1);
    SearchLimit tight = kNoLimit;  // what is left to try on the way to the last set
    tight.choices = count * (count + 1) / 2;
    EXPECT_EQ(search_orders(problem, 64 * count - 1, tight).end, SearchEnd::kExhausted);
    EXPECT_EQ(search_orders(problem, 64 * count, kNoLimit).end, SearchEnd::kOrderFound);
  }
}

// A search behind many steps that cost nothing is the search without them, whatever word of the
// state its steps are in.
TEST(CertificateProperty, StatesOfManySteps) {
  const auto problem_behind = [](int32_t idle) {
    Problem problem;
    problem.storages.push_back(
        {.value = 0, .bytes = 64, .at_start = true, .at_end = true, .steps = {}});
    for (int32_t step = 0; step < idle; ++step) {
      problem.steps.emplace_back().storages = {0};
      problem.storages[0].steps.push_back(step);
      if (step > 0) problem.steps[step].before = {step - 1};
      if (step > 0) problem.steps[step - 1].after = {step};
    }
    for (int32_t step = idle; step < idle + 6; ++step) {
      const auto storage = static_cast<int32_t>(problem.storages.size());
      problem.storages.push_back(
          {.value = 0, .bytes = 64, .at_start = false, .at_end = true, .steps = {step}});
      problem.steps.emplace_back().storages = {storage};
      if (idle == 0) continue;
      problem.steps[step].before = {idle - 1};
      problem.steps[idle - 1].after.push_back(step);
    }
    return problem;
  };
  for (const int32_t idle : {0, 1, 57, 58, 59, 60, 63, 64, 65, 122, 128, 190}) {
    SCOPED_TRACE(idle);
    const Problem problem = problem_behind(idle);
    const SearchOutcome found = search_orders(problem, 7 * 64 - 1, kNoLimit);
    EXPECT_EQ(found.end, SearchEnd::kExhausted);
    EXPECT_EQ(found.states, 63);
    EXPECT_EQ(search_orders(problem, 7 * 64, kNoLimit).end, SearchEnd::kOrderFound);
  }
}

TEST(CertificateProperty, NoStepsFitWhatIsThere) {
  Problem nothing;
  nothing.always_bytes = 128;
  EXPECT_EQ(search_orders(nothing, 128, kNoLimit).end, SearchEnd::kOrderFound);
  EXPECT_EQ(search_orders(nothing, 127, kNoLimit).end, SearchEnd::kExhausted);
}

struct Variant {
  const char* name;
  void (*change)(CompileOptions&);
};

constexpr Variant kVariants[] = {
    {"as it is", [](CompileOptions&) {}},
    {"without in_place", [](CompileOptions& o) { o.buffers.in_place = false; }},
    {"without views", [](CompileOptions& o) { o.buffers.views = false; }},
    {"without order", [](CompileOptions& o) { o.buffers.order = false; }},
    {"without reuse", [](CompileOptions& o) { o.buffers.reuse = false; }},
    {"io by caller", [](CompileOptions& o) { o.buffers.io_in_arena = false; }},
};

// Compiles small graphs in every way and compares with all orders of the plan's instructions.
TEST(CertificateProperty, StatementsAboutCompiledGraphsAreTrue) {
  std::map<std::string, int> seen;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Graph graph = random_graph(seed, 4 + static_cast<int>(seed % 5));
    for (const Variant& variant : kVariants) {
      SCOPED_TRACE(std::string(variant.name) + ", seed " + std::to_string(seed));
      CompileOptions options;
      variant.change(options);
      const auto model = compile_graph(graph, options);
      ASSERT_TRUE(model.ok()) << model.error().message;
      const Plan& plan = (*model)->plan();
      if (plan.instructions.size() > 8) continue;
      const auto certificate = find_certificate(plan);
      ASSERT_TRUE(certificate.ok()) << certificate.error().message;
      const Problem problem = *derive_problem(plan);
      const int64_t least = least_bytes(problem);
      ASSERT_GE(plan.arena_bytes, least);
      // So few steps are always searched through: the statement is the best there is.
      std::vector<int32_t> order(static_cast<size_t>(problem.step_count()));
      std::iota(order.begin(), order.end(), 0);
      const int64_t needed = bytes_of_order(problem, order);
      for (const Statement& statement : certificate->statements) {
        ++seen[std::string(witness_name(statement.witness))];
        const bool of_all = statement.orders == BoundKind::kAllOrders;
        EXPECT_LE(statement.bytes, of_all ? least : needed);
        if (!of_all || least == needed) {
          EXPECT_EQ(statement.bytes, needed);
        }
      }
    }
  }
  for (const char* kind : {"inputs", "working_set", "this_order"}) EXPECT_GT(seen[kind], 0) << kind;
}

// Two inputs, the larger of which nobody reads: dead when the first step begins, yet beside the
// other while the caller fills them. All claims are the same.
TEST(CertificateProperty, AnUnreadInputIsDeadWhenTheFirstStepBegins) {
  const auto graph = parse_graph(R"(graph "g" {
  %unread = input : f32[100]
  %x = input : f32[16]
  %two = constant : f32[64x16] splat 2
  %wide = binary(%x, %two) {fn=add} "wide" : f32[64x16]
  %y = reduce(%wide) {fn=sum axes=[0] keep_dims=0} "y" : f32[16]
  return %y
}
)");
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto model = compile_graph(*graph, {});
  ASSERT_TRUE(model.ok()) << model.error().message;
  const Plan& plan = (*model)->plan();
  EXPECT_EQ(plan.arena_bytes, 64 + 64 * 64);  // x or y, and wide: nothing of `unread`
  EXPECT_EQ(plan.certificate.lower_bound_bytes, plan.arena_bytes);
  EXPECT_EQ(plan.certificate.kind, BoundKind::kAllOrders);
  EXPECT_EQ(find_certificate(plan)->statements[0].bytes, plan.arena_bytes);
}

// What the planner says of all orders is what the certificate, derived from the plan alone, proves.
TEST(CertificateProperty, NoClaimExceedsWhatIsConfirmed) {
  int unread = 0;
  for (uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    const auto model = compile_graph(random_graph(seed, 4 + static_cast<int>(seed % 30)), {});
    ASSERT_TRUE(model.ok()) << model.error().message;
    const Plan& plan = (*model)->plan();
    const auto certificate = find_certificate(plan);
    ASSERT_TRUE(certificate.ok()) << certificate.error().message;
    const bool of_all = plan.certificate.kind == BoundKind::kAllOrders;
    const Statement& confirmed =
        of_all ? certificate->statements.front() : certificate->statements.back();
    EXPECT_LE(plan.certificate.lower_bound_bytes, confirmed.bytes);
    const Problem problem = *derive_problem(plan);
    unread += std::any_of(problem.storages.begin(), problem.storages.end(),
                          [](const ArenaStorage& storage) { return storage.is_idle_input(); });
  }
  EXPECT_GT(unread, 20);
}

// The derivation from the plan file agrees with the planner's own idea of the problem.
TEST(CertificateProperty, ThePlannersOptimumIsConfirmed) {
  int proved = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    const auto model = compile_graph(random_graph(seed, 6 + static_cast<int>(seed % 25)), {});
    ASSERT_TRUE(model.ok()) << model.error().message;
    const Plan& plan = (*model)->plan();
    const auto certificate = find_certificate(plan);
    ASSERT_TRUE(certificate.ok()) << certificate.error().message;
    EXPECT_EQ(certificate->statements.back().bytes, plan.certificate.lower_bound_bytes);
    if (plan.certificate.kind != BoundKind::kAllOrders) continue;
    ++proved;
    EXPECT_EQ(certificate->statements[0].bytes, plan.certificate.lower_bound_bytes);
  }
  EXPECT_GT(proved, 20);
}

}  // namespace
}  // namespace memopt::certificate
