#include "runtime/plan/verify_memory.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>

namespace memopt {
namespace {

constexpr uint32_t kNobody = std::numeric_limits<uint32_t>::max();
constexpr size_t kNever = std::numeric_limits<size_t>::max();

Error failure(std::string message) { return {Code::kVerifyFailed, std::move(message)}; }

// Bytes of the arena, or of the states, half-open.
struct Range {
  int64_t begin = 0, end = 0;
  bool empty() const { return begin >= end; }
  bool overlaps(const Range& other) const {
    return !empty() && !other.empty() && begin < other.end && other.begin < end;
  }
};

Range range_of(const PlanValue& value) {
  return {value.offset_bytes, value.offset_bytes + value.bytes};
}

std::string text(const Range& range) {
  return "[" + std::to_string(range.begin) + ", " + std::to_string(range.end) + ")";
}

// Every element of one lies where the same element of the other does.
bool same_elements(const PlanValue& a, const PlanValue& b) {
  if (a.offset_bytes != b.offset_bytes || a.dims != b.dims ||
      dtype_bits(a.dtype) != dtype_bits(b.dtype)) {
    return false;
  }
  for (int i = 0; i < a.dims.rank(); ++i) {
    if (a.dims[i] > 1 && a.strides[i] != b.strides[i]) return false;
  }
  return true;
}

// Which root wrote each byte of a space last.
class OwnerMap {
 public:
  void assign(const Range& range, uint32_t owner) {
    if (range.empty()) return;
    const uint32_t after = owner_at(range.end);
    pieces_.erase(pieces_.lower_bound(range.begin), pieces_.upper_bound(range.end));
    pieces_[range.end] = after;
    pieces_[range.begin] = owner;
    // Neighbours of one owner are one piece, so that what is intact is found so at once.
    join_with_before(range.end);
    join_with_before(range.begin);
  }

  // The first owner in `range` that is not `owner`.
  std::optional<uint32_t> stranger(const Range& range, uint32_t owner) const {
    if (range.empty()) return std::nullopt;
    for (auto it = std::prev(pieces_.upper_bound(range.begin)); it->first < range.end; ++it) {
      if (it->second != owner) return it->second;
    }
    return std::nullopt;
  }

 private:
  void join_with_before(int64_t begin) {
    const auto piece = pieces_.find(begin);
    if (piece != pieces_.begin() && std::prev(piece)->second == piece->second) pieces_.erase(piece);
  }
  uint32_t owner_at(int64_t byte) const { return std::prev(pieces_.upper_bound(byte))->second; }

  // First byte of each piece -> owner, up to the next piece; the last one is behind every range.
  std::map<int64_t, uint32_t> pieces_{{0, kNobody}, {std::numeric_limits<int64_t>::max(), kNobody}};
};

class Simulation {
 public:
  Simulation(const Plan& plan, const std::vector<uint32_t>& roots, KernelLookup kernels)
      : plan_(plan),
        roots_(roots),
        kernels_(kernels),
        written_(plan.values.size()),
        claimed_whole_(plan.values.size()),
        begun_(plan.values.size()) {}

  Status run() {
    MEMOPT_RETURN_IF_ERROR(check_writers());
    find_complete();
    for (const uint32_t i : plan_.inputs) MEMOPT_RETURN_IF_ERROR(write_input(i));
    for (const PlanState& state : plan_.states) MEMOPT_RETURN_IF_ERROR(write_input(state.before));
    for (size_t i = 0; i < plan_.instructions.size(); ++i) {
      position_ = i;
      Status status = execute(plan_.instructions[i]);
      if (!status.ok()) {
        return in_context(
            "instruction " + std::to_string(i) + " ('" + plan_.instructions[i].name + "')",
            status.error());
      }
    }
    position_ = plan_.instructions.size();
    std::vector<uint32_t> kept = plan_.outputs;
    for (const PlanState& state : plan_.states) kept.push_back(state.after);
    for (const uint32_t i : kept) {
      Status status = read(i);
      if (!status.ok()) return in_context("at the end", status.error());
    }
    return {};
  }

 private:
  const PlanValue& value(uint32_t i) const { return plan_.values[i]; }
  bool in_arena(uint32_t i) const { return value(i).storage == Storage::kArena; }
  // Its bytes pass from value to value during a run.
  bool is_shared(uint32_t i) const { return in_arena(i) || value(i).storage == Storage::kState; }
  OwnerMap& owners(uint32_t i) { return in_arena(i) ? arena_owners_ : state_owners_; }
  bool overlap(uint32_t a, uint32_t b) const {
    return is_shared(a) && value(a).storage == value(b).storage &&
           range_of(value(a)).overlaps(range_of(value(b)));
  }
  std::string quoted(uint32_t i) const { return "'" + value(i).name + "'"; }

  // Every value has one writer, and what is written of a root is disjoint: no written value has a
  // written ancestor, and the written children of one value do not overlap.
  Status check_writers() {
    std::vector<uint32_t> writes = plan_.inputs;
    for (const PlanState& state : plan_.states) writes.push_back(state.before);
    for (const PlanInstruction& instruction : plan_.instructions) {
      for (const std::optional<uint32_t>& output : instruction.outputs) {
        if (!output) continue;
        if (value(*output).storage == Storage::kConstant) {
          return failure("constant " + quoted(*output) + " is written");
        }
        writes.push_back(*output);
      }
    }
    for (const uint32_t i : writes) {
      if (written_[i]) return failure("value " + quoted(i) + " is written twice");
      written_[i] = true;
    }
    std::vector<std::pair<uint32_t, uint32_t>> links;  // parent, child with a writer below it
    std::vector<bool> linked(plan_.values.size());
    for (const uint32_t i : writes) {
      for (uint32_t at = i; value(at).alias && !linked[at];) {
        linked[at] = true;
        const uint32_t parent = value(at).alias->parent;
        if (written_[parent]) {
          return failure("value " + quoted(i) + " is written, and so is " + quoted(parent) +
                         ", which contains it");
        }
        links.emplace_back(parent, at);
        at = parent;
      }
    }
    std::sort(links.begin(), links.end());
    for (size_t begin = 0, end; begin < links.size(); begin = end) {
      end = begin;
      std::vector<uint32_t> parts;
      while (end < links.size() && links[end].first == links[begin].first) {
        parts.push_back(links[end++].second);
      }
      if (parts.size() > 1 && !are_separable(parts)) {
        return failure("the parts that are written of " + quoted(links[begin].first) + " overlap");
      }
    }
    find_interleaved(writes);
    return {};
  }

  // True if boxes of one parent follow each other along some dimension.
  bool are_separable(std::vector<uint32_t> parts) const {
    if (std::any_of(parts.begin(), parts.end(),
                    [&](uint32_t i) { return value(i).alias->whole; })) {
      return false;
    }
    for (int axis = 0; axis < value(parts[0]).dims.rank(); ++axis) {
      const auto start = [&](uint32_t i) { return value(i).alias->starts[axis]; };
      std::ranges::sort(parts, {},
                        [&](uint32_t i) { return std::pair(start(i), value(i).dims[axis]); });
      const auto overlapping = std::adjacent_find(
          parts.begin(), parts.end(),
          [&](uint32_t a, uint32_t b) { return start(a) + value(a).dims[axis] > start(b); });
      if (overlapping == parts.end()) return true;
    }
    return false;
  }

  // Parts that lie between each other's bytes (channels of a channels-last tensor) are told apart
  // by coordinates, not addresses: such a root owns all its bytes from the first write on.
  void find_interleaved(std::vector<uint32_t> writes) {
    std::erase_if(writes, [&](uint32_t i) { return value(i).bytes == 0; });
    std::ranges::sort(writes, {},
                      [&](uint32_t i) { return std::pair(roots_[i], value(i).offset_bytes); });
    int64_t end = 0;
    for (size_t k = 0; k < writes.size(); ++k) {
      const uint32_t root = roots_[writes[k]];
      const Range range = range_of(value(writes[k]));
      if (k > 0 && roots_[writes[k - 1]] == root && range.begin < end) {
        claimed_whole_[root] = true;
      } else {
        end = 0;
      }
      end = std::max(end, range.end);
    }
  }

  // From which position on each value holds all of its elements: when it is written, when the last
  // of its parts is (check_writers has proved them disjoint), or when all of what it is part of is
  // there. Position p is before instruction p.
  void find_complete() {
    const size_t count = plan_.values.size();
    std::vector<int64_t> missing(count);  // elements that neither the value nor a part of it writes
    std::vector<size_t> last_write(count, 0);
    std::vector<uint32_t> parts(count, 0);
    complete_from_.assign(count, kNever);
    for (uint32_t i = 0; i < count; ++i) {
      missing[i] = value(i).dims.count();
      if (value(i).storage == Storage::kConstant) missing[i] = 0;
      if (value(i).alias) ++parts[value(i).alias->parent];
    }
    for (const uint32_t i : plan_.inputs) missing[i] = 0;
    for (const PlanState& state : plan_.states) missing[state.before] = 0;
    for (size_t k = 0; k < plan_.instructions.size(); ++k) {
      for (const std::optional<uint32_t>& output : plan_.instructions[k].outputs) {
        if (!output) continue;
        missing[*output] = 0;
        last_write[*output] = k + 1;
      }
    }
    std::vector<uint32_t> order;  // parts before what they are parts of
    order.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      if (parts[i] == 0) order.push_back(i);
    }
    for (size_t next = 0; next < order.size(); ++next) {
      const uint32_t i = order[next];
      if (missing[i] <= 0) complete_from_[i] = last_write[i];
      if (!value(i).alias) continue;
      const uint32_t parent = value(i).alias->parent;
      missing[parent] -= value(i).dims.count() - missing[i];
      last_write[parent] = std::max(last_write[parent], last_write[i]);
      if (--parts[parent] == 0) order.push_back(parent);
    }
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      if (!value(*it).alias) continue;
      complete_from_[*it] = std::min(complete_from_[*it], complete_from_[value(*it).alias->parent]);
    }
  }

  Status read(uint32_t i) {
    if (complete_from_[i] > position_)
      return failure("reads " + quoted(i) + " before it is written");
    return is_shared(i) ? check_intact(i, range_of(value(i))) : Status();
  }

  Status check_intact(uint32_t i, const Range& range) {
    const std::optional<uint32_t> stranger = owners(i).stranger(range, roots_[i]);
    if (!stranger) return {};
    return failure("needs " + quoted(i) + " at " + text(range) + ", where " +
                   (*stranger == kNobody ? std::string("scratch or nothing") : quoted(*stranger)) +
                   " lies by now");
  }

  // The caller fills all inputs before the run, whether they are read or not, and states are there.
  Status write_input(uint32_t i) {
    if (!is_shared(i)) return {};
    if (const auto other = owners(i).stranger(range_of(value(i)), kNobody)) {
      return failure((in_arena(i) ? "inputs " : "states ") + quoted(*other) + " and " + quoted(i) +
                     " overlap");
    }
    return write(i);
  }

  Status write(uint32_t i) {
    if (!is_shared(i)) return {};
    const uint32_t root = roots_[i];
    if (!claimed_whole_[root]) {
      owners(i).assign(range_of(value(i)), root);
      return {};
    }
    if (begun_[root]) return check_intact(root, range_of(value(root)));
    begun_[root] = true;
    owners(i).assign(range_of(value(root)), root);
    return {};
  }

  // The scratch of an instruction, which is in the arena and overlaps none of its operands.
  Result<Range> scratch_range(const PlanInstruction& instruction) {
    if (instruction.scratch_bytes < 0 || instruction.scratch_offset_bytes < 0 ||
        instruction.scratch_offset_bytes % kArenaAlignment != 0 ||
        instruction.scratch_offset_bytes > plan_.arena_bytes - instruction.scratch_bytes) {
      return failure("scratch of " + std::to_string(instruction.scratch_bytes) + " bytes at " +
                     std::to_string(instruction.scratch_offset_bytes) +
                     " does not fit the arena of " + std::to_string(plan_.arena_bytes));
    }
    const Range scratch{instruction.scratch_offset_bytes,
                        instruction.scratch_offset_bytes + instruction.scratch_bytes};
    for (const auto* operands : {&instruction.inputs, &instruction.outputs}) {
      for (const std::optional<uint32_t>& operand : *operands) {
        if (operand && in_arena(*operand) && range_of(value(*operand)).overlaps(scratch)) {
          return failure("scratch at " + text(scratch) + " overlaps " + quoted(*operand));
        }
      }
    }
    return scratch;
  }

  // An output may lie over an input only exactly, and only if the kernel says so.
  Status check_in_place(const PlanInstruction& instruction, size_t input, size_t output) {
    const PlanValue& from = value(*instruction.inputs[input]);
    const PlanValue& to = value(*instruction.outputs[output]);
    const Error overlap = failure("output '" + to.name + "' at " + text(range_of(to)) +
                                  " overlaps input '" + from.name + "' at " + text(range_of(from)));
    if (!same_elements(from, to)) {
      return in_context("not in place", overlap);
    }
    const KernelDef* const kernel = kernels_(instruction.kernel);
    const InstructionRequest operands(plan_, instruction);
    if (!kernel || kernel->op != op_kind(instruction.op) || !kernel->in_place ||
        !kernel->supports(operands.request()) ||
        !kernel->in_place(operands.request(), static_cast<int>(input), static_cast<int>(output))) {
      return in_context("kernel '" + instruction.kernel + "' does not work in place", overlap);
    }
    return {};
  }

  Status check_overlaps(const PlanInstruction& instruction) {
    std::vector<uint32_t> outputs;
    for (size_t o = 0; o < instruction.outputs.size(); ++o) {
      if (!instruction.outputs[o] || !is_shared(*instruction.outputs[o])) continue;
      const uint32_t output = *instruction.outputs[o];
      outputs.push_back(output);
      for (size_t i = 0; i < instruction.inputs.size(); ++i) {
        // Within one root what is complete and what is written now are disjoint (check_writers).
        if (!instruction.inputs[i] || roots_[*instruction.inputs[i]] == roots_[output] ||
            !overlap(*instruction.inputs[i], output)) {
          continue;
        }
        MEMOPT_RETURN_IF_ERROR(check_in_place(instruction, i, o));
      }
    }
    std::erase_if(outputs, [&](uint32_t i) { return value(i).bytes == 0; });
    std::ranges::sort(outputs, {}, [&](uint32_t i) {
      return std::pair(value(i).storage, value(i).offset_bytes);
    });
    // Outputs of one root were told apart already. Where one of another root begins, all that came
    // before have ended, or the one that ends last has not.
    std::optional<uint32_t> furthest;
    for (const uint32_t i : outputs) {
      if (furthest && value(*furthest).storage != value(i).storage) furthest.reset();
      const int64_t end = furthest ? range_of(value(*furthest)).end : 0;
      if (furthest && roots_[*furthest] != roots_[i] && end > range_of(value(i)).begin) {
        return failure("outputs " + quoted(*furthest) + " and " + quoted(i) + " overlap");
      }
      if (range_of(value(i)).end > end) furthest = i;
    }
    return {};
  }

  Status execute(const PlanInstruction& instruction) {
    for (const std::optional<uint32_t>& input : instruction.inputs) {
      if (input) MEMOPT_RETURN_IF_ERROR(read(*input));
    }
    MEMOPT_ASSIGN_OR_RETURN(const Range scratch, scratch_range(instruction));
    MEMOPT_RETURN_IF_ERROR(check_overlaps(instruction));
    arena_owners_.assign(scratch, kNobody);
    for (const std::optional<uint32_t>& output : instruction.outputs) {
      if (output) MEMOPT_RETURN_IF_ERROR(write(*output));
    }
    return {};
  }

  const Plan& plan_;
  const std::vector<uint32_t>& roots_;
  const KernelLookup kernels_;
  OwnerMap arena_owners_, state_owners_;
  size_t position_ = 0;
  std::vector<bool> written_;          // by an input or an instruction, anywhere in the plan
  std::vector<size_t> complete_from_;  // see find_complete()
  std::vector<bool> claimed_whole_;    // roots whose parts interleave
  std::vector<bool> begun_;            // of those: something is written
};

}  // namespace

Status simulate_memory(const Plan& plan, const std::vector<uint32_t>& roots, KernelLookup kernels) {
  return Simulation(plan, roots, kernels).run();
}

}  // namespace memopt
