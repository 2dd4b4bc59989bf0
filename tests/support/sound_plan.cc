#include "tests/support/sound_plan.h"

#include <algorithm>
#include <string>

namespace memopt {
namespace {

class PlanMaker {
 public:
  explicit PlanMaker(Dice& dice) : dice_(dice) {
    plan.arena_alignment = 64;
    const int64_t inputs = 1 + dice_.below(3);
    for (int64_t i = 0; i < inputs; ++i) {
      const uint32_t input =
          add_root(any_type(), any_dims(), dice_.one_in(3) ? Storage::kCaller : Storage::kArena);
      plan.inputs.push_back(input);
      readable_.push_back(input);
    }
    for (int64_t i = dice_.below(3); i > 0; --i) {
      read_some(add_root(any_type(), any_dims(), Storage::kConstant));
    }
    for (int64_t i = dice_.below(3); i > 0; --i) add_state();
    for (int64_t i = dice_.below(4); i > 0; --i) add_step();
    for (PlanState& state : plan.states) write_next(state);
    if (!plan.states.empty() && dice_.one_in(2)) add_step();
    while (plan.instructions.empty()) add_step();
    for (int64_t i = 1 + dice_.below(2); i > 0; --i) {
      const uint32_t output = dice_.any(readable_);
      const PlanValue& v = plan.values[output];
      if (v.storage == Storage::kArena) plan.outputs.push_back(output);
    }
    plan.outputs.insert(plan.outputs.end(), returned_.begin(), returned_.end());
    std::sort(plan.outputs.begin(), plan.outputs.end());
    plan.outputs.erase(std::unique(plan.outputs.begin(), plan.outputs.end()), plan.outputs.end());
    claim();
    shuffle();
  }

  Plan plan;

 private:
  PlanValue& value(uint32_t i) { return plan.values[i]; }
  DType any_type() { return dice_.any(kPlanTypes); }

  Dims any_dims() {
    if (dice_.one_in(24)) return {1, 2, 1, 1, 1, 2, 1, 2};  // as many as there may be
    Dims dims;
    for (int64_t rank = dice_.below(5); rank > 0; --rank) {
      dims.push_back(dice_.one_in(12) ? 0 : 1 + dice_.below(3));
    }
    return dims;
  }

  uint32_t push(PlanValue v) {
    v.name = "v" + std::to_string(plan.values.size());
    v.bytes = extent_bytes(v.dtype, v.dims, v.strides).value_or(0);
    plan.values.push_back(std::move(v));
    return static_cast<uint32_t>(plan.values.size() - 1);
  }

  // A place of its own behind all others; sometimes right behind, sometimes where it just ended.
  void place(PlanValue& v) {
    int64_t& end = v.storage == Storage::kConstant ? plan.constants_bytes
                   : v.storage == Storage::kState  ? plan.state_bytes
                                                   : plan.arena_bytes;
    const int64_t step = v.storage != Storage::kArena ? 64 : dice_.one_in(2) ? 16 : 64;
    v.offset_bytes = (end + step - 1) / step * step;
    end = v.offset_bytes + v.bytes;
  }

  uint32_t add_root(DType dtype, const Dims& dims, Storage storage) {
    PlanValue v;
    v.dtype = dtype;
    v.dims = dims;
    v.storage = storage;
    v.layout = dims.rank() >= 3 && dice_.one_in(3) ? Layout::kChannelsLast : Layout::kRowMajor;
    v.strides = dense_strides(dims, v.layout);
    const int64_t gap = dice_.one_in(4) ? 2 : 1;
    for (int64_t& stride : v.strides) stride *= gap;
    const uint32_t index = push(v);
    if (storage != Storage::kCaller) place(value(index));
    return index;
  }

  void add_state() {
    PlanState state;
    state.before = add_root(any_type(), any_dims(), Storage::kState);
    PlanValue after = value(state.before);
    state.after = push(after);
    if (dice_.one_in(2)) {
      after.storage = Storage::kConstant;
      place(after);
      state.initial = push(after);
      if (dice_.one_in(2)) readable_.push_back(*state.initial);
    }
    plan.states.push_back(state);
    read_some(state.before);
  }

  // The next value is a copy of something, of the old one maybe, in place; whole, or in two parts
  // along some axis. The old one is not read any more.
  void write_next(const PlanState& state) {
    const DType dtype = value(state.after).dtype;
    const Dims dims = value(state.after).dims;
    uint32_t x = state.before;
    for (const uint32_t candidate : readable_) {
      const PlanValue& v = value(candidate);
      const bool other = v.storage != Storage::kState || candidate == state.before;
      if (other && v.dtype == dtype && v.dims == dims && dice_.one_in(2)) x = candidate;
    }
    const bool in_parts =
        x != state.before && dims.rank() > 0 && dtype_bits(dtype) >= 8 && dice_.one_in(2);
    std::erase_if(readable_,
                  [&](uint32_t i) { return root_of(plan, i) == state.before && i != x; });
    if (in_parts) {
      const auto axis = static_cast<int>(dice_.below(dims.rank()));
      const int64_t first = dice_.below(dims[axis] + 1);
      const std::vector<int64_t> sizes = {first, dims[axis] - first};
      std::vector<std::optional<uint32_t>> parts;
      Dims starts = Dims::filled(dims.rank(), 0), part = dims;
      for (const int64_t size : sizes) {
        part[axis] = size;
        parts.emplace_back(add_part(state.after, starts, part));
        starts[axis] += size;
      }
      step(Split{.axis = axis, .sizes = sizes}, kernel("split"), {x}, parts);
    } else {
      step(Copy{}, x == state.before ? "copy.over" : kernel("copy"), {x}, {state.after});
    }
    std::erase(readable_, state.before);
    read_some(state.after);
  }

  uint32_t add_part(uint32_t parent, const Dims& starts, const Dims& dims) {
    PlanValue v = value(parent);
    v.dims = dims;
    int64_t bits = 0;
    for (int d = 0; d < dims.rank(); ++d) bits += starts[d] * v.strides[d] * dtype_bits(v.dtype);
    v.offset_bytes += bits / 8;
    v.alias = PlanAlias{parent, false, starts};
    return push(v);
  }

  // All of a value by another name; of a row-major one without ones, or with one more.
  uint32_t add_whole(uint32_t parent) {
    PlanValue v = value(parent);
    v.alias = PlanAlias{parent, true, {}};
    if (dice_.one_in(8) && v.dims.count() > 0) {  // right where the parent has no gaps
      v.layout = Layout::kRowMajor;
      v.dims = {v.dims.count()};
      v.strides = {1};
    } else if (v.layout == Layout::kRowMajor && !dice_.one_in(3)) {
      v.dims = v.strides = {};
      const PlanValue& p = value(parent);
      if (dice_.one_in(2) && p.dims.rank() < 8) {
        v.dims.push_back(1);
        v.strides.push_back(1 + dice_.below(9));
      }
      for (int d = 0; d < p.dims.rank(); ++d) {
        const bool joins = d + 1 < p.dims.rank() && p.dims[d] > 1 && p.dims[d + 1] > 1 &&
                           p.strides[d] == p.strides[d + 1] * p.dims[d + 1];
        if (p.dims[d] == 1 || (joins && dice_.one_in(2))) {
          if (p.dims[d] == 1) continue;
          v.dims.push_back(p.dims[d] * p.dims[d + 1]);
          v.strides.push_back(p.strides[d + 1]);
          ++d;
          continue;
        }
        v.dims.push_back(p.dims[d]);
        v.strides.push_back(p.strides[d]);
      }
    }
    return push(v);
  }

  // A value to write: a root, or a root by way of its parts, all of which this makes at once.
  void read_some(uint32_t i) {
    readable_.push_back(i);
    if (dice_.one_in(4)) readable_.push_back(add_whole(i));
    const Dims dims = value(i).dims;
    if (dims.rank() == 0 || value(i).layout == Layout::kPacked || dice_.below(3) != 0) return;
    Dims starts = dims, size = dims;
    for (int d = 0; d < dims.rank(); ++d) {
      starts[d] = dice_.below(dims[d] + 1);
      size[d] = dice_.below(dims[d] - starts[d] + 1);
    }
    readable_.push_back(add_part(i, starts, size));
  }

  std::string kernel(const char* op) {
    const char* const kinds[] = {".plain", ".over", ".over", ".some"};
    return std::string(op) + dice_.any(kinds);
  }

  PlanInstruction& step(Op op, const std::string& kernel,
                        std::vector<std::optional<uint32_t>> inputs,
                        std::vector<std::optional<uint32_t>> outputs) {
    PlanInstruction at;
    at.op = std::move(op);
    at.kernel = kernel;
    at.inputs = std::move(inputs);
    at.outputs = std::move(outputs);
    if (dice_.one_in(2)) {
      at.scratch_offset_bytes = (plan.arena_bytes + 63) / 64 * 64;
      at.scratch_bytes = 64 + 4 * dice_.below(3);
      plan.arena_bytes = at.scratch_offset_bytes + at.scratch_bytes;
    }
    plan.instructions.push_back(std::move(at));
    return plan.instructions.back();
  }

  // The result of a step that reads `input`: new, over the input, or part by part.
  void add_step() {
    const uint32_t x = dice_.any(readable_);
    const DType dtype = value(x).dtype;
    const Dims dims = value(x).dims;
    switch (dice_.below(8)) {
      case 0:
        return write_in_parts(x);
      case 1:
        return split(x);
      case 2: {
        const DType to = dice_.one_in(2) ? any_type() : dtype;
        const uint32_t y = result(to, dims, x);
        step(Cast{.to = to}, kernel("cast"), {x}, {y});
        return read_some(y);
      }
      case 3: {
        Dims other = dims;
        std::reverse(other.begin(), other.end());
        const uint32_t y = result(dtype, other, x);
        step(Reshape{.dims = {other.begin(), other.end()}}, kernel("reshape"), {x}, {y});
        return read_some(y);
      }
      case 4: {
        uint32_t other = x;
        for (const uint32_t candidate : readable_) {
          const PlanValue& v = value(candidate);
          if (v.dtype == dtype && v.dims == dims && dice_.one_in(2)) other = candidate;
        }
        if (dtype == DType::kC128 || dtype == DType::kU4) return;
        const uint32_t y = result(dtype, dims, x);
        if (dice_.one_in(3)) {
          other = add_root(dtype, dims, Storage::kConstant);
          pack(value(other), 1);
          step(Binary{}, "binary.packed", {x, other}, {y});
        } else {
          step(Binary{}, kernel("binary"), {x, other}, {y});
        }
        return read_some(y);
      }
      case 5:
        return clip(x);
      default: {
        const uint32_t y = result(dtype, dims, x);
        step(Copy{}, kernel("copy"), {x}, {y});
        return read_some(y);
      }
    }
  }

  uint32_t result(DType dtype, const Dims& dims, uint32_t over) {
    if (dice_.one_in(6)) {
      returned_.push_back(add_root(dtype, dims, Storage::kCaller));
      return returned_.back();
    }
    const uint32_t y = add_root(dtype, dims, Storage::kArena);
    const PlanValue& from = value(over);
    if (from.storage == Storage::kArena && dice_.one_in(3)) {
      PlanValue& v = value(y);
      v.offset_bytes = from.offset_bytes;
      if (v.dims == from.dims) {
        v.layout = from.layout;
        v.strides = from.strides;
        v.bytes = *extent_bytes(v.dtype, v.dims, v.strides);
      }
      plan.arena_bytes = std::max(plan.arena_bytes, v.offset_bytes + v.bytes);
    }
    return y;
  }

  void clip(uint32_t x) {
    const DType dtype = value(x).dtype;
    if (dtype == DType::kC128 || dtype == DType::kU4) return;
    const uint32_t y = result(dtype, value(x).dims, x);
    std::vector<std::optional<uint32_t>> inputs = {x};
    const bool packed = dice_.one_in(2);
    for (int64_t i = dice_.below(3); i > 0; --i) {
      inputs.emplace_back();
      if (dice_.one_in(3)) continue;
      inputs.back() = add_root(dtype, {}, Storage::kConstant);
      if (!packed) continue;
      PlanValue& bound = value(*inputs.back());
      pack(bound, static_cast<int64_t>(inputs.size() - 1));
      if (dice_.one_in(8)) bound.alias = PlanAlias{*inputs.back() - 1, true, {}};
    }
    step(Clip{}, packed ? "clip.packed" : kernel("clip"), inputs, {y});
    read_some(y);
  }

  // A constant, the last one, in the form of an operand of the packed kernels, or nearly.
  void pack(PlanValue& v, int64_t input) {
    v.layout = Layout::kPacked;
    v.strides = {};
    v.bytes = 64 + 4 * input + (dice_.one_in(4) ? 4 : 0);
    plan.constants_bytes = v.offset_bytes + v.bytes;
  }

  void split(uint32_t x) {
    const Dims dims = value(x).dims;
    if (dims.rank() == 0) return;
    const auto axis = static_cast<int>(dice_.below(dims.rank()));
    const int64_t first = dice_.below(dims[axis] + 1), second = dice_.below(dims[axis] - first + 1);
    const std::vector<int64_t> sizes = {first, second, dims[axis] - first - second};
    std::vector<std::optional<uint32_t>> outputs;
    // All in one root, or each in its own.
    const bool together = dice_.one_in(2) && dtype_bits(value(x).dtype) >= 8;
    const uint32_t whole = !together         ? 0
                           : dice_.one_in(2) ? add_root(value(x).dtype, dims, Storage::kArena)
                                             : add_half(x);
    int64_t begin = 0;
    bool absent = false;
    for (const int64_t size : sizes) {
      Dims part = dims, starts = Dims::filled(dims.rank(), 0);
      part[axis] = size;
      starts[axis] = begin;
      begin += size;
      outputs.emplace_back();
      if (!outputs.empty() && dice_.one_in(6) && !absent) {
        absent = true;
        continue;
      }
      outputs.back() = together ? add_part(whole, starts, part)
                                : add_root(value(x).dtype, part, Storage::kArena);
      readable_.push_back(*outputs.back());
    }
    if (together && !absent) readable_.push_back(whole);
    if (!absent) readable_.insert(readable_.end(), late_.begin(), late_.end());
    late_.clear();
    if (!together && dice_.one_in(6)) crowd(outputs);
    step(Split{.axis = axis, .sizes = sizes}, kernel("split"), {x}, outputs);
  }

  // The second half of a root whose first half is a copy of `x`.
  uint32_t add_half(uint32_t x) {
    const Dims dims = value(x).dims;
    const auto axis = static_cast<int>(dice_.below(dims.rank()));
    Dims all = dims, starts = Dims::filled(dims.rank(), 0);
    all[axis] *= 2;
    const uint32_t whole = add_root(value(x).dtype, all, Storage::kArena);
    step(Copy{}, kernel("copy"), {x}, {add_part(whole, starts, dims)});
    starts[axis] = dims[axis];
    const uint32_t half = add_part(whole, starts, dims);
    readable_.push_back(half);
    late_.push_back(whole);
    return half;
  }

  // A root that is made of copies of `x`, one behind the other along some axis.
  void write_in_parts(uint32_t x) {
    const Dims dims = value(x).dims;
    if (dims.rank() == 0 || dtype_bits(value(x).dtype) < 8) return;
    const auto axis = static_cast<int>(dice_.below(dims.rank()));
    const int64_t copies = 2 + dice_.below(2);
    Dims all = dims, starts = Dims::filled(dims.rank(), 0);
    all[axis] *= copies;
    const uint32_t whole = add_root(value(x).dtype, all, Storage::kArena);
    std::vector<int64_t> order;
    for (int64_t k = 0; k < copies; ++k) order.push_back(k);
    if (dice_.one_in(2)) std::swap(order.front(), order.back());
    for (const int64_t k : order) {
      starts[axis] = k * dims[axis];
      uint32_t part = add_part(whole, starts, dims);
      if (dice_.one_in(4)) part = add_whole(part);
      if (value(part).dims != dims) part = value(part).alias->parent;
      step(Copy{}, kernel("copy"), {x}, {part});
      if (dice_.one_in(2)) readable_.push_back(part);
    }
    read_some(whole);
  }

  // Results of one step where others of them may be.
  void crowd(const std::vector<std::optional<uint32_t>>& outputs) {
    for (const auto& output : outputs) {
      if (output) value(*output).offset_bytes = value(*dice_.any_present(outputs)).offset_bytes;
    }
  }

  // No number of a value means anything.
  void shuffle() {
    std::vector<uint32_t> place(plan.values.size());
    for (uint32_t i = 0; i < place.size(); ++i) place[i] = i;
    for (size_t i = place.size(); i > 1; --i) {
      std::swap(place[i - 1], place[static_cast<size_t>(dice_.below(static_cast<int64_t>(i)))]);
    }
    std::vector<PlanValue> values(plan.values.size());
    for (size_t i = 0; i < place.size(); ++i) {
      if (plan.values[i].alias) plan.values[i].alias->parent = place[plan.values[i].alias->parent];
      values[place[i]] = std::move(plan.values[i]);
    }
    plan.values = std::move(values);
    for (uint32_t& i : plan.inputs) i = place[i];
    for (uint32_t& i : plan.outputs) i = place[i];
    for (PlanState& state : plan.states) {
      state.before = place[state.before];
      state.after = place[state.after];
      if (state.initial) state.initial = place[*state.initial];
    }
    for (PlanInstruction& at : plan.instructions) {
      for (auto* operands : {&at.inputs, &at.outputs}) {
        for (auto& operand : *operands) {
          if (operand) operand = place[*operand];
        }
      }
    }
  }

  void claim() {
    int64_t bytes = 0;
    for (const PlanValue& v : plan.values) {
      if (v.storage == Storage::kArena && !v.alias) bytes += (v.bytes + 63) / 64 * 64;
    }
    for (const PlanInstruction& at : plan.instructions) bytes += (at.scratch_bytes + 63) / 64 * 64;
    const auto parts = static_cast<int64_t>(plan.values.size() + plan.instructions.size());
    const int64_t most = std::min(bytes, plan.arena_bytes);
    plan.certificate.lower_bound_bytes = most - dice_.below(2);
    plan.certificate.naive_bytes = std::max<int64_t>(most - 64 * parts, 0);
    if (dice_.one_in(2)) plan.certificate.naive_bytes = most;
  }

  Dice& dice_;
  std::vector<uint32_t> readable_, returned_;
  std::vector<uint32_t> late_;  // readable once its second half is written
};
}  // namespace

Plan sound_plan(Dice& dice) { return PlanMaker(dice).plan; }

}  // namespace memopt
