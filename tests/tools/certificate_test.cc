// The checker of certificates: each kind of witness on a plan that a reader can count, and every
// change of a valid certificate rejected.
#include "tools/certificate/certificate.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "passes/compile.h"
#include "runtime/plan/verify.h"
#include "tests/support/random_graph.h"
#include "tests/support/test_plan.h"
#include "tools/certificate/check.h"
#include "tools/certificate/find.h"

namespace memopt::certificate {
namespace {

using Json = nlohmann::ordered_json;

const std::string kDigest = "0123456789abcdef";
const Dims kBlock{16};  // f32: 64 bytes

Certificate certificate_of(const Plan& plan) {
  const Status verified = verify_plan(plan, test_kernel);
  EXPECT_TRUE(verified.ok()) << verified.error().message;
  auto found = find_certificate(plan, {}, test_kernel);
  EXPECT_TRUE(found.ok()) << found.error().message;
  found->plan_digest = kDigest;
  return *found;
}

Status check(const Json& json, const Plan& plan, KernelLookup kernels = test_kernel) {
  MEMOPT_ASSIGN_OR_RETURN(const Certificate certificate, parse_certificate(json.dump()));
  return check_certificate(certificate, plan, kDigest, kernels);
}

// Values of `blocks` blocks of 64 bytes at the given block of the arena.
class Builder : public TestPlanBuilder {
 public:
  uint32_t at(const std::string& name, int64_t block, int64_t blocks = 1) {
    return arena(name, {16 * blocks}, 64 * block);
  }
  uint32_t input(const std::string& name, int64_t block, int64_t blocks = 1) {
    const uint32_t value = at(name, block, blocks);
    plan.inputs.push_back(value);
    return value;
  }
  void output(uint32_t value) { plan.outputs.push_back(value); }
};

// x -> copy -> a -> scratch -> b -> relu in place -> y; the scratch is 4 blocks.
Plan chain_plan() {
  Builder builder;
  const uint32_t x = builder.input("x", 0), a = builder.at("a", 1), b = builder.at("b", 0);
  const uint32_t y = builder.at("y", 0);
  builder.unary("test.copy", x, a);
  PlanInstruction& scratch = builder.unary("test.scratch", a, b);
  scratch.scratch_offset_bytes = 128;
  scratch.scratch_bytes = 256;
  builder.unary("test.relu", b, y);
  builder.output(y);
  builder.plan.arena_bytes = 384;
  return builder.plan;
}

TEST(Certificate, WorkingSetOfAChain) {
  const Certificate found = certificate_of(chain_plan());
  ASSERT_EQ(found.statements.size(), 1u);
  EXPECT_EQ(found.statements[0].bytes, 384);
  const auto* const witness = std::get_if<WorkingSetWitness>(&found.statements[0].witness);
  ASSERT_NE(witness, nullptr);
  EXPECT_EQ(witness->step, (StepName{1, "node 1"}));
  EXPECT_EQ(witness->values, (std::vector<NamedBytes>{{"a", 64}, {"b", 64}}));
  EXPECT_EQ(witness->scratch_bytes, 256);
}

TEST(Certificate, InputsAloneCanBeTheBound) {
  Builder builder;
  const uint32_t x = builder.input("x", 0, 2);
  builder.input("unread", 2, 5);
  const uint32_t y = builder.at("y", 0, 2);
  builder.unary("test.relu", x, y);
  builder.output(y);
  const Certificate found = certificate_of(builder.plan);
  ASSERT_EQ(found.statements.size(), 1u);
  EXPECT_EQ(found.statements[0].bytes, 7 * 64);
  const auto* const witness = std::get_if<EdgeWitness>(&found.statements[0].witness);
  ASSERT_NE(witness, nullptr);
  EXPECT_FALSE(witness->at_end);
  EXPECT_TRUE(check(Json::parse(to_json(found)), builder.plan).ok());
}

// Two branches of x (4 blocks), each through a copy of it (a, c) to one block of that (b, d), then
// their sum. Interleaved, both copies are there together with x; else one copy, x and one block.
Plan branches_plan(bool interleaved) {
  Builder builder;
  const uint32_t x = builder.input("x", 0, 4);
  const uint32_t a = builder.at("a", 4, 4), c = builder.at("c", 8, 4);
  const uint32_t a1 = builder.box("a1", a, {0}, kBlock), c1 = builder.box("c1", c, {0}, kBlock);
  const uint32_t b = builder.at("b", 12), d = builder.at("d", 13), y = builder.at("y", 12);
  builder.unary("test.copy", x, a);
  if (interleaved) {
    builder.unary("test.copy", x, c);
    builder.unary("test.copy", a1, b);
  } else {
    builder.unary("test.copy", a1, b);
    builder.unary("test.copy", x, c);
  }
  builder.unary("test.copy", c1, d);
  builder.add(b, d, y);
  builder.output(y);
  return builder.plan;
}

TEST(Certificate, APoorOrderGetsAStatementForItselfAndOneForAllOrders) {
  const Plan plan = branches_plan(true);
  const Certificate found = certificate_of(plan);
  ASSERT_EQ(found.statements.size(), 2u);
  EXPECT_EQ(found.statements[0].orders, BoundKind::kAllOrders);
  EXPECT_EQ(found.statements[0].bytes, 8 * 64);  // x with a or c
  EXPECT_EQ(found.statements[1].orders, BoundKind::kFixedOrder);
  EXPECT_EQ(found.statements[1].bytes, 12 * 64);  // x, a and c
  const auto* const witness = std::get_if<OrderWitness>(&found.statements[1].witness);
  ASSERT_NE(witness, nullptr);
  EXPECT_EQ(witness->step, (StepName{1, "node 1"}));
  EXPECT_EQ(witness->values, (std::vector<NamedBytes>{{"x", 256}, {"a", 256}, {"c", 256}}));
  EXPECT_TRUE(check(Json::parse(to_json(found)), plan).ok());
}

// Whichever branch runs second, the result of the first is there too: no value by name, so no
// working set says it; trying both orders does.
TEST(Certificate, ExhaustionWhereTheOrderIsOptimal) {
  const Plan plan = branches_plan(false);
  const Certificate found = certificate_of(plan);
  ASSERT_EQ(found.statements.size(), 1u);
  EXPECT_EQ(found.statements[0].bytes, 9 * 64);
  const auto* const witness = std::get_if<ExhaustionWitness>(&found.statements[0].witness);
  ASSERT_NE(witness, nullptr);
  EXPECT_EQ(witness->steps, 5);
  EXPECT_TRUE(check(Json::parse(to_json(found)), plan).ok());
}

// v reads p while q or what is made of it is there in every order: an alternative, so a flow.
Plan alternatives_plan() {
  Builder builder;
  const uint32_t x = builder.input("x", 0);
  const uint32_t p = builder.at("p", 1), q = builder.at("q", 2, 2);
  const uint32_t q0 = builder.box("q0", q, {0}, kBlock), q1 = builder.box("q1", q, {16}, kBlock);
  const uint32_t r = builder.at("r", 4), v = builder.at("v", 5), s = builder.at("s", 6);
  const uint32_t y = builder.at("y", 7);
  builder.unary("test.copy", x, p);
  builder.unary("test.copy", p, q0);
  builder.unary("test.copy", q0, q1);
  builder.unary("test.copy", q1, r);
  PlanInstruction& big = builder.unary("test.scratch", p, v);
  big.scratch_offset_bytes = 8 * 64;
  big.scratch_bytes = 256;
  builder.add(r, v, s);
  builder.add(s, x, y);
  builder.output(y);
  builder.plan.arena_bytes = 12 * 64;
  return builder.plan;
}

TEST(Certificate, StatementsHoldForAlternatives) {
  const Plan plan = alternatives_plan();
  const Certificate found = certificate_of(plan);
  EXPECT_TRUE(check(Json::parse(to_json(found)), plan).ok());
}

TEST(Certificate, RoundTrip) {
  for (const Plan& plan : {chain_plan(), branches_plan(true), branches_plan(false)}) {
    const std::string text = to_json(certificate_of(plan));
    const auto parsed = parse_certificate(text);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_EQ(to_json(*parsed), text);
  }
}

TEST(Certificate, AnotherPlanIsRejected) {
  Certificate certificate = certificate_of(chain_plan());
  certificate.plan_digest[3] = 'f';
  const Status status = check_certificate(certificate, chain_plan(), kDigest, test_kernel);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::kVerifyFailed);
  EXPECT_NE(status.error().message.find("another plan"), std::string::npos);
}

TEST(Certificate, APlanThatClaimsMoreThanIsConfirmedIsRejected) {
  Plan plan = chain_plan();
  const Certificate certificate = certificate_of(plan);
  plan.certificate.lower_bound_bytes = 384;
  plan.certificate.kind = BoundKind::kAllOrders;
  EXPECT_TRUE(check_certificate(certificate, plan, kDigest, test_kernel).ok());
  plan.certificate.lower_bound_bytes = 385;
  EXPECT_FALSE(check_certificate(certificate, plan, kDigest, test_kernel).ok());
}

// The plan's own claim is covered by a statement about the orders that it speaks of.
TEST(Certificate, AClaimNeedsAStatementAboutItsOrders) {
  Plan plan = branches_plan(true);
  const Certificate both = certificate_of(plan);
  ASSERT_EQ(both.statements.size(), 2u);
  Certificate of_all = both, of_this = both, none = both;
  of_all.statements.pop_back();
  of_this.statements.erase(of_this.statements.begin());
  none.statements.clear();
  const auto accepts = [&](const Certificate& certificate, BoundKind kind, int64_t bytes) {
    plan.certificate.kind = kind;
    plan.certificate.lower_bound_bytes = bytes;
    return check_certificate(certificate, plan, kDigest, test_kernel).ok();
  };
  const auto all = BoundKind::kAllOrders, fixed = BoundKind::kFixedOrder;
  EXPECT_TRUE(accepts(both, all, 512));
  EXPECT_FALSE(accepts(both, all, 513));
  EXPECT_TRUE(accepts(both, fixed, 768));
  EXPECT_FALSE(accepts(both, fixed, 769));
  EXPECT_TRUE(accepts(of_all, fixed, 512));
  EXPECT_FALSE(accepts(of_all, fixed, 513));
  EXPECT_TRUE(accepts(of_this, fixed, 768));
  EXPECT_TRUE(accepts(of_this, all, 0));
  EXPECT_FALSE(accepts(of_this, all, 1));
  EXPECT_FALSE(accepts(none, all, 0));
}

TEST(Certificate, OneStatementAboutTheSameOrders) {
  const Plan plan = branches_plan(true);
  const Certificate both = certificate_of(plan);
  for (const size_t twice : {0, 1}) {
    Certificate bad = both;
    bad.statements[1 - twice] = bad.statements[twice];
    const Status status = check_certificate(bad, plan, kDigest, test_kernel);
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().message.find("more than one statement"), std::string::npos);
  }
}

TEST(Certificate, StepsAndArenaAreThoseOfThePlan) {
  const Plan plan = chain_plan();
  const Certificate good = certificate_of(plan);
  for (const int64_t by : {-64, -1, 1, 64}) {
    Certificate bad = good;
    bad.steps += by;
    EXPECT_FALSE(check_certificate(bad, plan, kDigest, test_kernel).ok());
    bad = good;
    bad.arena_bytes += by;
    EXPECT_FALSE(check_certificate(bad, plan, kDigest, test_kernel).ok());
  }
}

// Where the arena is smaller than a bound that holds, something else is wrong.
TEST(Certificate, NoBoundIsAboveTheArena) {
  Plan plan = chain_plan();
  Certificate certificate = certificate_of(plan);
  ASSERT_EQ(certificate.statements[0].bytes, plan.arena_bytes);
  plan.arena_bytes = certificate.arena_bytes = plan.arena_bytes - 1;
  plan.certificate.lower_bound_bytes = 0;
  EXPECT_FALSE(check_certificate(certificate, plan, kDigest, test_kernel).ok());
}

TEST(Certificate, AnErrorNamesTheStatement) {
  const Plan plan = branches_plan(true);
  Certificate bad = certificate_of(plan);
  bad.statements[1].bytes += 1;
  const Status status = check_certificate(bad, plan, kDigest, test_kernel);
  ASSERT_FALSE(status.ok());
  EXPECT_TRUE(status.error().message.starts_with("statement 1: ")) << status.error().message;
}

// Two branches of x and two of z, which is made of their sum in `blocks` parts: what the second
// pair needs is decided behind the step where everything passes.
Plan two_pairs_plan(int64_t blocks) {
  Builder builder;
  int64_t next = 0;
  const auto at = [&](const std::string& name, int64_t size) {
    next += size;
    return builder.at(name, next - size, size);
  };
  const auto pair_of = [&](uint32_t x, int64_t size, const std::string& name) {
    const uint32_t a = at(name + "a", size), c = at(name + "c", size);
    const uint32_t b = at(name + "b", 1), d = at(name + "d", 1), y = at(name + "y", 1);
    builder.unary("test.copy", x, a);
    builder.unary("test.copy", builder.box(name + "a1", a, {0}, kBlock), b);
    builder.unary("test.copy", x, c);
    builder.unary("test.copy", builder.box(name + "c1", c, {0}, kBlock), d);
    builder.add(b, d, y);
    return y;
  };
  next = 4;
  const uint32_t y = pair_of(builder.input("x", 0, 4), 4, "first");
  const uint32_t z = at("z", blocks);
  for (int64_t i = 0; i < blocks; ++i) {
    builder.unary("test.copy", y, builder.box("z" + std::to_string(i), z, {16 * i}, kBlock));
  }
  builder.output(pair_of(z, blocks, "second"));
  return builder.plan;
}

TEST(Certificate, ExhaustionOfThePartThatNeedsTheMost) {
  const Certificate behind = certificate_of(two_pairs_plan(6));
  ASSERT_EQ(behind.statements.size(), 1u);
  EXPECT_EQ(behind.statements[0].bytes, 13 * 64);  // z, a copy of it, and a block
  const auto* witness = std::get_if<ExhaustionWitness>(&behind.statements[0].witness);
  ASSERT_NE(witness, nullptr);
  EXPECT_EQ(witness->after, (StepName{4, "node 4"}));
  EXPECT_EQ(witness->through, std::nullopt);
  EXPECT_EQ(witness->steps, 11);

  const Certificate before = certificate_of(two_pairs_plan(2));
  ASSERT_EQ(before.statements.size(), 1u);
  EXPECT_EQ(before.statements[0].bytes, 9 * 64);
  witness = std::get_if<ExhaustionWitness>(&before.statements[0].witness);
  ASSERT_NE(witness, nullptr);
  EXPECT_EQ(witness->after, std::nullopt);
  EXPECT_EQ(witness->through, (StepName{4, "node 4"}));
  EXPECT_EQ(witness->steps, 5);
}

// With less work the statements are weaker, but right; with enough they are not.
TEST(Certificate, LimitsOnlyWeaken) {
  const Plan plan = two_pairs_plan(6);
  int64_t last = 0;
  for (const FindLimits& limits :
       {FindLimits{0, 0, 0}, FindLimits{1'000'000, 0, 0}, FindLimits{1'000'000, 1'000'000, 0},
        FindLimits{1'000'000, 1'000'000, 100'000}}) {
    auto found = find_certificate(plan, limits, test_kernel);
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_GE(found->statements[0].bytes, last);
    last = found->statements[0].bytes;
    EXPECT_EQ(found->statements.size(), last == 13 * 64 ? 1u : 2u);
    EXPECT_EQ(found->statements.back().bytes, 13 * 64) << "of this order";
    Plan claiming = plan;
    adopt_claim(*found, claiming);
    EXPECT_EQ(claiming.certificate.lower_bound_bytes, 13 * 64);
    EXPECT_EQ(claiming.certificate.kind, found->statements.back().orders);
  }
  EXPECT_EQ(last, 13 * 64);
}

TEST(Certificate, StoppedAtAnyPointItIsWeakerButRight) {
  const Plan plan = two_pairs_plan(6);
  int64_t last = 0;
  int questions = 0;
  for (int allowed = 0; questions >= allowed - 1; ++allowed) {
    questions = 0;
    FindLimits limits;
    limits.stopped = [&] { return questions == allowed || (++questions, false); };
    auto found = find_certificate(plan, limits, test_kernel);
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_GE(found->statements[0].bytes, last);
    last = found->statements[0].bytes;
    EXPECT_EQ(found->statements.back().bytes, 13 * 64) << "of this order";
  }
  EXPECT_GT(questions, 2);
  EXPECT_EQ(last, 13 * 64);
}

TEST(Certificate, MalformedFilesAreBadInput) {
  const std::string good = to_json(certificate_of(chain_plan()));
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), good + "}",
        std::string("{\"schema\":1}"), good.substr(0, good.size() / 2)}) {
    const auto parsed = parse_certificate(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, Code::kBadInput);
  }
}

// Calls `visit` with a pointer to every number, string, list and object of the document.
void each_item(const Json& json, const Json::json_pointer& at,
               const std::function<void(const Json::json_pointer&)>& visit) {
  visit(at);
  if (json.is_object()) {
    for (const auto& [name, item] : json.items()) each_item(item, at / name, visit);
  } else if (json.is_array()) {
    for (size_t i = 0; i < json.size(); ++i) each_item(json[i], at / i, visit);
  }
}

std::vector<Json> mutations_of(const Json& item) {
  if (item.is_string()) {
    if (item == "") return {"x", 7};
    return {item.get<std::string>() + "x", "", 7};
  }
  if (item.is_object()) {
    std::vector<Json> results = {Json::array(), nullptr};
    for (const auto& [name, member] : item.items()) {
      Json without = item;
      without.erase(name);
      results.push_back(without);
    }
    Json more = item;
    more["unknown"] = 1;
    results.push_back(more);
    return results;
  }
  if (item.is_array()) {
    std::vector<Json> results = {Json::object()};
    if (item.empty()) return results;
    Json shorter = item, longer = item;
    shorter.erase(shorter.size() - 1);
    longer.push_back(item.back());
    results.insert(results.end(), {shorter, longer});
    return results;
  }
  const auto number = item.get<int64_t>();
  std::vector<Json> results;
  for (const int64_t changed : {number + 1, number - 1, int64_t{0}, number * 2, -number - 1,
                                number + 64, number - 64, INT64_MAX, INT64_MIN}) {
    if (changed != number) results.push_back(changed);
  }
  results.push_back(UINT64_MAX);
  results.push_back(1e300);
  results.push_back(static_cast<double>(number) + 0.5);
  return results;
}

// Of two statements, each is true alone.
bool is_harmless(const Json::json_pointer& at, const Json& item, const Json& changed) {
  return at.to_string() == "/statements" && changed.is_array() && changed.size() < item.size() &&
         !changed.empty();
}

void expect_every_change_rejected(const Json& good, const Plan& plan, KernelLookup kernels,
                                  int* tried) {
  const Status accepted = check(good, plan, kernels);
  ASSERT_TRUE(accepted.ok()) << accepted.error().message;
  each_item(good, Json::json_pointer(), [&](const Json::json_pointer& at) {
    const Json& item = good[at];
    for (const Json& changed : mutations_of(item)) {
      if (is_harmless(at, item, changed)) continue;
      Json bad = good;
      bad[at] = changed;
      const Status status = check(bad, plan, kernels);
      ++*tried;
      EXPECT_FALSE(status.ok()) << at.to_string() << ": " << item.dump() << " -> "
                                << changed.dump();
      if (!status.ok()) {
        EXPECT_TRUE(status.error().code == Code::kBadInput ||
                    status.error().code == Code::kVerifyFailed);
      }
    }
  });
}

TEST(CertificateMutation, HandMadePlans) {
  int tried = 0;
  for (const Plan& plan :
       {chain_plan(), branches_plan(true), branches_plan(false), alternatives_plan()}) {
    expect_every_change_rejected(Json::parse(to_json(certificate_of(plan))), plan, test_kernel,
                                 &tried);
  }
  EXPECT_GT(tried, 500);
}

TEST(CertificateMutation, CompiledGraphs) {
  std::map<std::string, int> seen;
  int tried = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    CompileOptions options;
    options.buffers.order = seed % 4 != 0;
    options.buffers.io_in_arena = seed % 5 != 0;
    SCOPED_TRACE(seed);
    const auto model = compile_graph(random_graph(seed, 8 + static_cast<int>(seed % 20)), options);
    ASSERT_TRUE(model.ok()) << model.error().message;
    Plan plan = (*model)->plan();
    auto found = find_certificate(plan);
    ASSERT_TRUE(found.ok()) << found.error().message;
    adopt_claim(*found, plan);
    found->plan_digest = kDigest;
    bool is_new = false;  // enough of the common ones
    for (const Statement& statement : found->statements) {
      is_new |= ++seen[std::string(witness_name(statement.witness))] <= 5;
    }
    if (is_new) {
      expect_every_change_rejected(Json::parse(to_json(*found)), plan, find_kernel, &tried);
    }
  }
  for (const char* kind :
       {"inputs", "outputs", "this_order", "working_set", "flow", "exhaustion"}) {
    RecordProperty(kind, seen[kind]);
    EXPECT_GT(seen[kind], 0) << kind;
  }
  EXPECT_GT(tried, 5000);
}

}  // namespace
}  // namespace memopt::certificate
