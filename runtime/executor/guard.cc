#include "runtime/executor/guard.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "runtime/base/checked.h"
#include "runtime/kernels/kernel.h"

namespace memopt {
namespace {

// Work in blocks, most of which are all dead or all unchanged.
constexpr size_t kBlockBytes = 4096;
using Block = std::array<std::byte, kBlockBytes>;

constexpr Block filled(uint32_t word) {
  Block block{};
  for (size_t i = 0; i < block.size(); ++i)
    block[i] = static_cast<std::byte>(word >> (8 * (i % 4)));
  return block;
}
// NaN as f64, f32 and bf16, and unlikely numbers as anything else; they differ in every byte.
constexpr Block kPatterns[] = {filled(0x7ff8dead), filled(0xfffd2152)};
constexpr Block kAllDead{};

// Calls visit(begin, end) for the runs of bytes that the elements of `value`, a PlanValue or a
// Tensor, fill, counted from its first one.
template <typename T, typename F>
void for_each_run(const T& value, F&& visit) {
  if (value.dims.count() == 0) return;
  if (is_dense(value.dims, value.strides, value.layout)) {
    visit(int64_t{0}, *dtype_bytes(value.dtype, value.dims.count()));
    return;
  }
  const int64_t bits = dtype_bits(value.dtype);
  Dims at = Dims::filled(value.dims.rank(), 0);
  // The dimension whose elements follow each other in memory makes the runs.
  int inner = value.dims.rank() - 1;
  for (int i = 0; i < value.dims.rank(); ++i) {
    if (value.dims[i] > 1 && value.strides[i] == 1) inner = i;
  }
  const bool contiguous = value.strides[inner] == 1 || value.dims[inner] == 1;
  const int64_t run = contiguous ? value.dims[inner] : 1;
  for (;;) {
    int64_t element = 0;
    for (int i = 0; i < at.rank(); ++i) element += at[i] * value.strides[i];
    const int64_t begin = element * bits / 8;
    visit(begin, begin + (run * bits + 7) / 8);
    int axis = at.rank() - 1;
    for (; axis >= 0; --axis) {
      if (contiguous && axis == inner) continue;
      if (++at[axis] < value.dims[axis]) break;
      at[axis] = 0;
    }
    if (axis < 0) return;
  }
}

// The bits of byte `byte` of a dense value that belong to elements: of elements smaller than a byte
// the last one may be part of nothing.
std::byte used_bits(const Tensor& tensor, int64_t byte) {
  const int64_t bits = tensor.dims.count() * dtype_bits(tensor.dtype);
  if (dtype_bits(tensor.dtype) >= 8 || byte != bits / 8) return std::byte{0xff};
  return static_cast<std::byte>((1 << (bits % 8)) - 1);
}

// Calls visit(tensor, bytes) for the outputs that lie in callers' buffers.
template <typename F>
void for_each_caller_output(const Plan& plan, size_t instruction, const RunContext& call,
                            F&& visit) {
  const auto& outputs = plan.instructions[instruction].outputs;
  for (size_t k = 0; k < outputs.size(); ++k) {
    if (!outputs[k] || plan.values[*outputs[k]].storage != Storage::kCaller) continue;
    visit(call.outputs[k], plan.values[*outputs[k]].bytes);
  }
}

int64_t caller_bytes(const Plan& plan, const PlanInstruction& instruction) {
  int64_t bytes = 0;
  for (const std::optional<uint32_t>& output : instruction.outputs) {
    if (output && plan.values[*output].storage == Storage::kCaller) {
      bytes += plan.values[*output].bytes;
    }
  }
  return bytes;
}

}  // namespace

Guard::Guard(const Plan& plan, std::span<std::byte> arena)
    : plan_(plan),
      arena_{.name = storage_name(Storage::kArena),
             .bytes = arena.first(static_cast<size_t>(plan.arena_bytes)),
             .marks = {},
             .before = {},
             .results = {}},
      state_{.name = storage_name(Storage::kState),
             .bytes = {},
             .marks = {},
             .before = {},
             .results = {}},
      lifetimes_(lifetimes(plan)),
      begins_(plan.instructions.size()),
      ends_(plan.instructions.size()) {
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    if (!lifetimes_[i] || !space_of(plan.values[i])) continue;
    // Live before instruction `first` up to and including instruction `last`.
    const auto first = static_cast<size_t>(lifetimes_[i]->written);
    const auto last = static_cast<size_t>(lifetimes_[i]->last_read);
    if (last <= first || first >= begins_.size()) continue;
    begins_[first].push_back(i);
    if (last < ends_.size()) ends_[last].push_back(i);
  }
}

Result<std::unique_ptr<Guard>> Guard::create(const Plan& plan, std::span<std::byte> arena) {
  std::unique_ptr<Guard> guard(new Guard(plan, arena));
  for (Space* const space : {&guard->arena_, &guard->state_}) {
    const int64_t bytes = space == &guard->arena_ ? plan.arena_bytes : plan.state_bytes;
    MEMOPT_ASSIGN_OR_RETURN(space->marks, PageBuffer::allocate(bytes));
    MEMOPT_ASSIGN_OR_RETURN(space->before, PageBuffer::allocate(bytes));
    MEMOPT_ASSIGN_OR_RETURN(space->results, PageBuffer::allocate(bytes));
  }
  int64_t most = 0;
  for (const PlanInstruction& instruction : plan.instructions) {
    most = std::max(most, caller_bytes(plan, instruction));
  }
  guard->caller_results_.resize(static_cast<size_t>(most));
  guard->live_.reserve(plan.values.size());
  return guard;
}

Guard::Space* Guard::space_of(const PlanValue& value) {
  if (value.storage == Storage::kArena) return &arena_;
  return value.storage == Storage::kState ? &state_ : nullptr;
}

const Guard::Space* Guard::space_of(const PlanValue& value) const {
  return const_cast<Guard*>(this)->space_of(value);
}

void Guard::mark(Space& space, int64_t begin, int64_t end, Mark mark) {
  const auto marks =
      space.marks.bytes().subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  for (std::byte& byte : marks) byte |= std::byte{mark};
}

void Guard::mark(const PlanValue& value, Mark mark) {
  Space& space = *space_of(value);
  for_each_run(value, [&](int64_t begin, int64_t end) {
    this->mark(space, value.offset_bytes + begin, value.offset_bytes + end, mark);
    if (&space == &arena_ && begin < end) reserve(value.offset_bytes + end);
  });
}

void Guard::reserve(int64_t end) {
  report_.reserved_bytes = std::max(report_.reserved_bytes, align_up(end, kArenaAlignment));
}

void Guard::poison(Space& space, Poison which) {
  const Block& pattern = kPatterns[static_cast<size_t>(which)];
  for (size_t begin = 0; begin < space.bytes.size(); begin += kBlockBytes) {
    const size_t bytes = std::min(kBlockBytes, space.bytes.size() - begin);
    const std::byte* const marks = space.marks.bytes().data() + begin;
    std::byte* const target = space.bytes.data() + begin;
    if (std::memcmp(marks, kAllDead.data(), bytes) == 0) {
      std::memcpy(target, pattern.data(), bytes);
      continue;
    }
    for (size_t i = 0; i < bytes; ++i) {
      if ((marks[i] & std::byte{kLive}) == std::byte{0}) target[i] = pattern[i];
    }
  }
}

// Every byte that nothing lives in, and the outputs in callers' buffers.
void Guard::poison(Poison which, size_t instruction, const RunContext& call) {
  for (Space* const space : {&arena_, &state_}) poison(*space, which);
  const Block& pattern = kPatterns[static_cast<size_t>(which)];
  for_each_caller_output(plan_, instruction, call, [&](const Tensor& output, int64_t) {
    auto* const data = static_cast<std::byte*>(output.data);
    for_each_run(output, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) data[i] = pattern[static_cast<size_t>(i) % kBlockBytes];
    });
  });
}

void Guard::before_run(std::span<std::byte> state) {
  state_.bytes = state;
  live_.clear();
  ++report_.runs;
  for (const auto* values : {&plan_.inputs, &plan_.outputs}) {
    for (const uint32_t i : *values) {
      const PlanValue& value = plan_.values[i];
      if (value.storage != Storage::kArena) continue;
      for_each_run(value, [&](int64_t, int64_t end) { reserve(value.offset_bytes + end); });
    }
  }
}

void Guard::before(size_t instruction, const RunContext& call) {
  for (const uint32_t i : begins_[instruction]) {
    live_.insert(std::lower_bound(live_.begin(), live_.end(), i), i);
  }
  for (const uint32_t i : ends_[instruction]) {
    live_.erase(std::lower_bound(live_.begin(), live_.end(), i));
  }
  for (Space* const space : {&arena_, &state_}) {
    std::ranges::fill(space->marks.bytes(), std::byte{0});
  }
  for (const uint32_t i : live_) mark(plan_.values[i], kLive);
  const PlanInstruction& step = plan_.instructions[instruction];
  for (const std::optional<uint32_t>& output : step.outputs) {
    if (output && space_of(plan_.values[*output])) mark(plan_.values[*output], kWritable);
  }
  const int64_t scratch_end = step.scratch_offset_bytes + step.scratch_bytes;
  mark(arena_, step.scratch_offset_bytes, scratch_end, kWritable);
  if (step.scratch_bytes > 0) reserve(scratch_end);
  poison(Poison::kFirst, instruction, call);
  for (Space* const space : {&arena_, &state_}) {
    std::ranges::copy(space->bytes, space->before.bytes().begin());
  }
}

Status Guard::after(size_t instruction, Kernel& kernel, const RunContext& call) {
  for (const Space* const space : {&arena_, &state_}) {
    MEMOPT_RETURN_IF_ERROR(check_unchanged(instruction, *space));
  }
  keep_results(instruction, call);
  for (Space* const space : {&arena_, &state_}) {
    std::ranges::copy(space->before.bytes(), space->bytes.begin());
  }
  poison(Poison::kSecond, instruction, call);
  MEMOPT_RETURN_IF_ERROR(kernel.run(call));
  MEMOPT_RETURN_IF_ERROR(check_same_results(instruction, call));
  ++report_.steps;
  return {};
}

Status Guard::check_unchanged(size_t instruction, const Space& space) {
  const std::span<const std::byte> marks = space.marks.bytes();
  const std::span<const std::byte> before = space.before.bytes();
  for (size_t begin = 0; begin < space.bytes.size(); begin += kBlockBytes) {
    const size_t end = std::min(begin + kBlockBytes, space.bytes.size());
    if (std::memcmp(space.bytes.data() + begin, before.data() + begin, end - begin) == 0) continue;
    for (size_t i = begin; i < end; ++i) {
      if (space.bytes[i] == before[i]) continue;
      const auto byte = static_cast<int64_t>(i);
      if ((marks[i] & std::byte{kWritable}) == std::byte{0}) {
        return violation(instruction, "wrote byte " + std::to_string(byte) + " of the " +
                                          std::string(space.name) + ", which " +
                                          owner_of(space, byte) +
                                          " and is neither its output nor its scratch");
      }
      if (&space != &arena_) continue;
      report_.high_water_bytes = std::max(report_.high_water_bytes, byte + 1);
    }
  }
  return {};
}

void Guard::keep_results(size_t instruction, const RunContext& call) {
  for (Space* const space : {&arena_, &state_}) {
    std::ranges::copy(space->bytes, space->results.bytes().begin());
  }
  std::byte* to = caller_results_.data();
  for_each_caller_output(plan_, instruction, call, [&](const Tensor& output, int64_t bytes) {
    to = std::copy_n(static_cast<const std::byte*>(output.data), bytes, to);
  });
}

Status Guard::check_same_results(size_t instruction, const RunContext& call) const {
  const PlanInstruction& step = plan_.instructions[instruction];
  const std::byte* caller_results = caller_results_.data();
  for (size_t k = 0; k < step.outputs.size(); ++k) {
    if (!step.outputs[k]) continue;
    const PlanValue& value = plan_.values[*step.outputs[k]];
    const std::byte* first = caller_results;
    if (const Space* const space = space_of(value)) {
      first = space->results.bytes().data() + value.offset_bytes;
    } else {
      caller_results += value.bytes;
    }
    const Tensor& output = call.outputs[k];
    const auto* const again = output.as<const std::byte>();
    std::optional<int64_t> differs;
    for_each_run(output, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end && !differs; ++i) {
        if (((first[i] ^ again[i]) & used_bits(output, i)) != std::byte{0}) differs = i;
      }
    });
    if (differs)
      return result_violation(instruction, value, *differs, first[*differs], again[*differs]);
  }
  return {};
}

Error Guard::result_violation(size_t instruction, const PlanValue& value, int64_t byte,
                              std::byte first, std::byte again) const {
  // Where a pattern stands depends on the place in the space, or in the caller's buffer.
  const int64_t place = space_of(value) ? value.offset_bytes + byte : byte;
  const auto poison_at = [&](Poison which) {
    return kPatterns[static_cast<size_t>(which)][static_cast<size_t>(place) % kBlockBytes];
  };
  const std::string what = "byte " + std::to_string(byte) + " of '" + value.name + "'";
  if (first == poison_at(Poison::kFirst) && again == poison_at(Poison::kSecond)) {
    return violation(instruction,
                     "left " + what + " unwritten, or copied it from bytes that hold nothing");
  }
  return violation(instruction, "made " + what +
                                    " of bytes that hold nothing: of dead ones, of its scratch or "
                                    "of what its outputs held before");
}

std::string Guard::owner_of(const Space& space, int64_t byte) const {
  std::string owner = "holds nothing";
  for (const uint32_t i : live_) {
    if (space_of(plan_.values[i]) != &space) continue;
    const int64_t offset = plan_.values[i].offset_bytes;
    for_each_run(plan_.values[i], [&](int64_t begin, int64_t end) {
      if (offset + begin <= byte && byte < offset + end) {
        owner = "belongs to '" + plan_.values[i].name + "'";
      }
    });
  }
  return owner;
}

Error Guard::violation(size_t instruction, const std::string& what) const {
  const PlanInstruction& step = plan_.instructions[instruction];
  std::string outputs;
  for (const std::optional<uint32_t>& output : step.outputs) {
    if (output) outputs += (outputs.empty() ? "'" : ", '") + plan_.values[*output].name + "'";
  }
  return internal_error("guard: instruction " + std::to_string(instruction) + " ('" + step.name +
                        "', kernel '" + step.kernel + "', output " + outputs + ") " + what);
}

}  // namespace memopt
