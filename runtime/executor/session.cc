#include "runtime/executor/session.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "runtime/executor/make_kernels.h"
#include "runtime/plan/roots.h"

namespace memopt {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kMaxLoadThreads = 8;

// Stands for buffers without bytes, so that a null pointer always means a missing operand.
alignas(kArenaAlignment) std::byte no_bytes[kArenaAlignment];

Error usage(std::string message) { return {Code::kUsage, std::move(message)}; }

bool is_aligned(const void* pointer, int64_t alignment) {
  return reinterpret_cast<uintptr_t>(pointer) % static_cast<uintptr_t>(alignment) == 0;
}

bool overlap(std::span<const std::byte> a, std::span<const std::byte> b) {
  const std::less<const std::byte*> before;
  return !a.empty() && !b.empty() && before(a.data(), b.data() + b.size()) &&
         before(b.data(), a.data() + a.size());
}

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Status check_arena(const Plan& plan, std::span<std::byte> arena) {
  if (static_cast<int64_t>(arena.size()) < plan.arena_bytes) {
    return usage("the arena has " + std::to_string(arena.size()) + " bytes, the plan needs " +
                 std::to_string(plan.arena_bytes) + ", " +
                 std::to_string(plan.arena_bytes - static_cast<int64_t>(arena.size())) + " more");
  }
  if (!is_aligned(arena.data(), plan.arena_alignment)) {
    return usage("the arena is not aligned to " + std::to_string(plan.arena_alignment) + " bytes");
  }
  return {};
}

Status check_target(const Plan& plan) {
  const Isa host = host_isa();
  if (host >= plan.target.isa) return {};
  const Target served{.isa = host, .pieces = plan.target.pieces};
  return bad_input("the plan is for " + to_string(plan.target) + ", this machine serves up to " +
                   to_string(served) + "; compile the model again with --target " +
                   to_string(served));
}

}  // namespace

Session::Session(std::shared_ptr<const LoadedPlan> loaded, std::span<std::byte> arena,
                 std::unique_ptr<ThreadPool> pool)
    : loaded_(std::move(loaded)),
      arena_(arena),
      pool_(std::move(pool)),
      bound_(plan().values.size()) {}

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const LoadedPlan> loaded,
                                                 std::span<std::byte> arena,
                                                 const SessionOptions& options) {
  const Plan& plan = loaded->plan();
  MEMOPT_RETURN_IF_ERROR(check_arena(plan, arena));
  MEMOPT_RETURN_IF_ERROR(check_target(plan));
  if (options.threads < 1 || options.threads > kMaxThreads) {
    return usage(std::to_string(options.threads) + " threads; 1 to 1024 are possible");
  }
  MEMOPT_ASSIGN_OR_RETURN(auto pool, ThreadPool::create(options.threads));
  std::unique_ptr<Session> session(new Session(std::move(loaded), arena, std::move(pool)));
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  MEMOPT_ASSIGN_OR_RETURN(session->kernels_, make_kernels(plan, session->loaded_->kernels(),
                                                          std::clamp(cores, 1, kMaxLoadThreads)));
  session->prepare_calls();
  if (options.guard) {
    MEMOPT_ASSIGN_OR_RETURN(session->guard_, Guard::create(plan, arena));
  }
  if (options.profile) {
    session->profile_.emplace();
    session->profile_->steps.resize(plan.instructions.size());
  }
  return session;
}

void Session::prepare_calls() {
  const std::vector<uint32_t> roots = *find_roots(plan());
  size_t operands = 0;
  for (const PlanInstruction& instruction : plan().instructions) {
    operands += instruction.inputs.size() + instruction.outputs.size();
  }
  tensors_.reserve(operands);  // the spans below point into it
  for (const PlanInstruction& instruction : plan().instructions) {
    const size_t first = tensors_.size();
    for (const auto& input : instruction.inputs) tensors_.push_back(tensor_of(input, roots));
    const size_t middle = tensors_.size();
    for (const auto& output : instruction.outputs) tensors_.push_back(tensor_of(output, roots));
    RunContext call;
    call.inputs = std::span(tensors_).subspan(first, middle - first);
    call.outputs = std::span(tensors_).subspan(middle);
    call.scratch =
        instruction.scratch_bytes > 0 ? arena_.data() + instruction.scratch_offset_bytes : no_bytes;
    call.parallel = pool_.get();
    calls_.push_back(call);
  }
  std::stable_sort(followers_.begin(), followers_.end());
}

Tensor Session::tensor_of(std::optional<uint32_t> index, const std::vector<uint32_t>& roots) {
  if (!index) return {};
  const PlanValue& value = plan().values[*index];
  Tensor tensor{value.dtype, value.layout, value.dims, value.strides, data_of(*index)};
  if (value.storage == Storage::kCaller) {
    followers_.push_back({roots[*index], tensors_.size(), value.offset_bytes});
  }
  if (value.storage == Storage::kState && value.bytes > 0) {
    followers_.push_back({kStates, tensors_.size(), value.offset_bytes});
  }
  return tensor;
}

std::byte* Session::data_of(uint32_t index) const {
  const PlanValue& value = plan().values[index];
  if (value.bytes == 0) return no_bytes;
  switch (value.storage) {
    case Storage::kArena:
      return arena_.data() + value.offset_bytes;
    case Storage::kConstant:
      // Kernels only read inputs, and the verifier lets no instruction write a constant.
      return const_cast<std::byte*>(loaded_->constants().data()) + value.offset_bytes;
    case Storage::kCaller:
      return const_cast<std::byte*>(bound_[index].buffer.data());
    case Storage::kState:
      return state_.empty() ? nullptr : state_.data() + value.offset_bytes;
  }
  return nullptr;
}

Status Session::bind_input(size_t index, std::span<const std::byte> buffer) {
  if (index >= plan().inputs.size()) return usage("no input " + std::to_string(index));
  return bind(plan().inputs[index], buffer, false);
}

Status Session::bind_output(size_t index, std::span<std::byte> buffer) {
  if (index >= plan().outputs.size()) return usage("no output " + std::to_string(index));
  return bind(plan().outputs[index], buffer, true);
}

Status Session::bind(uint32_t index, std::span<const std::byte> buffer, bool is_output) {
  const PlanValue& value = plan().values[index];
  const std::string name = (is_output ? "output '" : "input '") + value.name + "'";
  if (value.storage != Storage::kCaller) {
    return usage(name + " is in the arena and cannot be bound; use its data pointer");
  }
  if (static_cast<int64_t>(buffer.size()) != value.bytes) {
    return usage(name + " has " + std::to_string(value.bytes) + " bytes, the buffer " +
                 std::to_string(buffer.size()));
  }
  const int64_t alignment = std::clamp(dtype_bits(value.dtype) / 8, 1, 8);
  if (!is_aligned(buffer.data(), alignment)) {
    return usage("the buffer of " + name + " is not aligned to " + std::to_string(alignment) +
                 " bytes");
  }
  if (!buffer.empty() && buffer.data() == nullptr)
    return usage("the buffer of " + name + " is null");
  MEMOPT_RETURN_IF_ERROR(check_overlap(index, buffer, is_output));
  bound_[index] = {buffer, true, is_output};
  if (!buffer.empty()) move_followers(index, const_cast<std::byte*>(buffer.data()));
  return {};
}

void Session::move_followers(uint32_t root, std::byte* to) {
  const auto [first, last] =
      std::equal_range(followers_.begin(), followers_.end(), Follower{.root = root});
  for (const Follower& follower : std::span(first, last)) {
    tensors_[follower.tensor].data = to + follower.offset_bytes;
  }
}

Status Session::bind_state(std::span<std::byte> block) {
  if (static_cast<int64_t>(block.size()) < plan().state_bytes) {
    return usage("the block of states has " + std::to_string(block.size()) +
                 " bytes, the plan needs " + std::to_string(plan().state_bytes));
  }
  if (!is_aligned(block.data(), plan().arena_alignment)) {
    return usage("the block of states is not aligned to " + std::to_string(plan().arena_alignment) +
                 " bytes");
  }
  block = block.first(static_cast<size_t>(plan().state_bytes));
  if (block.empty()) return {};
  if (block.data() == nullptr) return usage("the block of states is null");
  if (overlap(block, arena_)) return usage("the block of states overlaps the arena");
  if (overlap(block, loaded_->constants())) {
    return usage("the block of states overlaps the constants of the plan");
  }
  for (const auto* list : {&plan().inputs, &plan().outputs}) {
    for (const uint32_t other : *list) {
      if (!bound_[other].is_bound || !overlap(block, bound_[other].buffer)) continue;
      return usage("the block of states overlaps the buffer of '" + plan().values[other].name +
                   "'");
    }
  }
  state_ = block;
  move_followers(kStates, block.data());
  return {};
}

Status Session::reset_state() {
  MEMOPT_RETURN_IF_ERROR(check_state());
  std::ranges::fill(state_, std::byte{0});
  for (const PlanState& state : plan().states) {
    if (!state.initial) continue;
    const std::byte* const initial = data_of(*state.initial);
    std::copy_n(initial, plan().values[*state.initial].bytes, data_of(state.before));
  }
  return {};
}

std::byte* Session::state_data(size_t index) { return data_of(plan().states[index].before); }

Status Session::check_state() const {
  if (plan().state_bytes == 0 || !state_.empty()) return {};
  return usage("the plan keeps states: bind a block of " + std::to_string(plan().state_bytes) +
               " bytes for them first");
}

Status Session::check_overlap(uint32_t index, std::span<const std::byte> buffer,
                              bool is_output) const {
  const std::string& name = plan().values[index].name;
  if (overlap(buffer, arena_)) return usage("the buffer of '" + name + "' overlaps the arena");
  if (overlap(buffer, state_)) return usage("the buffer of '" + name + "' overlaps the states");
  if (is_output && overlap(buffer, loaded_->constants())) {
    return usage("the buffer of '" + name + "' overlaps the constants of the plan");
  }
  for (const auto* list : {&plan().inputs, &plan().outputs}) {
    for (const uint32_t other : *list) {
      if (other == index || !bound_[other].is_bound || !(is_output || bound_[other].is_output)) {
        continue;
      }
      if (overlap(buffer, bound_[other].buffer)) {
        return usage("the buffers of '" + name + "' and '" + plan().values[other].name +
                     "' overlap");
      }
    }
  }
  return {};
}

Status Session::check_bound() const {
  MEMOPT_RETURN_IF_ERROR(check_state());
  for (const auto* list : {&plan().inputs, &plan().outputs}) {
    for (const uint32_t index : *list) {
      const PlanValue& value = plan().values[index];
      if (value.storage == Storage::kCaller && !bound_[index].is_bound) {
        return usage("'" + value.name + "' is not bound to a buffer");
      }
    }
  }
  return {};
}

std::byte* Session::input_data(size_t index) { return data_of(plan().inputs[index]); }

const std::byte* Session::output_data(size_t index) const { return data_of(plan().outputs[index]); }

Status Session::run() {
  MEMOPT_RETURN_IF_ERROR(check_bound());
  if (guard_) guard_->before_run(state_);
  const int64_t start = profile_ ? now_ns() : 0;
  for (size_t i = 0; i < kernels_.size(); ++i) {
    if (guard_) guard_->before(i, calls_[i]);
    const int64_t begin = profile_ ? now_ns() : 0;
    const Status status = kernels_[i]->run(calls_[i]);
    if (profile_) {
      const int64_t end = now_ns();
      StepTime& step = profile_->steps[i];
      step.begin_ns = begin - start;
      step.end_ns = end - start;
      step.total_ns += end - begin;
    }
    if (!status.ok()) {
      return in_context(
          "instruction " + std::to_string(i) + " ('" + plan().instructions[i].name + "')",
          status.error());
    }
    if (guard_) MEMOPT_RETURN_IF_ERROR(guard_->after(i, *kernels_[i], calls_[i]));
  }
  if (profile_) ++profile_->runs;
  return {};
}

}  // namespace memopt
