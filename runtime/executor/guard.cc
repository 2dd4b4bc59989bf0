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

// 0x7fc1dead over and over: NaN as f64, f32 and bf16, and an unlikely number as anything else.
constexpr Block kPattern = [] {
  Block block{};
  for (size_t i = 0; i < block.size(); ++i) {
    block[i] = static_cast<std::byte>(uint32_t{0x7fc1dead} >> (8 * (i % 4)));
  }
  return block;
}();
constexpr Block kAllDead{};

// Calls visit(begin, end) for the runs of bytes that the elements of `value` fill.
template <typename F>
void for_each_run(const PlanValue& value, F&& visit) {
  if (value.dims.count() == 0) return;
  if (is_dense(value.dims, value.strides, value.layout)) {
    visit(value.offset_bytes, value.offset_bytes + value.bytes);
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
    const int64_t begin = value.offset_bytes + element * bits / 8;
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

}  // namespace

Guard::Guard(const Plan& plan, std::span<std::byte> arena)
    : plan_(plan),
      arena_(arena.first(static_cast<size_t>(plan.arena_bytes))),
      lifetimes_(lifetimes(plan)),
      begins_(plan.instructions.size()),
      ends_(plan.instructions.size()) {
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    if (!lifetimes_[i] || plan.values[i].storage != Storage::kArena) continue;
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
  MEMOPT_ASSIGN_OR_RETURN(guard->marks_, PageBuffer::allocate(plan.arena_bytes));
  MEMOPT_ASSIGN_OR_RETURN(guard->before_, PageBuffer::allocate(plan.arena_bytes));
  guard->live_.reserve(plan.values.size());
  return guard;
}

void Guard::mark(const PlanValue& value, Mark mark) {
  for_each_run(value, [&](int64_t begin, int64_t end) {
    std::memset(marks_.bytes().data() + begin, mark, static_cast<size_t>(end - begin));
    reserve(end);
  });
}

void Guard::reserve(int64_t end) {
  report_.reserved_bytes = std::max(report_.reserved_bytes, align_up(end, kArenaAlignment));
}

void Guard::poison_dead() {
  static_assert(kDead == 0);
  for (size_t begin = 0; begin < arena_.size(); begin += kBlockBytes) {
    const size_t bytes = std::min(kBlockBytes, arena_.size() - begin);
    const std::byte* const marks = marks_.bytes().data() + begin;
    std::byte* const target = arena_.data() + begin;
    if (std::memcmp(marks, kAllDead.data(), bytes) == 0) {
      std::memcpy(target, kPattern.data(), bytes);
      continue;
    }
    for (size_t i = 0; i < bytes; ++i) {
      if (marks[i] == std::byte{kDead}) target[i] = kPattern[i];
    }
  }
}

void Guard::before_run() {
  live_.clear();
  ++report_.runs;
  for (const auto* values : {&plan_.inputs, &plan_.outputs}) {
    for (const uint32_t i : *values) {
      const PlanValue& value = plan_.values[i];
      if (value.storage != Storage::kArena) continue;
      for_each_run(value, [&](int64_t, int64_t end) { reserve(end); });
    }
  }
}

void Guard::before(size_t instruction) {
  for (const uint32_t i : begins_[instruction]) {
    live_.insert(std::lower_bound(live_.begin(), live_.end(), i), i);
  }
  for (const uint32_t i : ends_[instruction]) {
    live_.erase(std::lower_bound(live_.begin(), live_.end(), i));
  }
  const std::span<std::byte> marks = marks_.bytes();
  std::fill(marks.begin(), marks.end(), std::byte{kDead});
  for (const uint32_t i : live_) mark(plan_.values[i], kLive);
  poison_dead();
  const PlanInstruction& call = plan_.instructions[instruction];
  for (const std::optional<uint32_t>& output : call.outputs) {
    if (output && plan_.values[*output].storage == Storage::kArena) {
      mark(plan_.values[*output], kWritable);
    }
  }
  std::fill_n(marks.begin() + call.scratch_offset_bytes, call.scratch_bytes, std::byte{kWritable});
  if (call.scratch_bytes > 0) reserve(call.scratch_offset_bytes + call.scratch_bytes);
  std::copy(arena_.begin(), arena_.end(), before_.bytes().begin());
}

Status Guard::after(size_t instruction) {
  const std::span<const std::byte> marks = marks_.bytes();
  const std::span<const std::byte> before = before_.bytes();
  for (size_t begin = 0; begin < arena_.size(); begin += kBlockBytes) {
    const size_t end = std::min(begin + kBlockBytes, arena_.size());
    if (std::memcmp(arena_.data() + begin, before.data() + begin, end - begin) == 0) continue;
    for (size_t i = begin; i < end; ++i) {
      if (arena_[i] == before[i]) continue;
      const auto byte = static_cast<int64_t>(i);
      if (marks[i] != std::byte{kWritable}) return violation(instruction, byte);
      report_.high_water_bytes = std::max(report_.high_water_bytes, byte + 1);
    }
  }
  ++report_.steps;
  return {};
}

Error Guard::violation(size_t instruction, int64_t byte) const {
  const PlanInstruction& call = plan_.instructions[instruction];
  std::string owner = "holds nothing";
  for (const uint32_t i : live_) {
    for_each_run(plan_.values[i], [&](int64_t begin, int64_t end) {
      if (begin <= byte && byte < end) owner = "belongs to '" + plan_.values[i].name + "'";
    });
  }
  std::string outputs;
  for (const std::optional<uint32_t>& output : call.outputs) {
    if (output) outputs += (outputs.empty() ? "'" : ", '") + plan_.values[*output].name + "'";
  }
  return internal_error("guard: instruction " + std::to_string(instruction) + " ('" + call.name +
                        "', kernel '" + call.kernel + "', output " + outputs + ") wrote byte " +
                        std::to_string(byte) + " of the arena, which " + owner +
                        " and is neither its output nor its scratch");
}

}  // namespace memopt
