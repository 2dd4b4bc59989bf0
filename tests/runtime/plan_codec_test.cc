// The metadata of a plan: all of it comes back as it was written, up to the limits of the format
// and to the last value; what is beyond them is refused.
#include <gtest/gtest.h>

#include "runtime/plan/codec.h"
#include "runtime/plan/limits.h"
#include "tests/support/forged_plan.h"
#include "tests/support/sound_plan.h"

namespace memopt {
namespace {

using flatbuffers::Offset;

// --- every field of every plan ---

// Anything that a field can hold, its default among it.
class Anything {
 public:
  explicit Anything(Dice& dice) : dice_(dice) {}

  void set(bool& value) { value = dice_.one_in(2); }
  void set(int64_t& value) {
    const int64_t numbers[] = {0, 1, -1, 64, 1 << 20, INT64_MAX, INT64_MIN, dice_.below(1000)};
    value = dice_.any(numbers);
  }
  void set(double& value) {
    const double numbers[] = {0, 1, -1.5, 1e300, 5e-324, 0.1, static_cast<double>(dice_.below(99))};
    value = dice_.any(numbers);
  }
  void set(std::string& value) {
    value.clear();
    for (int64_t bytes = dice_.below(9); bytes > 0; --bytes) {
      value += static_cast<char>(dice_.below(256));
    }
  }
  void set(DType& value) { value = static_cast<DType>(dice_.below(kDTypeCount)); }
  void set(Layout& value) { value = static_cast<Layout>(dice_.below(3)); }
  void set(Storage& value) { value = static_cast<Storage>(dice_.below(4)); }
  void set(BoundKind& value) { value = static_cast<BoundKind>(dice_.below(2)); }
  void set(Dims& value) {
    value = {};
    for (int64_t rank = dice_.below(kMaxRank + 1); rank > 0; --rank) {
      int64_t dim = 0;
      set(dim);
      value.push_back(dim);
    }
  }
  void set(Target& value) {
    value.isa = static_cast<Isa>(dice_.below(6));
    value.pieces = static_cast<int>(1 + dice_.below(256));
  }
  void set(Activation& value) {
    set(value.fn);
    set(value.alpha);
    set(value.beta);
  }
  template <NamedEnum E>
  void set(E& value) {
    value = static_cast<E>(dice_.below(static_cast<int64_t>(std::size(EnumNames<E>::kNames))));
  }
  template <typename T>
  void set(std::vector<T>& list) {
    list.resize(static_cast<size_t>(dice_.below(4)));
    for (T& item : list) set(item);
  }
  void set(Op& op) {
    const auto kind = static_cast<OpKind>(dice_.below(kOpCount));
#define OP(type) \
  if (kind == kOpKind<type>) op = any_of<type>();
#include "runtime/ops/ops.inc"
#undef OP
  }

  // What indices refer to are the plan's values.
  void set(uint32_t& index) { index = static_cast<uint32_t>(dice_.below(values_)); }
  void set(std::optional<uint32_t>& operand) {
    operand.reset();
    if (!dice_.one_in(3)) set(operand.emplace());
  }
  void set(std::optional<PlanAlias>& alias) {
    alias.reset();
    if (dice_.one_in(2)) return;
    alias.emplace();
    set_all(alias->parent, alias->whole, alias->starts);
  }
  void set(PlanValue& value) {
    set_all(value.name, value.dtype, value.layout, value.storage, value.dims, value.strides,
            value.offset_bytes, value.bytes, value.alias);
  }
  void set(PlanInstruction& at) {
    set_all(at.op, at.kernel, at.inputs, at.outputs, at.scratch_offset_bytes, at.scratch_bytes,
            at.name);
  }
  void set(PlanState& state) { set_all(state.before, state.after, state.initial); }
  void set(PlanCertificate& claims) {
    set_all(claims.naive_bytes, claims.lower_bound_bytes, claims.kind, claims.method);
  }
  void set(Plan& plan) {
    values_ = 1 + dice_.below(3);
    plan.values.resize(static_cast<size_t>(values_));
    for (PlanValue& value : plan.values) set(value);
    set_all(plan.producer, plan.model_name, plan.target, plan.options, plan.instructions,
            plan.inputs, plan.outputs, plan.states, plan.arena_bytes, plan.arena_alignment,
            plan.constants_bytes, plan.state_bytes, plan.certificate);
  }

 private:
  template <typename... Fields>
  void set_all(Fields&... fields) {
    (..., set(fields));
  }
  template <typename S>
  S any_of() {
    S op;
    std::apply([&](const auto&... field) { (..., set(op.*field.member)); }, S::fields());
    return op;
  }

  Dice& dice_;
  int64_t values_ = 0;
};

TEST(PlanCodec, EveryFieldComesBack) {
  std::vector<int> seen(kOpCount);
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    Dice dice(seed);
    Plan plan;
    Anything(dice).set(plan);
    for (const PlanInstruction& at : plan.instructions) ++seen[op_kind(at.op)];
    const Result<Plan> read = decode_plan(encode_plan(plan));
    ASSERT_TRUE(read.ok()) << seed << ": " << read.error().message;
    ASSERT_EQ(*read, plan) << seed << '\n' << dump_plan(plan) << '\n' << dump_plan(*read);
  }
  EXPECT_GT(*std::min_element(seen.begin(), seen.end()), 10);
}

// --- indices ---

// Each list or link of a plan that holds an index.
struct IndexField {
  const char* name;
  void (*set)(Plan&, uint32_t);
};
constexpr IndexField kIndexFields[] = {
    {"input of the plan", [](Plan& plan, uint32_t i) { plan.inputs.push_back(i); }},
    {"output of the plan", [](Plan& plan, uint32_t i) { plan.outputs.push_back(i); }},
    {"input", [](Plan& plan, uint32_t i) { plan.instructions[0].inputs.emplace_back(i); }},
    {"output", [](Plan& plan, uint32_t i) { plan.instructions[0].outputs.emplace_back(i); }},
    {"alias",
     [](Plan& plan, uint32_t i) {
       plan.values[0].alias = PlanAlias{i, true, {}};
     }},
};

TEST(PlanCodec, IndicesEndWithTheValues) {
  for (const IndexField& field : kIndexFields) {
    for (const uint32_t index : {0u, 2u, 3u, 4u, 1u << 31, UINT32_MAX - 1}) {
      Plan plan;
      plan.values.resize(3);
      plan.instructions.resize(1);
      field.set(plan, index);
      const auto read = decode_plan(encode_plan(plan));
      ASSERT_EQ(read.ok(), index < 3) << field.name << ' ' << index;
      if (index < 3) continue;
      EXPECT_NE(read.error().message.find("no value " + std::to_string(index)), std::string::npos)
          << field.name << ": " << read.error().message;
    }
  }
}

// --- limits ---

// How many of something a section holds, as many as there may be, and how to make one.
struct Limit {
  const char* name;
  size_t most;
  void (*forge)(Forge&, size_t count);
  const char* refusal;
};

// Bytes that nothing refers to, so that so many tables, or one table so often, are not too many for
// the section.
void make_room(Forge& f, size_t tables) { f.fb.CreateVector(std::vector<uint8_t>(8 * tables)); }

void forge_attrs(Forge& f, size_t count) {
  make_room(f, count);
  const std::vector<Offset<fb::Attr>> attrs(count, f.attr("axis", fb::AttrKind::Integer));
  f.instructions.push_back(f.instruction("concat", "", f.fb.CreateVector(attrs), {}, {}));
}

void forge_operands(Forge& f, size_t inputs, size_t outputs) {
  f.values.push_back(f.value(f.common().empty));
  const auto list = [&](size_t count) {
    return f.fb.CreateVector(std::vector<uint32_t>(count, 1));
  };
  f.instructions.push_back(f.instruction("concat", "", {}, list(inputs), list(outputs)));
}

void forge_rank(Forge& f, size_t rank, bool strides) {
  const auto& c = f.common();
  const auto list = f.dims(std::vector<int64_t>(rank, 1));
  f.values.push_back(fb::CreateValue(f.fb, c.empty, c.f32, c.row_major, c.arena,
                                     strides ? c.one : list, strides ? list : c.one, 0, 4));
}

const Limit kLimits[] = {
    {"Rank", kMaxRank, [](Forge& f, size_t n) { forge_rank(f, n, false); }, "rank 9"},
    {"Strides", kMaxRank, [](Forge& f, size_t n) { forge_rank(f, n, true); }, "rank 9"},
    {"Starts", kMaxRank,
     [](Forge& f, size_t n) {
       const auto starts = f.dims(std::vector<int64_t>(n, 0));
       f.values.push_back(f.value(f.common().empty, 0, fb::CreateAlias(f.fb, 0, false, starts)));
     },
     "rank 9"},
    {"ValueNames", kMaxPlanStringBytes,
     [](Forge& f, size_t n) { f.values.push_back(f.value(f.text(n))); }, "64 KiB"},
    {"Options", kMaxPlanStringBytes, [](Forge& f, size_t n) { f.options.push_back(f.text(n)); },
     "64 KiB"},
    {"Attributes", kMaxPlanAttrs, forge_attrs, "more than 256 attributes"},
    {"Inputs", kMaxPlanOperands, [](Forge& f, size_t n) { forge_operands(f, n, 1); },
     "more than 8192 operands"},
    {"Outputs", kMaxPlanOperands, [](Forge& f, size_t n) { forge_operands(f, 1, n); },
     "more than 8192 operands"},
};

std::ostream& operator<<(std::ostream& out, const Limit& limit) { return out << limit.name; }

class PlanCodecLimit : public testing::TestWithParam<Limit> {};

TEST_P(PlanCodecLimit, IsWhereTheFormatSays) {
  Forge most, more;
  GetParam().forge(most, GetParam().most);
  GetParam().forge(more, GetParam().most + 1);
  const auto inside = decode_plan(most.metadata()), outside = decode_plan(more.metadata());
  EXPECT_TRUE(inside.ok()) << inside.error().message;
  ASSERT_FALSE(outside.ok());
  EXPECT_NE(outside.error().message.find(GetParam().refusal), std::string::npos)
      << outside.error().message;
}

INSTANTIATE_TEST_SUITE_P(Limits, PlanCodecLimit, testing::ValuesIn(kLimits),
                         [](const auto& info) { return info.param.name; });

// --- what is shared ---

// `count` of something that is copied for each place that refers to it, and made once.
struct Shared {
  const char* name;
  size_t few, many;  // a section that becomes less than it may, and one that becomes more
  void (*forge)(Forge&, size_t count);
};

void share_lists(Forge& f, size_t operands) {
  f.values.push_back(f.value(f.common().empty));
  const auto list = f.fb.CreateVector(std::vector<uint32_t>(kMaxPlanOperands, 1));
  for (size_t i = 0; i < operands / kMaxPlanOperands; ++i) {
    f.instructions.push_back(f.instruction("concat", "", {}, list, {}));
  }
}

void share_attrs(Forge& f, size_t attrs) {
  make_room(f, attrs);
  const auto list = f.fb.CreateVector(
      std::vector<Offset<fb::Attr>>(kMaxPlanAttrs, f.attr("axis", fb::AttrKind::Integer)));
  for (size_t i = 0; i < attrs / kMaxPlanAttrs; ++i) {
    f.instructions.push_back(f.instruction("concat", "", list, {}, {}));
  }
}

void share_values(Forge& f, size_t values) {
  make_room(f, values);
  f.values.assign(values, f.value(f.common().empty));
}

void share_instructions(Forge& f, size_t instructions) {
  make_room(f, instructions);
  f.instructions.assign(instructions, f.instruction("concat", "", {}, {}, {}));
}

constexpr size_t kUnit = kDecodedBytes;  // what a section becomes beside a multiple of its own
const Shared kShared[] = {
    {"Values", kUnit / sizeof(PlanValue) / 2, 3 * kUnit / sizeof(PlanValue), share_values},
    {"Instructions", kUnit / sizeof(PlanInstruction) / 2, 3 * kUnit / sizeof(PlanInstruction),
     share_instructions},
    {"Options", kUnit / sizeof(std::string) / 2, 6 * kUnit / sizeof(std::string),
     [](Forge& f, size_t n) { f.options.assign(n, f.common().empty); }},
    // The list of its numbers and what becomes of it: each is less than the limit, both are more.
    {"Operands", kUnit / 16, kUnit / 10, share_lists},
    {"Attributes", kUnit / sizeof(Attr) / 2, 6 * kUnit / sizeof(Attr), share_attrs},
};

std::ostream& operator<<(std::ostream& out, const Shared& shared) { return out << shared.name; }

class PlanCodecShared : public testing::TestWithParam<Shared> {};

TEST_P(PlanCodecShared, IsCountedForEachPlaceThatRefersToIt) {
  for (const bool many : {false, true}) {
    const size_t count = many ? GetParam().many : GetParam().few;
    Forge f;
    GetParam().forge(f, count);
    const auto read = decode_plan(f.metadata());
    ASSERT_EQ(read.ok(), !many) << count << (read.ok() ? "" : read.error().message);
    if (!many) continue;
    EXPECT_NE(read.error().message.find("share"), std::string::npos) << read.error().message;
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, PlanCodecShared, testing::ValuesIn(kShared),
                         [](const auto& info) { return info.param.name; });

// As many values or instructions as there may be do not fit a section that shares one table for
// them; but it is that, and not their number, which is named.
TEST(PlanCodec, ValuesAndInstructionsHaveLimits) {
  for (const bool values : {true, false}) {
    const size_t most = values ? kMaxPlanValues : kMaxPlanInstructions;
    for (const size_t count : {most, most + 1}) {
      Forge f;
      (values ? share_values : share_instructions)(f, count);
      const auto read = decode_plan(f.metadata());
      ASSERT_FALSE(read.ok());
      EXPECT_EQ(read.error().message,
                count == most
                    ? "what the metadata share makes the plan more than 6 "
                      "times as large as they are"
                    : "more than " + std::to_string(most) + (values ? " values" : " instructions"));
    }
  }
}

// A table takes bytes of its own: more of them than could be are not looked at.
TEST(PlanCodec, TablesAreNotShared) {
  for (const size_t count : {100, 20000}) {
    Forge f;
    make_room(f, 100);
    f.values.assign(count, f.value(f.common().empty));
    const auto read = decode_plan(f.metadata());
    EXPECT_EQ(read.ok(), count == 100);
    EXPECT_EQ(read.ok() ? "" : read.error().message,
              count == 100 ? "" : "the metadata is malformed");
  }
}

TEST(PlanCodec, AnAttributeWithoutItsTextOrListHasNone) {
  for (const auto kind : {fb::AttrKind::Text, fb::AttrKind::Integers, fb::AttrKind::Reals}) {
    Forge f;
    const char* const name = kind == fb::AttrKind::Text ? "mode" : "scales";
    f.instructions.push_back(
        f.instruction("resize", "", f.fb.CreateVector(std::vector{f.attr(name, kind)}), {}, {}));
    const auto read = decode_plan(f.metadata());
    // No mode has the empty name.
    ASSERT_EQ(read.ok(), kind != fb::AttrKind::Text);
    if (!read.ok()) continue;
    EXPECT_EQ(read->instructions[0].op, Op(Resize{}));
  }
}

}  // namespace
}  // namespace memopt
