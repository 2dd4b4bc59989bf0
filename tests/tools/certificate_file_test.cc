// Certificate files that are no certificates: a code and a message, within the memory that their
// shape allows; and searches that a plan makes too wide to finish.
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "tests/support/test_plan.h"
#include "tools/certificate/certificate.h"
#include "tools/certificate/check.h"
#include "tools/certificate/exhaustion.h"
#include "tools/certificate/find.h"
#include "tools/certificate/json_shape.h"

namespace memopt::certificate {
namespace {

using Json = nlohmann::ordered_json;

void expect_bad(const std::string& text, const std::string& word) {
  const auto parsed = parse_certificate(text);
  ASSERT_FALSE(parsed.ok()) << text.substr(0, 200);
  EXPECT_EQ(parsed.error().code, Code::kBadInput);
  EXPECT_NE(parsed.error().message.find(word), std::string::npos) << parsed.error().message;
}

Certificate every_witness() {
  const StepName step{1, "node"};
  const std::vector<NamedBytes> values = {{"a", 64}, {"b", 128}};
  const FlowCase nothing{Overwriting::kNothing, "", {{"a", step, {}, 64}, {"", {}, step, 7}}, 3};
  const FlowCase operand{Overwriting::kOperand, "b", {}, 5};
  const ExhaustionWitness between{step, StepName{3, "last"}, 2, true, 9, 11};
  const auto all = BoundKind::kAllOrders;
  return {"0123456789abcdef",
          5,
          4096,
          {{all, 64, EdgeWitness{false, values}},
           {all, 64, EdgeWitness{true, values}},
           {BoundKind::kFixedOrder, 64, OrderWitness{step, values, 64, 128}},
           {all, 64, WorkingSetWitness{step, values, 64, 128}},
           {all, 64, FlowWitness{step, values, 64, {{}, nothing, operand}}},
           {all, 64, ExhaustionWitness{{}, {}, 2, false, 9, 11}},
           {all, 64, between}}};
}

TEST(CertificateFile, EveryWitnessIsReadAsItWasWritten) {
  const Certificate good = every_witness();
  const auto read = parse_certificate(to_json(good));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(to_json(*read), to_json(good));
  ASSERT_EQ(read->statements.size(), good.statements.size());
  EXPECT_EQ(read->plan_digest, good.plan_digest);
  EXPECT_EQ(read->steps, 5);
  EXPECT_EQ(read->arena_bytes, 4096);
  const char* const names[] = {"inputs", "outputs",    "this_order", "working_set",
                               "flow",   "exhaustion", "exhaustion"};
  for (size_t i = 0; i < std::size(names); ++i) {
    EXPECT_EQ(witness_name(read->statements[i].witness), names[i]);
    EXPECT_EQ(read->statements[i].orders, good.statements[i].orders);
    EXPECT_EQ(read->statements[i].bytes, 64);
  }
  EXPECT_TRUE(std::get<EdgeWitness>(read->statements[1].witness).at_end);
  const auto& flow = std::get<FlowWitness>(read->statements[4].witness);
  ASSERT_EQ(flow.cases.size(), 3u);
  EXPECT_EQ(flow.cases[0].overwriting, Overwriting::kAny);
  EXPECT_EQ(flow.cases[1].overwriting, Overwriting::kNothing);
  EXPECT_EQ(flow.cases[1].arcs, std::get<FlowWitness>(good.statements[4].witness).cases[1].arcs);
  EXPECT_EQ(flow.cases[2].overwriting, Overwriting::kOperand);
  EXPECT_EQ(flow.cases[2].operand, "b");
  EXPECT_EQ(flow.cases[2].bytes, 5);
  const auto& whole = std::get<ExhaustionWitness>(read->statements[5].witness);
  EXPECT_FALSE(whole.after || whole.through || whole.backward);
  const auto& part = std::get<ExhaustionWitness>(read->statements[6].witness);
  ASSERT_TRUE(part.after && part.through);
  EXPECT_EQ(part.after->name, "node");
  EXPECT_EQ(part.through->step, 3);
  EXPECT_TRUE(part.backward);
  EXPECT_EQ(part.states, 9);
  EXPECT_EQ(part.work, 11);
}

TEST(CertificateFile, WhatIsNotJson) {
  const std::string good = to_json(every_witness());
  expect_bad("", "is not JSON");
  expect_bad(std::string(1, '\0'), "is not JSON");
  expect_bad(good + "{", "is not JSON");
  expect_bad(good + "// why", "is not JSON");
  expect_bad("'" + good + "'", "is not JSON");
  for (const char* number :
       {"NaN", "Infinity", "-Infinity", "0x10", "01", "+1", "1e999", "1.", "--1"}) {
    expect_bad("{\"schema\":" + std::string(number) + "}", "is not JSON");
  }
  expect_bad("{\"schema\":1,}", "is not JSON");
  expect_bad("{\"\xff\":1}", "is not JSON");
  for (size_t size = 1; size + 1 < good.size(); size += 7) {
    expect_bad(good.substr(0, size), "is not JSON");
  }
}

// Every member of every object once more.
TEST(CertificateFile, NoMemberIsGivenTwice) {
  const Json good = Json::parse(to_json(every_witness()));
  int tried = 0;
  const std::function<std::string(const Json&, int&)> text = [&](const Json& json, int& left) {
    if (!json.is_structured()) return json.dump();
    std::string result;
    for (const auto& [key, item] : json.items()) {
      const bool twice = json.is_object() && left-- == 0;
      const std::string name = json.is_object() ? Json(key).dump() + ":" : "";
      const std::string member = name + text(item, left);
      result += (result.empty() ? "" : ",") + member + (twice ? "," + member : "");
    }
    return json.is_object() ? "{" + result + "}" : "[" + result + "]";
  };
  for (;; ++tried) {
    int left = tried;
    const std::string bad = text(good, left);
    if (left >= 0) break;  // all members were passed
    expect_bad(bad, "twice");
  }
  EXPECT_GT(tried, 100);
}

TEST(CertificateFile, OtherTypesAndNumbersBeyond64Bits) {
  for (const char* schema : {"\"1\"", "null", "true", "[]", "{}", "1.0", "9223372036854775808",
                             "-9223372036854775809", "18446744073709551616", "1e2"}) {
    expect_bad("{\"schema\":" + std::string(schema) + "}", "'schema' is not an integer");
  }
  expect_bad("{\"schema\":2}", "schema 2");
  expect_bad("{\"schema\":1,\"plan\":[]}", "'plan' is not an object");
  const std::string plan =
      "{\"schema\":1,\"plan\":{\"digest\":\"\",\"steps\":0,\"arena_bytes\":0},";
  expect_bad(plan + "\"statements\":[{\"orders\":\"all\",\"bytes\":0,\"witness\":\"some\"}]}",
             "unknown kind 'some'");
  expect_bad(plan +
                 "\"statements\":[{\"orders\":\"some\",\"bytes\":0,\"witness\":\"inputs\","
                 "\"values\":[]}]}",
             "'orders' is 'some'");
  expect_bad("[]", "is not an object");
  expect_bad("7", "is not an object");
}

TEST(CertificateFile, DepthMembersAndItemsAreLimited) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(check_json_shape(nested(16)).ok());
  EXPECT_FALSE(check_json_shape(nested(17)).ok());
  expect_bad(nested(2'000'000), "within each other");
  std::string objects;
  for (int i = 0; i < 500'000; ++i) objects += "{\"a\":";
  expect_bad(objects, "within each other");

  const auto wide = [](int members) {
    std::string text;
    for (int i = 0; i < members; ++i) {
      text += (i == 0 ? "{\"" : ",\"") + std::to_string(i) + "\":0";
    }
    return text + "}";
  };
  EXPECT_TRUE(check_json_shape(wide(16)).ok());
  EXPECT_FALSE(check_json_shape(wide(17)).ok());
  expect_bad(wide(300'000), "members");

  const JsonLimits few{.depth = 2, .members = 2, .items = 5};
  EXPECT_TRUE(check_json_shape("[1,\"a\",null,true]", few).ok());
  for (const char* text : {"[1,2,3,4,5]", "[1,2,[],{},-1.5]", "[{\"a\":[]},2,3]", "[0,0,0,0,\"a\"]",
                           "[0,0,0,0,null]", "[0,0,0,0,false]", "[0,0,0,0,[]]", "[0,0,0,0,-1]"}) {
    EXPECT_FALSE(check_json_shape(text, few).ok()) << text;
  }
  EXPECT_TRUE(check_json_shape("[[],[],[],[]]", few).ok()) << "what is closed is no longer deep";
  std::string many = "[0";
  for (int i = 0; i < 4'000'000; ++i) many += ",0";
  expect_bad(many + "]", "4000000 values");
}

// `steps` steps that nobody orders, each with a result that stays.
Problem loose_steps(int32_t steps) {
  Problem problem;
  for (int32_t i = 0; i < steps; ++i) {
    problem.storages.push_back({.value = static_cast<uint32_t>(i),
                                .bytes = 64,
                                .at_start = false,
                                .at_end = true,
                                .steps = {i}});
    problem.steps.emplace_back().storages = {i};
  }
  return problem;
}

TEST(CertificateFile, ASearchThatIsTooWideSaysThatItDidNotEnd) {
  const int64_t none = int64_t{1} << 40;
  const Problem problem = loose_steps(300);
  const auto search = [&](const SearchLimit& limit) {
    return search_orders(problem, 299 * 64, limit).end;
  };
  EXPECT_EQ(search({.states = 5000, .work = none}), SearchEnd::kLimitPassed);
  EXPECT_EQ(search({.states = none, .work = 5000}), SearchEnd::kLimitPassed);
  EXPECT_EQ(search({.states = none, .work = none, .effort = 50'000}), SearchEnd::kLimitPassed);
  // All steps but one on the way: 300 + 299 + ... choices wait.
  EXPECT_EQ(search({.states = none, .work = none, .effort = none, .choices = 40'000}),
            SearchEnd::kLimitPassed);
  EXPECT_EQ(search_orders(problem, 300 * 64,
                          {.states = none, .work = none, .effort = none, .choices = 46'000})
                .end,
            SearchEnd::kOrderFound);
}

// What it may take is what its limits say, whatever the states are made of.
TEST(CertificateFile, ATinyProblemStaysWithinAnyLimitThatItNeeds) {
  const Problem problem = loose_steps(4);
  const SearchOutcome found = search_orders(problem, 3 * 64, {.states = 1000, .work = 1000});
  EXPECT_EQ(found.end, SearchEnd::kExhausted);
  EXPECT_EQ(found.states, 15);  // all sets but the whole
  EXPECT_EQ(search_orders(problem, 3 * 64, {found.states, found.work}).end, SearchEnd::kExhausted);
  EXPECT_EQ(search_orders(problem, 3 * 64, {found.states - 1, found.work}).end,
            SearchEnd::kLimitPassed);
}

// Many parts of one value, and as many steps that read all of it.
Plan dependent_plan(int32_t parts, int32_t readers) {
  TestPlanBuilder builder;
  const uint32_t x = builder.arena("x", {1, 16}, 0);
  const uint32_t whole = builder.arena("whole", {parts, 16}, 64);
  builder.plan.inputs = {x};
  for (int32_t i = 0; i < parts; ++i) {
    builder.unary("test.copy", x, builder.box("part", whole, {i, 0}, {1, 16}));
  }
  const uint32_t y = builder.arena("y", {parts, 16}, 64 * (parts + 1));
  for (int32_t i = 0; i < readers; ++i) builder.unary("test.copy", whole, y);
  return builder.plan;
}

TEST(CertificateFile, DependencesAreLimited) {
  EXPECT_TRUE(derive_problem(dependent_plan(100, 100), test_kernel).ok());
  const auto refused = derive_problem(dependent_plan(6000, 6000), test_kernel);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kBadInput);
}

}  // namespace
}  // namespace memopt::certificate
