#include "tests/support/plan_rules.h"

#include <algorithm>
#include <map>
#include <set>

#include "runtime/base/type.h"
#include "runtime/kernels/operands.h"
#include "runtime/ops/op_def.h"
#include "runtime/plan/limits.h"

namespace memopt {
namespace {

using Wide = __int128;
constexpr uint32_t kNobody = UINT32_MAX;

Wide in_blocks(Wide bytes) { return (bytes + 63) / 64 * 64; }

class Rules {
 public:
  Rules(const Plan& plan, KernelLookup kernels) : plan_(plan), kernels_(kernels) {}

  bool memory() {
    return spaces() && every_value([&](uint32_t i) { return value_is_right(i); }) && find_roots() &&
           every_value([&](uint32_t i) { return alias_is_right(i); }) && constants_are_apart() &&
           signature_is_right() && states_are_right() && types_are_right() && writers_are_right() &&
           simulate() && claims_are_possible();
  }

  bool kernels() const {
    return std::all_of(plan_.instructions.begin(), plan_.instructions.end(),
                       [&](const PlanInstruction& at) { return kernel_is_right(at); });
  }

 private:
  const PlanValue& value(uint32_t i) const { return plan_.values[i]; }
  bool in_arena(uint32_t i) const { return value(i).storage == Storage::kArena; }
  template <typename F>
  bool every_value(F&& holds) const {
    for (uint32_t i = 0; i < plan_.values.size(); ++i) {
      if (!holds(i)) return false;
    }
    return true;
  }

  // --- values by themselves ---

  bool spaces() const {
    const int64_t alignment = plan_.arena_alignment;
    return plan_.arena_bytes >= 0 && plan_.arena_bytes <= kMaxSpaceBytes && alignment >= 64 &&
           alignment <= kMaxArenaAlignment && (alignment & (alignment - 1)) == 0 &&
           plan_.constants_bytes >= 0 && plan_.constants_bytes <= kMaxSpaceBytes &&
           plan_.state_bytes >= 0 && plan_.state_bytes <= kMaxSpaceBytes;
  }

  // Bytes from the first element to the end of the last; -1 where two may lie in one place.
  static Wide extent(const PlanValue& v) {
    if (v.strides.rank() != v.dims.rank()) return -1;
    std::vector<std::pair<int64_t, int64_t>> steps;
    for (int i = 0; i < v.dims.rank(); ++i) {
      if (v.dims[i] == 0) return 0;
      if (v.dims[i] > 1) steps.emplace_back(v.strides[i], v.dims[i]);
    }
    std::sort(steps.begin(), steps.end());
    Wide last = 0;
    for (const auto& [stride, count] : steps) {
      if (stride <= last) return -1;
      last += Wide{stride} * (count - 1);
      if (last > INT64_MAX) return -1;
    }
    return ((last + 1) * dtype_bits(v.dtype) + 7) / 8;
  }

  Wide space_of(const PlanValue& v) const {
    return v.storage == Storage::kArena      ? plan_.arena_bytes
           : v.storage == Storage::kConstant ? plan_.constants_bytes
           : v.storage == Storage::kCaller   ? v.bytes
                                             : plan_.state_bytes;
  }

  bool value_is_right(uint32_t i) const {
    const PlanValue& v = value(i);
    const int64_t alignment = std::min(std::max(dtype_bits(v.dtype) / 8, 1), 8);
    if (!is_valid_type({v.dtype, v.dims, v.layout}) || v.offset_bytes < 0 || v.bytes < 0 ||
        v.bytes > kMaxSpaceBytes || v.offset_bytes > kMaxSpaceBytes ||
        v.offset_bytes % alignment != 0) {
      return false;
    }
    if (v.layout == Layout::kPacked) {
      if (v.storage != Storage::kConstant || v.alias || !v.strides.empty()) return false;
    } else if ((v.layout == Layout::kChannelsLast && v.dims.rank() < 3) || extent(v) != v.bytes ||
               !follows_layout(v.dims, v.strides, v.layout)) {
      return false;
    }
    return v.alias || (Wide{v.offset_bytes} + v.bytes <= space_of(v) &&
                       (v.storage != Storage::kConstant || v.offset_bytes % 64 == 0));
  }

  bool find_roots() {
    return every_value([&](uint32_t i) {
      uint32_t at = i;
      for (size_t links = 0; value(at).alias; ++links) {
        if (links == kMaxPlanAliasDepth) return false;
        at = value(at).alias->parent;
      }
      roots_.push_back(at);
      return true;
    });
  }

  // The bit where each element begins, by coordinate, in the space of the root.
  std::map<std::vector<int64_t>, Wide> elements(uint32_t i) const {
    const PlanValue& v = value(i);
    std::map<std::vector<int64_t>, Wide> all = {{{}, Wide{v.offset_bytes} * 8}};
    for (int d = 0; d < v.dims.rank(); ++d) {
      std::map<std::vector<int64_t>, Wide> more;
      for (const auto& [at, bit] : all) {
        for (int64_t k = 0; k < v.dims[d]; ++k) {
          std::vector<int64_t> next = at;
          next.push_back(k);
          more[next] = bit + (v.dims[d] > 1 ? Wide{k} * v.strides[d] * dtype_bits(v.dtype) : 0);
        }
      }
      all = std::move(more);
    }
    return all;
  }

  bool alias_is_right(uint32_t i) const {
    const PlanValue& v = value(i);
    if (!v.alias) return true;
    const PlanValue& parent = value(v.alias->parent);
    if (parent.layout == Layout::kPacked || parent.storage != v.storage ||
        parent.dtype != v.dtype) {
      return false;
    }
    const auto own = elements(i), of_parent = elements(v.alias->parent);
    if (v.alias->whole) {
      std::set<Wide> a, b;
      for (const auto& element : own) a.insert(element.second);
      for (const auto& element : of_parent) b.insert(element.second);
      return a == b && v.offset_bytes == parent.offset_bytes;
    }
    const Dims& starts = v.alias->starts;
    if (v.layout != parent.layout || v.dims.rank() != parent.dims.rank() ||
        starts.rank() != parent.dims.rank()) {
      return false;
    }
    for (int d = 0; d < starts.rank(); ++d) {
      if (starts[d] < 0 || Wide{starts[d]} + v.dims[d] > parent.dims[d]) return false;
    }
    return std::all_of(own.begin(), own.end(), [&](const auto& element) {
      std::vector<int64_t> at = element.first;
      for (int d = 0; d < starts.rank(); ++d) at[static_cast<size_t>(d)] += starts[d];
      return of_parent.at(at) == element.second;
    });
  }

  bool constants_are_apart() const {
    return every_value([&](uint32_t i) {
      return every_value([&](uint32_t k) {
        const PlanValue &a = value(i), &b = value(k);
        const bool both = i != k && a.storage == Storage::kConstant && !a.alias && a.bytes > 0 &&
                          b.storage == Storage::kConstant && !b.alias && b.bytes > 0;
        return !both || a.offset_bytes + a.bytes <= b.offset_bytes ||
               b.offset_bytes + b.bytes <= a.offset_bytes;
      });
    });
  }

  bool signature_is_right() const {
    std::set<uint32_t> inputs, outputs;
    std::set<std::string> names;
    for (const uint32_t i : plan_.inputs) {
      const PlanValue& v = value(i);
      if (v.alias || v.storage == Storage::kConstant || !inputs.insert(i).second ||
          !names.insert(v.name).second) {
        return false;
      }
    }
    names.clear();
    for (const uint32_t i : plan_.outputs) {
      const PlanValue& v = value(i);
      const bool again = !outputs.insert(i).second;
      if (v.storage == Storage::kConstant || (!again && !names.insert(v.name).second)) return false;
      if (v.storage == Storage::kCaller && (v.alias || inputs.contains(i) || again)) return false;
    }
    return every_value([&](uint32_t i) {
      return value(i).storage != Storage::kCaller || inputs.contains(roots_[i]) ||
             outputs.contains(roots_[i]);
    });
  }

  bool states_are_right() const {
    std::set<uint32_t> of_states;
    std::set<std::string> names;
    const auto is_io = [&](uint32_t i) {
      return std::ranges::count(plan_.inputs, i) + std::ranges::count(plan_.outputs, i) > 0;
    };
    const auto same = [](const PlanValue& a, const PlanValue& b) {
      return a.dtype == b.dtype && a.layout == b.layout && a.dims == b.dims &&
             a.strides == b.strides;
    };
    for (const PlanState& state : plan_.states) {
      const PlanValue &before = value(state.before), &after = value(state.after);
      for (const uint32_t i : {state.before, state.after}) {
        if (value(i).alias || value(i).storage != Storage::kState || is_io(i) ||
            !of_states.insert(i).second) {
          return false;
        }
      }
      if (!names.insert(before.name).second || !same(before, after) ||
          before.offset_bytes != after.offset_bytes || before.offset_bytes % 64 != 0) {
        return false;
      }
      if (!state.initial) continue;
      const PlanValue& initial = value(*state.initial);
      if (initial.storage != Storage::kConstant || initial.alias || !same(before, initial)) {
        return false;
      }
    }
    return every_value([&](uint32_t i) {
      return value(i).storage != Storage::kState || of_states.contains(roots_[i]);
    });
  }

  bool types_are_right() const {
    return std::all_of(
        plan_.instructions.begin(), plan_.instructions.end(), [&](const PlanInstruction& at) {
          std::vector<TensorType> types(at.inputs.size());
          std::vector<const TensorType*> inputs;
          for (size_t k = 0; k < at.inputs.size(); ++k) {
            if (at.inputs[k]) types[k] = {value(*at.inputs[k]).dtype, value(*at.inputs[k]).dims};
            inputs.push_back(at.inputs[k] ? &types[k] : nullptr);
          }
          const auto inferred = infer_types(at.op, inputs);
          std::vector<bool> present;
          for (const auto& output : at.outputs) present.push_back(output.has_value());
          if (!inferred.ok() || !check_results(at.op, inferred->size(), present).ok()) return false;
          for (size_t k = 0; k < present.size(); ++k) {
            if (!present[k]) continue;
            const PlanValue& v = value(*at.outputs[k]);
            if (TensorType{v.dtype, v.dims} != (*inferred)[k]) return false;
          }
          return true;
        });
  }

  // --- who writes what ---

  bool is_below(uint32_t i, uint32_t ancestor) const {
    while (value(i).alias) {
      i = value(i).alias->parent;
      if (i == ancestor) return true;
    }
    return false;
  }

  bool writers_are_right() {
    for (const uint32_t i : plan_.inputs) writes_[i] = 0;
    for (const PlanState& state : plan_.states) writes_[state.before] = 0;
    for (size_t k = 0; k < plan_.instructions.size(); ++k) {
      for (const auto& output : plan_.instructions[k].outputs) {
        if (!output) continue;
        if (value(*output).storage == Storage::kConstant) return false;
        if (!writes_.emplace(*output, k + 1).second) return false;
      }
    }
    for (const auto& [a, when_a] : writes_) {
      for (const auto& [b, when_b] : writes_) {
        if (is_below(a, b)) return false;
        if (a != b && roots_[a] == roots_[b] && ranges_meet(value(a), value(b))) {
          interleaved_.insert(roots_[a]);
        }
      }
    }
    // Of each value the parts with a writer, told apart along one of its dimensions.
    std::map<uint32_t, std::set<uint32_t>> parts;
    for (const auto& [a, when] : writes_) {
      for (uint32_t at = a; value(at).alias; at = value(at).alias->parent) {
        parts[value(at).alias->parent].insert(at);
      }
    }
    return std::all_of(parts.begin(), parts.end(), [&](const auto& of) {
      return of.second.size() < 2 || are_separable(of.first, of.second);
    });
  }

  bool are_separable(uint32_t parent, const std::set<uint32_t>& parts) const {
    for (const uint32_t part : parts) {
      if (value(part).alias->whole) return false;
    }
    for (int d = 0; d < value(parent).dims.rank(); ++d) {
      const auto begin = [&](uint32_t i) { return value(i).alias->starts[d]; };
      const auto end = [&](uint32_t i) { return begin(i) + value(i).dims[d]; };
      bool apart = true;
      for (const uint32_t a : parts) {
        for (const uint32_t b : parts) {
          apart &= a == b || end(a) <= begin(b) || end(b) <= begin(a);
        }
      }
      if (apart) return true;
    }
    return false;
  }

  static bool ranges_meet(const PlanValue& a, const PlanValue& b) {
    return a.bytes > 0 && b.bytes > 0 && a.offset_bytes < b.offset_bytes + b.bytes &&
           b.offset_bytes < a.offset_bytes + a.bytes;
  }

  // Elements of the value that it or its parts are written with.
  int64_t written_elements(uint32_t i) const {
    if (writes_.contains(i)) return value(i).dims.count();
    int64_t sum = 0;
    for (uint32_t k = 0; k < plan_.values.size(); ++k) {
      if (value(k).alias && value(k).alias->parent == i) sum += written_elements(k);
    }
    return sum;
  }

  // All parts that are written have to be, empty ones too.
  bool is_complete(uint32_t i, size_t position) const {
    if (value(i).alias && is_complete(value(i).alias->parent, position)) return true;
    if (!value(i).alias && value(i).storage == Storage::kConstant) return true;
    return written_elements(i) == value(i).dims.count() &&
           std::all_of(writes_.begin(), writes_.end(), [&](const auto& write) {
             return write.second <= position || (write.first != i && !is_below(write.first, i));
           });
  }

  // --- what lies where while it runs ---

  bool simulate() {
    owners_.assign(static_cast<size_t>(plan_.arena_bytes), kNobody);
    // The memory of states lies behind the arena here.
    owners_.resize(owners_.size() + static_cast<size_t>(plan_.state_bytes), kNobody);
    std::vector<uint32_t> there = plan_.inputs, kept = plan_.outputs;
    for (const PlanState& state : plan_.states) {
      there.push_back(state.before);
      kept.push_back(state.after);
    }
    for (const uint32_t i : there) {
      if (is_shared(i) && !all_owned(value(i), kNobody)) return false;
      if (!write(i)) return false;
    }
    for (size_t k = 0; k < plan_.instructions.size(); ++k) {
      if (!run(plan_.instructions[k], k)) return false;
    }
    return std::all_of(kept.begin(), kept.end(),
                       [&](uint32_t i) { return can_read(i, plan_.instructions.size()); });
  }

  bool all_owned(const PlanValue& v, uint32_t owner) const {
    const int64_t begin = place_of(v);
    for (int64_t byte = begin; byte < begin + v.bytes; ++byte) {
      if (owners_[static_cast<size_t>(byte)] != owner) return false;
    }
    return true;
  }

  bool is_shared(uint32_t i) const { return in_arena(i) || value(i).storage == Storage::kState; }
  int64_t place_of(const PlanValue& v) const {
    return v.offset_bytes + (v.storage == Storage::kState ? plan_.arena_bytes : 0);
  }
  bool values_meet(uint32_t a, uint32_t b) const {
    return is_shared(a) && value(a).storage == value(b).storage && ranges_meet(value(a), value(b));
  }

  bool can_read(uint32_t i, size_t position) const {
    return is_complete(i, position) && (!is_shared(i) || all_owned(value(i), roots_[i]));
  }

  bool write(uint32_t i) {
    if (!is_shared(i)) return true;
    const uint32_t root = roots_[i];
    const bool whole = interleaved_.contains(root);
    const PlanValue& v = value(whole ? root : i);
    if (whole && !begun_.insert(root).second) return all_owned(v, root);
    std::fill_n(owners_.begin() + place_of(v), v.bytes, root);
    return true;
  }

  bool run(const PlanInstruction& at, size_t position) {
    const Wide begin = at.scratch_offset_bytes, end = begin + at.scratch_bytes;
    if (begin < 0 || begin % 64 != 0 || at.scratch_bytes < 0 || end > plan_.arena_bytes) {
      return false;
    }
    PlanValue scratch;
    scratch.offset_bytes = at.scratch_offset_bytes;
    scratch.bytes = at.scratch_bytes;
    for (const auto& input : at.inputs) {
      if (!input) continue;
      if (!can_read(*input, position)) return false;
      if (in_arena(*input) && ranges_meet(value(*input), scratch)) return false;
    }
    for (size_t o = 0; o < at.outputs.size(); ++o) {
      if (!at.outputs[o]) continue;
      const uint32_t output = *at.outputs[o];
      if (in_arena(output) && ranges_meet(value(output), scratch)) return false;
      for (size_t k = 0; k < at.inputs.size(); ++k) {
        if (at.inputs[k] && roots_[*at.inputs[k]] != roots_[output] &&
            values_meet(*at.inputs[k], output) && !works_in_place(at, k, o)) {
          return false;
        }
      }
      for (size_t k = 0; k < o; ++k) {
        if (at.outputs[k] && roots_[*at.outputs[k]] != roots_[output] &&
            values_meet(*at.outputs[k], output)) {
          return false;
        }
      }
    }
    std::fill_n(owners_.begin() + at.scratch_offset_bytes, at.scratch_bytes, kNobody);
    return std::all_of(at.outputs.begin(), at.outputs.end(),
                       [&](const auto& output) { return !output || write(*output); });
  }

  bool works_in_place(const PlanInstruction& at, size_t input, size_t output) const {
    const PlanValue &from = value(*at.inputs[input]), &to = value(*at.outputs[output]);
    if (from.dims != to.dims || dtype_bits(from.dtype) != dtype_bits(to.dtype) ||
        elements(*at.inputs[input]) != elements(*at.outputs[output])) {
      return false;
    }
    const KernelDef* const kernel = kernels_(at.kernel);
    if (kernel == nullptr || kernel->op != op_kind(at.op) || kernel->in_place == nullptr) {
      return false;
    }
    const Asked asked(plan_, at);
    return kernel->supports(asked.request) &&
           kernel->in_place(asked.request, static_cast<int>(input), static_cast<int>(output));
  }

  // --- kernels ---

  struct Asked {
    Asked(const Plan& plan, const PlanInstruction& at) {
      const auto convert = [&](const auto& list, std::vector<Operand>& operands) {
        for (const auto& index : list) {
          Operand& operand = operands.emplace_back();
          if (!index) continue;
          const PlanValue& v = plan.values[*index];
          const bool packed = v.layout == Layout::kPacked;
          operand = {.present = true,
                     .constant = v.storage == Storage::kConstant,
                     .dtype = v.dtype,
                     .layout = v.layout,
                     .dims = v.dims,
                     .strides = packed ? row_major_strides(v.dims) : v.strides};
        }
      };
      convert(at.inputs, inputs);
      convert(at.outputs, outputs);
      unify_layouts(inputs, outputs);
      request = {.op = &at.op, .inputs = inputs, .outputs = outputs, .target = plan.target};
    }
    std::vector<Operand> inputs, outputs;
    KernelRequest request;
  };

  bool kernel_is_right(const PlanInstruction& at) const {
    const KernelDef* const kernel = kernels_(at.kernel);
    if (kernel == nullptr || kernel->op != op_kind(at.op)) return false;
    const Asked asked(plan_, at);
    if (!kernel->supports(asked.request)) return false;
    KernelNeeds needs;
    if (kernel->needs != nullptr) {
      const auto found = kernel->needs(asked.request);
      if (!found.ok()) return false;
      needs = *found;
    }
    if (at.scratch_bytes < needs.scratch_bytes) return false;
    for (size_t k = 0; k < at.inputs.size(); ++k) {
      if (!at.inputs[k]) continue;
      const PlanValue& v = value(*at.inputs[k]);
      std::optional<int64_t> wanted;
      for (const PackedOperand& packed : needs.packed) {
        if (packed.input == static_cast<int>(k)) wanted = packed.bytes;
      }
      const bool packed = v.layout == Layout::kPacked;
      if (packed != wanted.has_value() || (packed && v.bytes != *wanted)) return false;
    }
    return true;
  }

  bool claims_are_possible() const {
    const Wide bound = plan_.certificate.lower_bound_bytes, naive = plan_.certificate.naive_bytes;
    Wide side_by_side = 0;
    for (const PlanValue& v : plan_.values) {
      if (v.storage == Storage::kArena && !v.alias) side_by_side += in_blocks(v.bytes);
    }
    for (const PlanInstruction& at : plan_.instructions) {
      side_by_side += in_blocks(at.scratch_bytes);
    }
    const auto parts = static_cast<int64_t>(plan_.values.size() + plan_.instructions.size());
    return bound >= 0 && naive >= 0 && bound <= plan_.arena_bytes && bound <= side_by_side &&
           bound <= naive + Wide{64} * parts;
  }

  const Plan& plan_;
  const KernelLookup kernels_;
  std::vector<uint32_t> roots_;
  std::map<uint32_t, size_t> writes_;  // value -> position behind what writes it; inputs at 0
  std::set<uint32_t> interleaved_;     // roots whose parts lie between each other's bytes
  std::set<uint32_t> begun_;
  std::vector<uint32_t> owners_;  // root per byte
};

}  // namespace

PlanJudgement judge_plan(const Plan& plan, KernelLookup kernels) {
  Rules rules(plan, kernels);
  const bool memory = rules.memory();
  return {memory, memory && rules.kernels()};
}

}  // namespace memopt
