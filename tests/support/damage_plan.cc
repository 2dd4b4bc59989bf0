#include "tests/support/sound_plan.h"

namespace memopt {
namespace {

class Damage {
 public:
  Damage(Dice& dice, Plan& plan) : dice_(dice), plan_(plan) {}

  void apply() {
    PlanValue& v = dice_.any(plan_.values);
    change_field(v, dice_.any(plan_.instructions));
    if (dice_.one_in(2)) return;
    if (const auto bytes = extent_bytes(v.dtype, v.dims, v.strides)) v.bytes = *bytes;
  }

 private:
  void change_field(PlanValue& v, PlanInstruction& at) {
    switch (dice_.below(29)) {
      case 0:
      case 1:
        return change(v.offset_bytes, 16);
      case 2:
        return change(v.bytes, 4);
      case 3:
        return change_one(v.dims);
      case 4:
        return change_one(v.strides);
      case 5:
        if (v.alias) change_one(v.alias->starts);
        return;
      case 6:
        if (v.alias) v.alias->whole = !v.alias->whole;
        return;
      case 7:
        if (v.alias) v.alias->parent = index();
        return;
      case 8:
        if (v.alias) {
          v.alias.reset();
        } else {
          v.alias = PlanAlias{index(), dice_.one_in(2), Dims::filled(v.dims.rank(), 0)};
        }
        return;
      case 9:
        v.storage = static_cast<Storage>(dice_.below(4));
        return;
      case 10:
        v.layout = static_cast<Layout>(dice_.below(3));
        if (v.layout == Layout::kPacked && dice_.one_in(2)) v.strides = {};
        return;
      case 11:
        v.dtype = dice_.any(kPlanTypes);
        return;
      case 12:
        v.name = dice_.any(plan_.values).name;
        return;
      case 13:
        return change_list(at.inputs);
      case 14:
        return change_list(at.outputs);
      case 15:
        return change(at.scratch_offset_bytes, 64);
      case 16:
        return change(at.scratch_bytes, 4);
      case 17:
        at.kernel = dice_.one_in(8) ? "unknown" : std::string(dice_.any(rule_kernels()).name);
        return;
      case 18:
        std::swap(at, dice_.any(plan_.instructions));
        return;
      case 19:
        return change(dice_.one_in(2) ? plan_.arena_bytes : plan_.constants_bytes, 4);
      case 20:
        return change_signature(dice_.one_in(2) ? plan_.inputs : plan_.outputs);
      case 21:
        return change(
            dice_.one_in(2) ? plan_.certificate.lower_bound_bytes : plan_.certificate.naive_bytes,
            64);
      case 22:
        plan_.arena_alignment = int64_t{32} << dice_.below(18);
        return;
      case 23:
        return change(plan_.state_bytes, 4);
      case 24:
        change_one(v.dims);
        return change_one(v.strides);
      case 25: {  // without its last dimension
        if (v.dims.empty() || v.strides.empty()) return;
        v.dims = Dims(v.dims.span().first(static_cast<size_t>(v.dims.rank() - 1)));
        v.strides = Dims(v.strides.span().first(static_cast<size_t>(v.strides.rank() - 1)));
        return;
      }
      case 26:
      case 27:
        return change_states();
      default:  // where another one is
        v.offset_bytes = dice_.any(plan_.values).offset_bytes;
    }
  }

  void change_states() {
    if (plan_.states.empty() || dice_.one_in(4)) {
      plan_.states.push_back({.before = index(), .after = index(), .initial = std::nullopt});
      return;
    }
    if (dice_.one_in(4)) return plan_.states.pop_back();
    PlanState& state = dice_.any(plan_.states);
    switch (dice_.below(5)) {
      case 0:
        state.before = index();
        return;
      case 1:
        state.after = index();
        return;
      case 2:
        state.initial = index();
        return;
      case 3:
        state.initial.reset();
        return;
      default:  // one field of one of the two values
        return change(plan_.values[dice_.one_in(2) ? state.before : state.after].offset_bytes, 16);
    }
  }

  uint32_t index() {
    return static_cast<uint32_t>(dice_.below(static_cast<int64_t>(plan_.values.size())));
  }
  void change(int64_t& number, int64_t step) {
    const auto plus = [&](int64_t change) {  // around the end of the numbers
      return static_cast<int64_t>(static_cast<uint64_t>(number) + static_cast<uint64_t>(change));
    };
    const int64_t numbers[] = {plus(-1), plus(1), plus(-step), plus(step),        plus(-64),
                               plus(64), 0,       -step,       plan_.arena_bytes, INT64_MAX - 63};
    number = dice_.any(numbers);
  }
  void change_one(Dims& dims) {
    if (dims.empty() || dice_.one_in(6)) {
      if (dims.rank() < 8) dims.push_back(dice_.below(3));
      return;
    }
    if (dice_.one_in(8)) {
      dims = Dims(dims.span().first(static_cast<size_t>(dims.rank() - 1)));
      return;
    }
    int64_t& dim = dims[static_cast<int>(dice_.below(dims.rank()))];
    const int64_t numbers[] = {dim - 1, dim + 1, 0, 1, 2, dim * 2, -1};
    dim = dice_.any(numbers);
  }
  void change_list(std::vector<std::optional<uint32_t>>& operands) {
    if (operands.empty() || dice_.one_in(8)) {
      operands.emplace_back();
    } else if (dice_.one_in(8)) {
      operands.pop_back();
    } else if (dice_.one_in(4)) {
      dice_.any(operands).reset();
    } else {
      dice_.any(operands) = index();
    }
  }
  void change_signature(std::vector<uint32_t>& list) {
    if (list.empty() || dice_.one_in(2)) {
      list.push_back(index());
    } else if (dice_.one_in(2)) {
      list.pop_back();
    } else {
      dice_.any(list) = index();
    }
  }

  Dice& dice_;
  Plan& plan_;
};

}  // namespace

void damage_plan(Dice& dice, Plan& plan) { Damage(dice, plan).apply(); }

}  // namespace memopt
