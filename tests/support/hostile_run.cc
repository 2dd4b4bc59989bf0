#include "tests/support/hostile_run.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/base/page_buffer.h"
#include "runtime/executor/session.h"
#include "runtime/ops/op_def.h"
#include "runtime/plan/codec.h"
#include "runtime/plan/header.h"
#include "runtime/plan/load.h"

namespace memopt {
namespace {

constexpr int64_t kMaxBytes = int64_t{1} << 20;  // of each space and buffer
constexpr int64_t kMaxOperations = 4'000'000;    // of all instructions
constexpr int64_t kPageBytes = 4096;

struct Free {
  void operator()(std::byte* memory) const { std::free(memory); }
};

// Heap memory of exactly these bytes, so that a sanitizer sees the first byte beyond.
class ExactBuffer {
 public:
  explicit ExactBuffer(int64_t bytes, size_t alignment = 64) : bytes_(static_cast<size_t>(bytes)) {
    void* memory = nullptr;
    MEMOPT_CHECK(posix_memalign(&memory, alignment, std::max<size_t>(bytes_, 1)) == 0);
    memory_.reset(static_cast<std::byte*>(memory));
  }
  std::span<std::byte> bytes() const { return {memory_.get(), bytes_}; }

 private:
  std::unique_ptr<std::byte, Free> memory_;
  size_t bytes_;
};

template <typename T>
void put(std::span<std::byte> bytes, size_t index, T value) {
  std::memcpy(bytes.data() + index * sizeof(T), &value, sizeof(T));
}

// Integers that are indices, extremes or neighbours of them; floats likewise.
class Filler {
 public:
  explicit Filler(uint64_t seed) : random_(seed) {}

  void fill(std::span<std::byte> bytes, DType dtype) {
    switch (random_() % 4) {
      case 0:
        std::memset(bytes.data(), random_() % 2 ? 0 : 0xFF, bytes.size());
        return;
      case 1:
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
        return;
      default:
        typed(bytes, dtype, random_() % 2 == 0);
    }
  }

 private:
  void typed(std::span<std::byte> bytes, DType dtype, bool plausible) {
    const auto width = static_cast<size_t>(std::max(dtype_bits(dtype) / 8, 1));
    for (size_t i = 0; i < bytes.size() / width; ++i) {
      const int64_t number = plausible ? static_cast<int64_t>(random_() % 8) - 2 : extreme();
      if (dtype == DType::kF32) {
        put(bytes, i, plausible ? static_cast<float>(number) / 2 : extreme_real<float>());
      } else if (dtype == DType::kF64) {
        put(bytes, i, plausible ? static_cast<double>(number) / 2 : extreme_real<double>());
      } else if (width == 8) {
        put(bytes, i, number);
      } else if (width == 4) {
        put(bytes, i, static_cast<int32_t>(number));
      } else if (width == 2) {
        put(bytes, i, static_cast<int16_t>(number));
      } else if (width == 1) {
        put(bytes, i, static_cast<int8_t>(number));
      }
    }
  }
  int64_t extreme() {
    static constexpr int64_t kExtremes[] = {
        INT64_MIN, INT64_MAX,        INT32_MIN,         INT32_MAX, -1,
        0,         int64_t{1} << 32, int64_t{-1} << 32, 127,       -128};
    return kExtremes[random_() % std::size(kExtremes)];
  }
  template <typename T>
  T extreme_real() {
    using Limits = std::numeric_limits<T>;
    static constexpr T kExtremes[] = {Limits::quiet_NaN(),
                                      Limits::infinity(),
                                      -Limits::infinity(),
                                      Limits::max(),
                                      Limits::lowest(),
                                      Limits::denorm_min(),
                                      T(-0.0),
                                      T(1e10),
                                      T(2147483648.0),
                                      T(-9.3e18)};
    return kExtremes[random_() % std::size(kExtremes)];
  }

  std::minstd_rand random_;
};

// Sums up to a bound, whatever the terms are.
int64_t operations_of(const Plan& plan, const PlanInstruction& instruction) {
  std::vector<TensorType> types;
  const auto type_of = [&](uint32_t i) {
    return TensorType{.dtype = plan.values[i].dtype, .dims = plan.values[i].dims};
  };
  types.reserve(instruction.inputs.size());
  std::vector<const TensorType*> inputs;
  int64_t elements = 0;
  for (const auto& input : instruction.inputs) {
    inputs.push_back(input ? &types.emplace_back(type_of(*input)) : nullptr);
  }
  std::vector<TensorType> outputs;
  for (const auto& output : instruction.outputs) {
    outputs.push_back(output ? type_of(*output) : TensorType{});
    elements += outputs.back().count();
  }
  const OpDef& def = op_def(instruction.op);
  return std::max(elements, def.operations ? def.operations(instruction.op, inputs, outputs) : 0);
}

bool is_small(const Plan& plan) {
  if (std::max({plan.arena_bytes, plan.constants_bytes, plan.state_bytes}) > kMaxBytes)
    return false;
  if (plan.arena_alignment > kPageBytes) return false;
  for (const PlanValue& value : plan.values) {
    if (value.storage == Storage::kCaller && value.bytes > kMaxBytes) return false;
  }
  int64_t operations = 0;
  for (const PlanInstruction& instruction : plan.instructions) {
    operations += std::clamp<int64_t>(operations_of(plan, instruction), 0, kMaxOperations);
    if (operations >= kMaxOperations) return false;
  }
  return true;
}

// Constants and inputs come from the same seed; the constants' digest is not asked for.
ExactBuffer make_file(std::span<const std::byte> metadata, const Plan& plan, Filler& filler) {
  const int64_t constants_bytes = std::clamp<int64_t>(plan.constants_bytes, 0, kMaxBytes);
  PlanHeader header = plan_header_for(static_cast<int64_t>(metadata.size()), constants_bytes);
  header.metadata.digest = digest_of(metadata);
  ExactBuffer file(header.file_bytes);
  const std::span<std::byte> bytes = file.bytes();
  const auto start = encode_plan_header(header);
  std::copy(start.begin(), start.end(), bytes.begin());
  std::fill(bytes.begin() + kPlanHeaderBytes, bytes.end(), std::byte{0});
  std::copy(metadata.begin(), metadata.end(), bytes.begin() + header.metadata.offset);
  const std::span<std::byte> constants =
      bytes.subspan(static_cast<size_t>(header.constants.offset));
  for (const PlanValue& value : plan.values) {
    const bool is_root = value.storage == Storage::kConstant && !value.alias;
    if (!is_root || value.offset_bytes < 0 || value.bytes < 0) continue;
    if (value.offset_bytes > constants_bytes || value.bytes > constants_bytes - value.offset_bytes)
      continue;
    filler.fill(constants.subspan(static_cast<size_t>(value.offset_bytes),
                                  static_cast<size_t>(value.bytes)),
                value.dtype);
  }
  return file;
}

// Fails only where the plan itself may be blamed for it.
Status run_loaded(const std::shared_ptr<const LoadedPlan>& loaded, Filler& filler) {
  const Plan& plan = loaded->plan();
  const PageBuffer arena = *PageBuffer::allocate_fenced(plan.arena_bytes, plan.arena_alignment);
  MEMOPT_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                          Session::create(loaded, arena.bytes(), {.guard = true}));
  std::vector<ExactBuffer> buffers;
  for (size_t i = 0; i < plan.inputs.size(); ++i) {
    const PlanValue& value = plan.values[plan.inputs[i]];
    if (value.storage == Storage::kCaller) {
      buffers.emplace_back(value.bytes);
      MEMOPT_RETURN_IF_ERROR(session->bind_input(i, buffers.back().bytes()));
    }
    filler.fill({session->input_data(i), static_cast<size_t>(value.bytes)}, value.dtype);
  }
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    const PlanValue& value = plan.values[plan.outputs[i]];
    if (value.storage != Storage::kCaller) continue;
    buffers.emplace_back(value.bytes);
    MEMOPT_RETURN_IF_ERROR(session->bind_output(i, buffers.back().bytes()));
  }
  const PageBuffer state = *PageBuffer::allocate_fenced(plan.state_bytes, plan.arena_alignment);
  MEMOPT_RETURN_IF_ERROR(session->bind_state(state.bytes()));
  MEMOPT_RETURN_IF_ERROR(session->reset_state());
  const FencedMemory fence(arena.bytes(), loaded->constants());
  return session->run();
}

bool is_expected(const Error& error) {
  return error.code == Code::kBadInput || error.code == Code::kVerifyFailed;
}

}  // namespace

HostileRun run_hostile(std::span<const std::byte> metadata, uint64_t seed, KernelLookup kernels) {
  HostileRun outcome;
  // decode_plan() wants 8-byte alignment.
  const ExactBuffer aligned(static_cast<int64_t>(metadata.size()));
  std::copy(metadata.begin(), metadata.end(), aligned.bytes().begin());
  const Result<Plan> decoded = decode_plan(aligned.bytes());
  if (!decoded.ok()) {
    if (!is_expected(decoded.error())) outcome.violation = decoded.error().message;
    return outcome;
  }
  Filler filler(seed);
  const ExactBuffer file = make_file(metadata, *decoded, filler);
  const auto loaded = load_plan(file.bytes(), "hostile", {.kernels = kernels});
  if (!loaded.ok()) {
    if (!is_expected(loaded.error())) outcome.violation = loaded.error().message;
    return outcome;
  }
  outcome.accepted = true;
  if (!is_small((*loaded)->plan())) return outcome;
  const Status status = run_loaded(*loaded, filler);
  if (!status.ok() && !is_expected(status.error())) outcome.violation = status.error().message;
  outcome.ran = status.ok();
  return outcome;
}

}  // namespace memopt
