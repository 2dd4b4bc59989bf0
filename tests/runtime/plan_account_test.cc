// Plan files that share what many of their tables refer to, that are wide, or deep: reading one
// takes no more than 8 times its bytes and 16 MiB, whether it is accepted or not.
#include <gtest/gtest.h>

#include "runtime/executor/session.h"
#include "runtime/plan/codec.h"
#include "runtime/plan/limits.h"
#include "tests/support/forged_plan.h"
#include "tests/support/test_plan.h"
#include "tools/allocation/count.h"

namespace memopt {
namespace {

using flatbuffers::Offset;

constexpr size_t kText = kMaxPlanStringBytes;

struct ForgedPlan {
  const char* name;
  void (*forge)(Forge&);
};
std::ostream& operator<<(std::ostream& out, const ForgedPlan& plan) { return out << plan.name; }

void share_value_names(Forge& f) {
  const auto name = f.text(kText);
  for (int i = 0; i < 10000; ++i) f.values.push_back(f.value(name));
}

void share_values(Forge& f) { f.values.assign(1 << 20, f.value(f.text(8))); }

void share_options(Forge& f) { f.options.assign(1 << 18, f.text(kText)); }

void share_short_options(Forge& f) { f.options.assign(1 << 20, f.common().empty); }

void share_instructions(Forge& f) {
  f.instructions.assign(1 << 19, f.instruction("unary", "unary.reference", {}, {}, {}));
}

void share_instruction_names(Forge& f) {
  const auto name = f.text(kText);
  for (int i = 0; i < 10000; ++i) {
    f.instructions.push_back(f.instruction("unary", "unary.reference", {}, {}, {}, name));
  }
}

void share_attributes(Forge& f) {
  std::vector<Offset<fb::Attr>> attrs;
  for (size_t i = 0; i < kMaxPlanAttrs; ++i) {
    attrs.push_back(f.attr("axis", fb::AttrKind::Integer));
  }
  const auto list = f.fb.CreateVector(attrs);
  for (int i = 0; i < 10000; ++i) {
    f.instructions.push_back(f.instruction("concat", "concat.copy", list, {}, {}));
  }
}

void share_attribute_texts(Forge& f) {
  const auto list = f.fb.CreateVector(std::vector<Offset<fb::Attr>>(
      kMaxPlanAttrs, f.attr("fn", fb::AttrKind::Text, f.text(kText))));
  for (int i = 0; i < 100; ++i) {
    f.instructions.push_back(f.instruction("unary", "unary.reference", list, {}, {}));
  }
}

void share_attribute_lists(Forge& f) {
  const auto integers = f.fb.CreateVector(std::vector<int64_t>(100000, 1));
  const auto list = f.fb.CreateVector(
      std::vector<Offset<fb::Attr>>(1, f.attr("sizes", fb::AttrKind::Integers, {}, integers)));
  for (int i = 0; i < 1000; ++i) {
    f.instructions.push_back(f.instruction("split", "split.reference", list, {}, {}));
  }
}

void share_operands(Forge& f) {
  for (int i = 0; i < 2; ++i) f.values.push_back(f.value(f.text(8), 64 * i));
  const auto many = f.fb.CreateVector(std::vector<uint32_t>(kMaxPlanOperands, 1));
  for (int i = 0; i < 10000; ++i) {
    f.instructions.push_back(f.instruction("concat", "concat.reference", {}, many, many));
  }
}

// Sound, and as small as a file can be for what it holds.
void copy_to_and_fro(Forge& f) {
  const auto name = f.common().empty;
  f.values.push_back(f.value(name));
  f.inputs = {0};
  f.arena_bytes = 128;
  for (uint32_t i = 1; i < 30000; ++i) {
    f.values.push_back(f.value(name, i % 2 == 0 ? 0 : 64));
    f.instructions.push_back(f.instruction("unary", "unary.reference", {},
                                           f.fb.CreateVector(std::vector<uint32_t>{i}),
                                           f.fb.CreateVector(std::vector<uint32_t>{i + 1})));
  }
}

// Chains of aliases as long as they may be, and many values at the end of each; all are read.
void chain_aliases(Forge& f) {
  f.values.push_back(f.value(f.common().empty));
  f.inputs = {0};
  f.arena_bytes = 64;
  const auto whole = [&](uint32_t parent) {
    const auto name = f.fb.CreateString(std::to_string(f.values.size()));
    f.values.push_back(f.value(name, 0, fb::CreateAlias(f.fb, parent, true)));
    f.outputs.push_back(static_cast<uint32_t>(f.values.size() - 1));
    return f.outputs.back();
  };
  uint32_t last = 0;
  for (size_t i = 1; i < kMaxPlanAliasDepth; ++i) last = whole(last);
  for (int i = 0; i < 30000; ++i) whole(last);
}

void chain_too_many_aliases(Forge& f) {
  f.values.push_back(f.value(f.common().empty));
  for (uint32_t i = 0; i < 200000; ++i) {
    f.values.push_back(f.value(f.common().empty, 0, fb::CreateAlias(f.fb, i, true)));
  }
}

const ForgedPlan kForged[] = {
    {"ValueNames", share_value_names},
    {"Values", share_values},
    {"Options", share_options},
    {"ShortOptions", share_short_options},
    {"Instructions", share_instructions},
    {"InstructionNames", share_instruction_names},
    {"Attributes", share_attributes},
    {"AttributeTexts", share_attribute_texts},
    {"AttributeLists", share_attribute_lists},
    {"Operands", share_operands},
    {"Copies", copy_to_and_fro},
    {"AliasChains", chain_aliases},
    {"AliasChainsTooLong", chain_too_many_aliases},
};
const std::vector<std::string> kSound = {"ShortOptions", "Copies", "AliasChains"};

class PlanAccount : public testing::TestWithParam<ForgedPlan> {};

TEST_P(PlanAccount, TakesMemoryInProportionToTheFile) {
  Forge forge;
  GetParam().forge(forge);
  const std::vector<std::byte> file = file_in_memory(forge.metadata(), 0);
  start_counting_allocations();
  const auto loaded = load_plan(file, "forged");
  const AllocationCounts counts = stop_counting_allocations();
  const bool is_sound = std::find(kSound.begin(), kSound.end(), GetParam().name) != kSound.end();
  EXPECT_EQ(loaded.ok(), is_sound) << (loaded.ok() ? "" : loaded.error().message);
  if (!can_count_allocations()) GTEST_SKIP() << "allocations are not counted in this build";
  EXPECT_LE(counts.peak_heap_bytes, 8 * static_cast<int64_t>(file.size()) + (16 << 20));
}

INSTANTIATE_TEST_SUITE_P(Forged, PlanAccount, testing::ValuesIn(kForged),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace memopt
