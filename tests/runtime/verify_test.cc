// The verifier: sound plans pass, and for every check there is a plan that fails it alone.
#include "runtime/plan/verify.h"

#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "tests/support/test_plan.h"

namespace memopt {
namespace {

Status verify(const Plan& plan) { return verify_plan(plan, test_kernel); }

void expect_rejected(const Plan& plan, const std::string& message) {
  const Status status = verify(plan);
  ASSERT_FALSE(status.ok()) << "accepted, expected: " << message;
  EXPECT_EQ(status.error().code, Code::kVerifyFailed);
  EXPECT_NE(status.error().message.find(message), std::string::npos) << status.error().message;
}

uint32_t index_of(const Plan& plan, std::string_view name) {
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    if (plan.values[i].name == name) return i;
  }
  ADD_FAILURE() << name;
  return 0;
}

TEST(Verify, SoundPlansPass) {
  for (const Plan& plan : {small_plan(), concat_plan(), state_plan(), Plan{}}) {
    const Status status = verify(plan);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }
}

struct Mutation {
  std::string name;
  Plan (*plan)();
  std::function<void(Plan&)> apply;
  std::string message;
};

std::ostream& operator<<(std::ostream& out, const Mutation& mutation) {
  return out << mutation.name;
}

class VerifyMutation : public testing::TestWithParam<Mutation> {};

TEST_P(VerifyMutation, IsRejected) {
  Plan plan = GetParam().plan();
  GetParam().apply(plan);
  expect_rejected(plan, GetParam().message);
}

PlanValue& value(Plan& plan, std::string_view name) { return plan.values[index_of(plan, name)]; }

const Mutation kMutations[] = {
    {"NegativeArena", small_plan, [](Plan& p) { p.arena_bytes = -1; }, "an arena of -1"},
    {"HugeArena", small_plan, [](Plan& p) { p.arena_bytes = INT64_MAX; }, "an arena of"},
    {"OddAlignment", small_plan, [](Plan& p) { p.arena_alignment = 96; }, "arena alignment"},
    {"SmallAlignment", small_plan, [](Plan& p) { p.arena_alignment = 32; }, "arena alignment"},
    {"NegativeConstants", small_plan, [](Plan& p) { p.constants_bytes = -8; }, "constants of"},
    {"NegativeState", state_plan, [](Plan& p) { p.state_bytes = -1; }, "state of -1"},
    {"HugeState", state_plan, [](Plan& p) { p.state_bytes = INT64_MAX; }, "state of"},
    {"OutsideState", state_plan, [](Plan& p) { p.state_bytes = 76; }, "of a space of"},
    {"StateUnaligned", state_plan,
     [](Plan& p) { value(p, "h").offset_bytes = value(p, "h'").offset_bytes = 16; }, "64-byte"},
    {"StatesOverlap", state_plan,
     [](Plan& p) { value(p, "k").offset_bytes = value(p, "k'").offset_bytes = 0; },
     "states 'h' and 'k' overlap"},
    {"StateElsewhere", state_plan,
     [](Plan& p) {
       value(p, "h'").offset_bytes = 128;
       p.state_bytes = 192;
     },
     "the type and the place"},
    {"StateOfOtherType", state_plan,
     [](Plan& p) {
       value(p, "h'").dims = {2};
       value(p, "h'").bytes = 8;
     },
     "the type and the place"},
    {"StateInTheArena", state_plan, [](Plan& p) { value(p, "h'").storage = Storage::kArena; },
     "no root in the memory of states"},
    {"StateIsAlias", state_plan,
     [](Plan& p) {
       value(p, "h'").alias = PlanAlias{.parent = index_of(p, "h"), .whole = true, .starts = {}};
     },
     "no root in the memory of states"},
    {"StateIsInput", state_plan, [](Plan& p) { p.inputs.push_back(index_of(p, "h")); },
     "and an input or output"},
    {"StateIsOutput", state_plan, [](Plan& p) { p.outputs.push_back(index_of(p, "h'")); },
     "and an input or output"},
    {"StateTwice", state_plan, [](Plan& p) { p.states.push_back(p.states[0]); }, "twice"},
    {"TwoStatesOfOneName", state_plan, [](Plan& p) { value(p, "k").name = "h"; },
     "two states of one name"},
    {"StateOfNone", state_plan, [](Plan& p) { p.states.pop_back(); }, "but of none"},
    {"InitialIsNoConstant", state_plan, [](Plan& p) { p.states[0].initial = index_of(p, "x"); },
     "no constant of the type"},
    {"InitialOfOtherShape", state_plan,
     [](Plan& p) {
       value(p, "c").dims = {2, 2};
       value(p, "c").strides = {2, 1};
     },
     "no constant of the type"},
    {"StateWritten", state_plan, [](Plan& p) { p.instructions[3].outputs[0] = index_of(p, "k"); },
     "written twice"},
    {"StateNotUpdated", state_plan, [](Plan& p) { p.instructions.pop_back(); },
     "at the end: reads 'k'' before it is written"},
    {"StateReadWhenOverwritten", state_plan,
     [](Plan& p) { std::swap(p.instructions[2], p.instructions[3]); }, "where 'k'' lies"},
    {"StateNotInPlace", state_plan,
     [](Plan& p) {
       p.instructions.insert(p.instructions.begin(), p.instructions[3]);
       p.instructions[0].inputs[0] = index_of(p, "k");
       p.instructions.pop_back();
     },
     "does not work in place"},
    {"StateValue", small_plan, [](Plan& p) { value(p, "a").storage = Storage::kState; }, "ends at"},
    {"NegativeDim", small_plan, [](Plan& p) { value(p, "a").dims[0] = -2; }, "type"},
    {"HugeDims", small_plan,
     [](Plan& p) {
       value(p, "a").dims = {int64_t{1} << 40, int64_t{1} << 40};
     },
     "type"},
    {"NegativeOffset", small_plan, [](Plan& p) { value(p, "a").offset_bytes = -64; }, "offset"},
    {"HugeOffset", small_plan, [](Plan& p) { value(p, "a").offset_bytes = INT64_MAX - 7; },
     "offset"},
    {"OddOffset", small_plan, [](Plan& p) { value(p, "a").offset_bytes = 2; }, "not aligned"},
    {"OutsideArena", small_plan, [](Plan& p) { value(p, "c").offset_bytes = 128 + 256 - 20; },
     "of a space of"},
    {"OutsideConstants", small_plan, [](Plan& p) { p.constants_bytes = 20; }, "of a space of"},
    {"ConstantUnaligned", small_plan,
     [](Plan& p) {
       value(p, "w").offset_bytes = 32;
       p.constants_bytes = 64;
     },
     "64-byte"},
    {"CallerOffset", small_plan, [](Plan& p) { value(p, "x").offset_bytes = 8; }, "of a space of"},
    {"WrongBytes", small_plan, [](Plan& p) { value(p, "a").bytes = 20; }, "spans 24"},
    {"StridesRank", small_plan, [](Plan& p) { value(p, "a").strides = {1}; }, "no tensor"},
    {"StridesOverlap", small_plan,
     [](Plan& p) {
       value(p, "a").strides = {2, 1};
     },
     "no tensor"},
    {"StridesNegative", small_plan,
     [](Plan& p) {
       value(p, "a").strides = {-3, 1};
     },
     "no tensor"},
    {"StridesOverflow", small_plan,
     [](Plan& p) {
       value(p, "a").strides = {INT64_MAX, int64_t{1} << 62};
     },
     "no tensor"},
    {"StridesOrder", small_plan,
     [](Plan& p) {
       value(p, "a").strides = {1, 2};
     },
     "follow"},
    {"NhwcRank", small_plan, [](Plan& p) { value(p, "a").layout = Layout::kChannelsLast; },
     "channels-last"},
    {"PackedArena", small_plan, [](Plan& p) { value(p, "a").layout = Layout::kPacked; }, "packed"},
    {"PackedUnknown", small_plan,
     [](Plan& p) {
       value(p, "w").layout = Layout::kPacked;
       value(p, "w").strides = {};
     },
     "does not"},
    {"AliasOfItself", concat_plan, [](Plan& p) { value(p, "left").alias->parent = 2; }, "itself"},
    {"AliasOfConstant", small_plan,
     [](Plan& p) {
       value(p, "c").alias = PlanAlias{index_of(p, "w"), true, {}};
     },
     "storage"},
    {"AliasElsewhere", concat_plan, [](Plan& p) { value(p, "left").offset_bytes += 8; },
     "where it starts"},
    {"AliasLeaves", concat_plan, [](Plan& p) { value(p, "right").alias->starts[1] = 3; }, "leaves"},
    {"AliasStartsRank", concat_plan, [](Plan& p) { value(p, "right").alias->starts = {0}; },
     "rank"},
    {"AliasNegativeStart", concat_plan, [](Plan& p) { value(p, "right").alias->starts[2] = -1; },
     "leaves"},
    {"AliasStrides", concat_plan,
     [](Plan& p) {
       value(p, "left").strides = channels_last_strides({1, 2, 2, 2});
       value(p, "left").bytes = 32;
     },
     "where it starts"},
    {"AliasType", concat_plan, [](Plan& p) { value(p, "left").dtype = DType::kI32; },
     "element type"},
    {"WholeTooSmall", concat_plan, [](Plan& p) { value(p, "left").alias->whole = true; },
     "not all"},
    {"InputTwice", concat_plan, [](Plan& p) { p.inputs.push_back(0); }, "twice"},
    {"InputIsConstant", small_plan, [](Plan& p) { p.inputs[0] = index_of(p, "w"); }, "own its"},
    {"InputIsAlias", concat_plan, [](Plan& p) { p.inputs.push_back(2); }, "own its"},
    {"InputMissing", concat_plan, [](Plan& p) { p.inputs.clear(); }, "before it is written"},
    {"TwoOutputsOfOneName", small_plan,
     [](Plan& p) {
       value(p, "c").name = "y";
       p.outputs.push_back(4);
     },
     "one name"},
    {"OutputIsConstant", small_plan, [](Plan& p) { p.outputs[0] = 1; }, "constant"},
    {"CallerOutputTwice", small_plan, [](Plan& p) { p.outputs.push_back(p.outputs[0]); },
     "of its own"},
    {"CallerOutputIsInput", small_plan, [](Plan& p) { p.outputs.push_back(0); }, "of its own"},
    {"CallerNotInSignature", small_plan, [](Plan& p) { p.outputs[0] = index_of(p, "c"); },
     "neither input nor output"},
    {"OutputNotWritten", small_plan, [](Plan& p) { p.instructions.pop_back(); },
     "at the end: reads 'y' before"},
    {"ReadBeforeWritten", small_plan,
     [](Plan& p) { std::swap(p.instructions[0], p.instructions[1]); }, "before it is written"},
    {"WrittenTwice", small_plan, [](Plan& p) { p.instructions.push_back(p.instructions[3]); },
     "written twice"},
    {"ConstantWritten", small_plan, [](Plan& p) { p.instructions[0].outputs = {1}; },
     "constant 'w' is written"},
    {"InputWritten", concat_plan, [](Plan& p) { p.instructions[2].outputs = {0}; },
     "written twice"},
    {"Clobbered", small_plan,
     [](Plan& p) {
       p.instructions[3].inputs[0] = index_of(p, "a");  // b overwrote it
     },
     "where 'b' lies"},
    {"ClobberedByScratch", concat_plan,
     [](Plan& p) {
       p.instructions[1].kernel = "test.scratch";
       p.instructions[1].scratch_bytes = 256;
       p.instructions[1].scratch_offset_bytes = 192;  // beyond p: fine so far
       p.arena_bytes = 448;
       p.instructions[2].scratch_bytes = 64;
       p.instructions[2].scratch_offset_bytes = 128;
     },
     "scratch at [128, 192) overlaps 'left'"},
    {"ScratchOverlapsInput", small_plan,
     [](Plan& p) { p.instructions[2].scratch_offset_bytes = 0; }, "overlaps 'b'"},
    {"ScratchOverlapsOutput", small_plan,
     [](Plan& p) { p.instructions[2].scratch_offset_bytes = 64; }, "overlaps 'c'"},
    {"ScratchUnaligned", small_plan, [](Plan& p) { p.instructions[2].scratch_offset_bytes = 120; },
     "does not fit"},
    {"ScratchOutside", small_plan, [](Plan& p) { p.instructions[2].scratch_offset_bytes = 192; },
     "does not fit"},
    {"ScratchEndsBeyondAllNumbers", small_plan,
     [](Plan& p) { p.instructions[2].scratch_offset_bytes = INT64_MAX - 63; },
     "does not fit the arena"},
    {"ScratchNegative", small_plan, [](Plan& p) { p.instructions[2].scratch_bytes = -256; },
     "does not fit"},
    {"ScratchTooSmall", small_plan, [](Plan& p) { p.instructions[2].scratch_bytes = 255; },
     "needs 256"},
    {"NotInPlaceKernel", small_plan, [](Plan& p) { p.instructions[1].kernel = "test.copy"; },
     "does not work in place"},
    {"InPlaceShifted", small_plan, [](Plan& p) { value(p, "b").offset_bytes = 8; }, "not in place"},
    {"PartsOverlap", concat_plan,
     [](Plan& p) { p.instructions[1].outputs = {index_of(p, "middle")}; }, "overlap"},
    {"PartMissing", concat_plan, [](Plan& p) { p.instructions.erase(p.instructions.begin()); },
     "before it is written"},
    {"PartAndWhole", concat_plan,
     [](Plan& p) {
       p.instructions.push_back(p.instructions[1]);
       p.instructions.back().inputs = p.instructions.back().outputs = {index_of(p, "p")};
     },
     "contains it"},
    {"UnknownKernel", small_plan, [](Plan& p) { p.instructions[0].kernel = "none"; },
     "not in this build"},
    {"KernelOfOtherOp", small_plan, [](Plan& p) { p.instructions[0].kernel = "test.relu"; },
     "does not compute"},
    {"OperandMissing", small_plan, [](Plan& p) { p.instructions[0].inputs.pop_back(); },
     "needed 2 inputs"},
    {"OutputTooMany", small_plan,
     [](Plan& p) { p.instructions[0].outputs.push_back(std::nullopt); },
     "needed 1 results, found 2"},
    {"OutputsTooFew", small_plan, [](Plan& p) { p.instructions[0].outputs.clear(); },
     "needed 1 results, found 0"},
    {"OutputMissing", small_plan, [](Plan& p) { p.instructions[0].outputs[0].reset(); },
     "result 0 is missing"},
    {"BoundNegative", small_plan, [](Plan& p) { p.certificate.lower_bound_bytes = -1; },
     "is no size"},
    {"NaiveNegative", small_plan, [](Plan& p) { p.certificate.naive_bytes = -1; },
     "naive bytes of -1"},
    {"BoundAboveArena", small_plan,
     [](Plan& p) { p.certificate.lower_bound_bytes = p.arena_bytes + 1; }, "more than its arena"},
    {"BoundAboveAllValues", small_plan,
     [](Plan& p) {
       p.arena_bytes = p.certificate.lower_bound_bytes = p.certificate.naive_bytes = 1 << 20;
     },
     "more than the 448 that all of its values and scratch need"},
    {"BoundAboveNaive", small_plan,
     [](Plan& p) {
       p.instructions[2].scratch_bytes = 1 << 20;
       p.arena_bytes = p.certificate.lower_bound_bytes = 1 << 21;
       p.certificate.lower_bound_bytes = 1 << 20;
     },
     "more than the naive 0"},
    {"OutputOfOtherShape", small_plan,
     [](Plan& p) {
       PlanValue& c = value(p, "c");
       c.dims = {3, 2};
       c.strides = {2, 1};
     },
     "output 'c' is f32[3x2], the operator makes f32[2x3]"},
    {"OutputOfOtherType", small_plan, [](Plan& p) { value(p, "c").dtype = DType::kI32; },
     "output 'c' is i32[2x3]"},
};

INSTANTIATE_TEST_SUITE_P(All, VerifyMutation, testing::ValuesIn(kMutations),
                         [](const auto& info) { return info.param.name; });

TEST(Verify, InputInTheArenaMayGiveWayAfterItsLastUse) {
  TestPlanBuilder builder;
  const uint32_t x = builder.arena("x", {4}, 0), a = builder.arena("a", {4}, 64);
  const uint32_t y = builder.arena("y", {4}, 0);
  builder.unary("test.copy", x, a);
  builder.unary("test.copy", a, y);
  builder.plan.inputs = {x};
  builder.plan.outputs = {y};
  EXPECT_TRUE(verify(builder.plan).ok());
  builder.plan.outputs = {y, x};
  expect_rejected(builder.plan, "at the end: needs 'x'");
}

// The caller fills all inputs before the run, so bytes of one that nobody reads are not free.
TEST(Verify, InputsMustNotOverlap) {
  for (const bool second_is_read : {true, false}) {
    TestPlanBuilder builder;
    const uint32_t x = builder.arena("x", {4}, 0), z = builder.arena("z", {4}, 8);
    const uint32_t y = builder.arena("y", {4}, 64);
    second_is_read ? builder.add(x, z, y) : builder.unary("test.copy", x, y);
    builder.plan.inputs = {x, z};
    builder.plan.outputs = {y};
    expect_rejected(builder.plan, "inputs 'x' and 'z' overlap");
    std::swap(builder.plan.inputs[0], builder.plan.inputs[1]);
    expect_rejected(builder.plan, "inputs 'z' and 'x' overlap");
    builder.plan.values[z].offset_bytes = 16;
    EXPECT_TRUE(verify(builder.plan).ok());
  }
}

TEST(Verify, ManyOutputsOfTwoRoots) {
  // Halves of two tensors, written by one instruction: those of one root lie between each other.
  TestPlanBuilder builder;
  const uint32_t x = builder.arena("x", {1, 8, 2, 1}, 0);
  const uint32_t a = builder.arena("a", {1, 4, 2, 1}, 64, Layout::kChannelsLast);
  const uint32_t b = builder.arena("b", {1, 4, 2, 1}, 96, Layout::kChannelsLast);
  PlanInstruction& split =
      builder.unary("split.reference", x, builder.box("a0", a, {0, 0, 0, 0}, {1, 2, 2, 1}));
  split.op = Split{.axis = 1, .sizes = {2, 2, 2, 2}};
  split.outputs.push_back(builder.box("b0", b, {0, 0, 0, 0}, {1, 2, 2, 1}));
  split.outputs.push_back(builder.box("a1", a, {0, 2, 0, 0}, {1, 2, 2, 1}));
  split.outputs.push_back(builder.box("b1", b, {0, 2, 0, 0}, {1, 2, 2, 1}));
  builder.plan.inputs = {x};
  builder.plan.outputs = {a, b};
  EXPECT_TRUE(verify_memory(builder.plan, test_kernel).ok());
  for (const int64_t overlap : {4, 24}) {
    Plan plan = builder.plan;
    for (const char* const name : {"b", "b0", "b1"}) {
      plan.values[index_of(plan, name)].offset_bytes -= overlap;
    }
    const Status status = verify_memory(plan, test_kernel);
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().message.find("overlap"), std::string::npos) << status.error().message;
  }
}

TEST(Verify, OutputsOfOneInstructionMustNotOverlap) {
  TestPlanBuilder builder;
  const uint32_t x = builder.arena("x", {4}, 0), a = builder.arena("a", {2}, 64);
  const uint32_t b = builder.arena("b", {2}, 68);
  PlanInstruction& split = builder.unary("split.reference", x, a);
  split.op = Split{.axis = 0, .sizes = {2, 2}};
  split.outputs.push_back(b);
  builder.plan.inputs = {x};
  expect_rejected(builder.plan, "outputs 'a' and 'b' overlap");
}

// The parts of one root lie between each other's bytes, the second ends first, and behind its end
// another output begins that lies between the bytes of the first.
TEST(Verify, OutputsMustNotOverlapOneThatBeganLongBefore) {
  TestPlanBuilder builder;
  const uint32_t x = builder.arena("x", {1, 1, 4, 2}, 0);
  const uint32_t p = builder.arena("p", {1, 2, 2, 2}, 64, Layout::kChannelsLast);
  const uint32_t c = builder.arena("c", {1, 1, 1, 2}, 128);
  PlanInstruction& split =
      builder.unary("split.reference", x, builder.box("a", p, {0, 0, 0, 0}, {1, 1, 2, 2}));
  split.op = Split{.axis = 2, .sizes = {2, 1, 1}};
  split.outputs.push_back(builder.box("b", p, {0, 1, 0, 0}, {1, 1, 1, 2}));
  split.outputs.push_back(c);
  builder.plan.inputs = {x};
  builder.plan.outputs = {c};
  EXPECT_TRUE(verify_memory(builder.plan, test_kernel).ok());
  builder.plan.values[c].offset_bytes = 80;
  expect_rejected(builder.plan, "outputs 'a' and 'c' overlap");
}

// Parts of an outer concat lie one behind the other: the second part's bytes belong to others
// until it is written.
TEST(Verify, OuterPartsClaimTheirOwnBytesOnly) {
  TestPlanBuilder builder;
  const uint32_t x = builder.arena("x", {1, 4}, 16), p = builder.arena("p", {2, 4}, 0);
  const uint32_t first = builder.box("first", p, {0, 0}, {1, 4});
  const uint32_t second = builder.box("second", p, {1, 0}, {1, 4});
  builder.unary("test.relu", x, first);
  builder.unary("test.relu", x, second);
  builder.plan.inputs = {x};
  builder.plan.outputs = {p};
  EXPECT_TRUE(verify(builder.plan).ok()) << verify(builder.plan).error().message;
  {  // A part without elements lies nowhere, whatever its offset is.
    TestPlanBuilder more = builder;
    const uint32_t none = more.box("none", p, {0, 2}, {0, 2});
    more.unary("test.relu", more.box("none of x", x, {0, 2}, {0, 2}), none);
    EXPECT_TRUE(verify(more.plan).ok()) << verify(more.plan).error().message;
  }
  // The other order overwrites x while it is still needed.
  std::swap(builder.plan.instructions[0], builder.plan.instructions[1]);
  expect_rejected(builder.plan, "needs 'x'");
}

TEST(Verify, InterleavedPartsOwnAllBytesFromTheFirstWriteOn) {
  Plan plan = concat_plan();
  plan.values[index_of(plan, "x")].offset_bytes = 160;  // between the channels of `p`
  expect_rejected(plan, "overlaps input 'x'");
}

TEST(Verify, ReshapedPartFillsItsParent) {
  TestPlanBuilder builder;
  const uint32_t x = builder.arena("x", {6}, 0), y = builder.arena("y", {2, 3}, 64);
  const uint32_t flat = builder.whole("flat", y, {6});
  builder.unary("test.copy", x, flat);
  builder.plan.inputs = {x};
  builder.plan.outputs = {y};
  EXPECT_TRUE(verify(builder.plan).ok());
  builder.plan.values[flat].dims = {5};
  builder.plan.values[flat].bytes = 20;
  expect_rejected(builder.plan, "not all of its parent");
}

TEST(Verify, ManyValuesTakeNearLinearTime) {
  TestPlanBuilder builder;
  uint32_t last = builder.arena("x", {16}, 0);
  builder.plan.inputs = {last};
  for (int i = 0; i < 20000; ++i) {
    const uint32_t next = builder.arena(std::to_string(i), {16}, 64 * (1 + i % 7));
    builder.unary("test.copy", last, next);
    last = next;
  }
  builder.plan.outputs = {last};
  EXPECT_TRUE(verify(builder.plan).ok());
}

}  // namespace
}  // namespace memopt
