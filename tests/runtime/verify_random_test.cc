// What the verifier accepts is sound: random small plans, most of them wrong, against a simulation
// that knows of every byte of the arena which element of which value it holds. And the border of
// every range: the last value inside is accepted, the first one outside is not.
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <set>

#include "runtime/plan/verify.h"
#include "tests/support/test_plan.h"

namespace memopt {
namespace {

struct Held {
  uint32_t root = UINT32_MAX;
  int64_t place = -1;  // of the byte in its root
  bool operator==(const Held&) const = default;
};

// Runs a plan of test kernels on elements instead of numbers.
class ByteSimulation {
 public:
  explicit ByteSimulation(const Plan& plan)
      : plan_(plan), arena_(static_cast<size_t>(plan.arena_bytes)) {}

  // False where some byte is not what is read there, or is written while others need it.
  bool is_sound() {
    for (const uint32_t input : plan_.inputs) {
      if (!write(input)) return false;
    }
    for (const PlanInstruction& instruction : plan_.instructions) {
      if (!run(instruction)) return false;
    }
    return std::all_of(plan_.outputs.begin(), plan_.outputs.end(),
                       [&](uint32_t output) { return can_read(output); });
  }

 private:
  bool is_in_arena(uint32_t index) const { return plan_.values[index].storage == Storage::kArena; }

  // The first byte of each element, in the order of coordinates.
  std::vector<int64_t> elements_of(uint32_t index) const {
    const PlanValue& value = plan_.values[index];
    std::vector<int64_t> result = {value.offset_bytes};
    for (int i = 0; i < value.dims.rank(); ++i) {
      std::vector<int64_t> more;
      for (const int64_t at : result) {
        for (int64_t k = 0; k < value.dims[i]; ++k) more.push_back(at + k * value.strides[i] * 4);
      }
      result = std::move(more);
    }
    return result;
  }

  std::vector<int64_t> bytes_of(uint32_t index) const {
    std::vector<int64_t> result;
    for (const int64_t element : elements_of(index)) {
      for (int64_t k = 0; k < 4; ++k) result.push_back(element + k);
    }
    return result;
  }

  bool is_inside(int64_t byte) const { return byte >= 0 && byte < plan_.arena_bytes; }

  Held held_at(uint32_t index, int64_t byte) const {
    const uint32_t root = root_of(plan_, index);
    return {root, byte - plan_.values[root].offset_bytes};
  }

  bool can_read(uint32_t index) const {
    if (!is_in_arena(index)) {
      return plan_.values[index].storage == Storage::kConstant || elsewhere_.contains(index);
    }
    const std::vector<int64_t> bytes = bytes_of(index);
    return std::all_of(bytes.begin(), bytes.end(), [&](int64_t byte) {
      return is_inside(byte) && arena_[byte] == held_at(index, byte);
    });
  }

  // Every byte of a root once.
  bool write(uint32_t index) {
    if (!is_in_arena(index)) return elsewhere_.insert(index).second;
    for (const int64_t byte : bytes_of(index)) {
      if (!is_inside(byte)) return false;
      const Held held = held_at(index, byte);
      if (!written_.insert({held.root, held.place}).second) return false;
      arena_[byte] = held;
    }
    return true;
  }

  // Where they share a byte, each element lies over itself, and the kernel reads it before.
  bool may_overlap(const PlanInstruction& instruction, uint32_t input, uint32_t output) const {
    const std::vector<int64_t> from = bytes_of(input), to = bytes_of(output);
    const std::set<int64_t> read(from.begin(), from.end());
    const bool apart =
        std::none_of(to.begin(), to.end(), [&](int64_t byte) { return read.contains(byte); });
    return apart || (from == to && instruction.kernel != "test.copy");
  }

  bool run(const PlanInstruction& instruction) {
    const int64_t begin = instruction.scratch_offset_bytes;
    const int64_t end = begin + instruction.scratch_bytes;
    if (begin < 0 || end > plan_.arena_bytes || begin % 64 != 0) return false;
    for (const auto& input : instruction.inputs) {
      if (!can_read(*input)) return false;
      for (const auto& output : instruction.outputs) {
        if (is_in_arena(*input) && is_in_arena(*output) &&
            !may_overlap(instruction, *input, *output)) {
          return false;
        }
      }
    }
    for (const auto* operands : {&instruction.inputs, &instruction.outputs}) {
      for (const auto& operand : *operands) {
        if (!is_in_arena(*operand)) continue;
        for (const int64_t byte : bytes_of(*operand)) {
          if (byte >= begin && byte < end) return false;
        }
      }
    }
    for (int64_t byte = begin; byte < end; ++byte) arena_[byte] = {};
    return std::all_of(instruction.outputs.begin(), instruction.outputs.end(),
                       [&](const auto& output) { return write(*output); });
  }

  const Plan& plan_;
  std::vector<Held> arena_;
  std::set<uint32_t> elsewhere_;  // caller's values that are written
  std::set<std::pair<uint32_t, int64_t>> written_;
};

// A few steps over a few blocks of 16 bytes: some plans are right by chance.
class RandomPlan : public TestPlanBuilder {
 public:
  explicit RandomPlan(uint32_t seed) : random_(seed) {
    const uint32_t x = arena("x", {2, 4}, any_offset());
    plan.inputs = {x};
    readable_ = {x, x};
    if (below(4) == 0) {
      readable_.push_back(caller("mine", {2, 4}));
      plan.inputs.push_back(readable_.back());
    }
    if (below(4) == 0) readable_.push_back(constant("c", {2, 4}));
    if (below(2) == 0) add_whole();
    const uint64_t steps = 1 + below(5);
    for (uint64_t i = 0; i < steps; ++i) add_step();
    plan.outputs = {last_};
    if (below(4) == 0) plan.outputs.push_back(readable_[below(readable_.size())]);
    std::erase_if(plan.outputs,
                  [&](uint32_t output) { return plan.values[output].storage != Storage::kArena; });
    plan.arena_bytes = below(8) == 0 ? 160 : 192;
  }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }
  int64_t any_offset() { return 16 * static_cast<int64_t>(below(11)) + (below(16) == 0 ? 4 : 0); }

  // Of two parts, one above the other or side by side, that are written one by one.
  void add_whole() {
    const bool rows = below(2) == 0;
    const Dims dims = rows ? Dims{4, 4} : Dims{2, 8};
    whole_ = arena("whole", dims, any_offset());
    for (const int64_t start : {0, 1, 2}) {
      const Dims starts = rows ? Dims{start, 0} : Dims{0, 2 * start};
      if (start == 1 && below(3) != 0) continue;  // lies over both others
      parts_.push_back(box("part" + std::to_string(start), whole_, starts, {2, 4}));
    }
  }

  uint32_t any_input() {
    if (!parts_.empty() && below(4) == 0) return parts_[below(parts_.size())];
    return readable_[below(readable_.size())];
  }

  uint32_t any_output() {
    if (!parts_.empty() && below(3) == 0) return parts_[below(parts_.size())];
    if (below(12) == 0) return readable_[below(readable_.size())];
    const uint32_t output = arena("v" + std::to_string(plan.values.size()), {2, 4}, any_offset());
    if (below(3) == 0) {  // where an operand is
      plan.values[output].offset_bytes = plan.values[readable_.back()].offset_bytes;
      if (plan.values[readable_.back()].storage != Storage::kArena)
        plan.values[output].offset_bytes = 0;
    }
    return output;
  }

  void add_step() {
    const uint32_t a = any_input(), b = any_input(), output = any_output();
    const char* const kernels[] = {"test.copy", "test.relu"};
    PlanInstruction& step = below(3) == 0 ? add(a, b, output) : unary(kernels[below(2)], a, output);
    if (below(3) == 0) {
      step.scratch_offset_bytes = 64 * static_cast<int64_t>(below(3));
      step.scratch_bytes = 16 * static_cast<int64_t>(below(5));
    }
    readable_.push_back(output);
    last_ = output;
    if (!parts_.empty() && below(4) == 0) {
      last_ =
          arena("all" + std::to_string(plan.values.size()), plan.values[whole_].dims, any_offset());
      unary("test.copy", whole_, last_);
    }
  }

  std::mt19937 random_;
  std::vector<uint32_t> readable_, parts_;
  uint32_t whole_ = 0, last_ = 0;
};

TEST(VerifyRandom, WhatIsAcceptedIsSound) {
  int accepted = 0, sound = 0;
  for (uint32_t seed = 0; seed < 60000; ++seed) {
    const Plan plan = RandomPlan(seed).plan;
    const bool is_sound = ByteSimulation(plan).is_sound();
    sound += is_sound;
    if (!verify_plan(plan, test_kernel).ok()) continue;
    ++accepted;
    ASSERT_TRUE(is_sound) << "seed " << seed << "\n" << dump_plan(plan);
  }
  EXPECT_GT(accepted, 2000);
  EXPECT_GT(accepted, sound * 3 / 4) << "of so many: the rest is refused out of caution";
}

// Where the last accepted number is, and the next one.
struct Border {
  std::string name;
  Plan (*plan)();
  std::function<void(Plan&, int64_t)> set;
  int64_t inside, outside;
};

std::ostream& operator<<(std::ostream& out, const Border& border) { return out << border.name; }

class VerifyBorder : public testing::TestWithParam<Border> {};

TEST_P(VerifyBorder, IsWhereItShouldBe) {
  const Border& border = GetParam();
  Plan plan = border.plan();
  border.set(plan, border.inside);
  const Status inside = verify_plan(plan, test_kernel);
  EXPECT_TRUE(inside.ok()) << inside.error().message;
  plan = border.plan();
  border.set(plan, border.outside);
  EXPECT_FALSE(verify_plan(plan, test_kernel).ok());
}

// x and c at rest, y beside them.
Plan copy_plan() {
  TestPlanBuilder builder;
  const uint32_t x = builder.arena("x", {16}, 0), y = builder.arena("y", {16}, 64);
  builder.unary("test.copy", x, y);
  builder.constant("c", {16});
  builder.constant("d", {16});
  builder.plan.inputs = {x};
  builder.plan.outputs = {y};
  return builder.plan;
}

// y from x through `depth` names of x.
Plan alias_chain(int64_t depth) {
  TestPlanBuilder builder;
  uint32_t last = builder.arena("x", {16}, 0);
  const uint32_t y = builder.arena("y", {16}, 64);
  builder.plan.inputs = {last};
  for (int64_t i = 0; i < depth; ++i) last = builder.whole("name", last, {16});
  builder.unary("test.copy", last, y);
  builder.plan.outputs = {y};
  return builder.plan;
}

// Two rows of four: y is read from the first, the second lies behind it.
Plan box_plan() {
  TestPlanBuilder builder;
  const uint32_t x = builder.arena("x", {4, 4}, 0), y = builder.arena("y", {2, 4}, 128);
  const uint32_t part = builder.box("part", x, {1, 0}, {2, 4});
  builder.unary("test.copy", part, y);
  builder.plan.inputs = {x};
  builder.plan.outputs = {y};
  return builder.plan;
}

void move_part(Plan& plan, int64_t row) {
  plan.values[2].alias->starts[0] = row;
  plan.values[2].offset_bytes = row * 16;
}

constexpr int64_t kMost = int64_t{1} << 46;

const Border kBorders[] = {
    {"ArenaBytes", copy_plan, [](Plan& p, int64_t n) { p.arena_bytes = n; }, kMost, kMost + 1},
    {"ArenaEnd", copy_plan, [](Plan& p, int64_t n) { p.arena_bytes = n; }, 128, 127},
    {"ArenaAlignmentMost", copy_plan, [](Plan& p, int64_t n) { p.arena_alignment = n; },
     int64_t{1} << 21, int64_t{1} << 22},
    {"ArenaAlignmentLeast", copy_plan, [](Plan& p, int64_t n) { p.arena_alignment = n; }, 64, 32},
    {"ConstantsBytes", copy_plan, [](Plan& p, int64_t n) { p.constants_bytes = n; }, kMost,
     kMost + 1},
    {"ConstantsEnd", copy_plan, [](Plan& p, int64_t n) { p.constants_bytes = n; }, 128, 127},
    {"ConstantsOverlap", copy_plan,
     [](Plan& p, int64_t n) {
       p.values[2].dims = p.values[3].dims = {n};  // c at 0, d at 64
       p.values[2].bytes = p.values[3].bytes = 4 * n;
       p.constants_bytes = 256;
     },
     16, 17},
    {"ConstantsOverlapBackwards", copy_plan,
     [](Plan& p, int64_t n) {
       p.values[2].offset_bytes = 64;
       p.values[3].offset_bytes = 0;
       p.values[3].dims = {n};
       p.values[3].bytes = 4 * n;
     },
     16, 17},
    {"ConstantsInOnePlace", copy_plan, [](Plan& p, int64_t n) { p.values[3].offset_bytes = n; }, 64,
     0},
    {"ConstantAlignment", copy_plan,
     [](Plan& p, int64_t n) {
       p.values[3].offset_bytes = n;
       p.constants_bytes = 512;
     },
     128, 96},
    {"ElementAlignment", copy_plan,
     [](Plan& p, int64_t n) {
       p.values[1].offset_bytes = n;
       p.arena_bytes = 256;
     },
     68, 66},
    {"OverlapAbove", copy_plan,
     [](Plan& p, int64_t n) {
       p.values[1].offset_bytes = n;
       p.arena_bytes = 256;
     },
     64, 60},
    {"OverlapBelow", copy_plan,
     [](Plan& p, int64_t n) {
       p.values[0].offset_bytes = n;
       p.values[1].offset_bytes = 0;
       p.arena_bytes = 256;
     },
     64, 60},
    {"CallerBytes", copy_plan,
     [](Plan& p, int64_t n) {
       p.values[0].storage = Storage::kCaller;
       p.values[0].dims = p.values[1].dims = {2};
       p.values[0].strides = {n};
       p.values[0].bytes = 4 * (n + 1);
       p.values[1].bytes = 8;
     },
     (kMost >> 2) - 1, kMost >> 2},
    {"OffsetBytes", copy_plan,
     [](Plan& p, int64_t n) {
       p.arena_bytes = kMost;
       p.values.push_back(p.values[1]);  // without elements, behind everything
       p.values.back().dims = {0};
       p.values.back().bytes = 0;
       p.values.back().offset_bytes = n;
     },
     kMost, kMost + 64},
    {"ScratchEnd", copy_plan,
     [](Plan& p, int64_t n) {
       p.instructions[0].scratch_offset_bytes = 128;
       p.instructions[0].scratch_bytes = n;
       p.arena_bytes = 256;
     },
     128, 129},
    {"ScratchBegin", copy_plan,
     [](Plan& p, int64_t n) {
       p.instructions[0].scratch_offset_bytes = n;
       p.instructions[0].scratch_bytes = 64;
       p.arena_bytes = 256;
     },
     192, 256},
    {"ScratchBeforeAnOperand", copy_plan,
     [](Plan& p, int64_t n) {
       p.instructions[0].scratch_bytes = n;
       p.values[0].offset_bytes = 64;
       p.values[1].offset_bytes = 128;
       p.arena_bytes = 256;
     },
     64, 65},
    {"ScratchBehindAnOperand", copy_plan,
     [](Plan& p, int64_t n) {
       p.instructions[0].scratch_bytes = 4;
       p.instructions[0].scratch_offset_bytes = 128;
       p.values[1].offset_bytes = n;
       p.arena_bytes = 256;
     },
     64, 68},
    {"BoxEnd", box_plan, move_part, 2, 3},
    {"BoxBegin", box_plan, move_part, 0, -1},
    {"BoxOffset", box_plan, [](Plan& p, int64_t n) { p.values[2].offset_bytes = n; }, 16, 32},
    {"BoxOffsetBelow", box_plan, [](Plan& p, int64_t n) { p.values[2].offset_bytes = n; }, 16, 0},
};

INSTANTIATE_TEST_SUITE_P(All, VerifyBorder, testing::ValuesIn(kBorders),
                         [](const auto& info) { return info.param.name; });

TEST(VerifyRandom, AliasesOfAliasesEnd) {
  EXPECT_TRUE(verify_plan(alias_chain(1024), test_kernel).ok());
  EXPECT_FALSE(verify_plan(alias_chain(1025), test_kernel).ok());
}

}  // namespace
}  // namespace memopt
