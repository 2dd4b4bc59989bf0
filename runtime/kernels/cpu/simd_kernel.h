// The adapter from a plain function to a KernelDef for kernels built on the loops of
// simd_dispatch.h. They serve f32 tensors on strides that leave the innermost stored dimension
// contiguous, so also slices of larger tensors.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/kernels/kernel.h"

namespace memopt {

template <typename S>
using SimdFn = Status (*)(const S& op, Isa isa, const RunContext& context);

template <typename S, SimdFn<S> kRun>
class SimdKernel final : public Kernel {
 public:
  SimdKernel(S op, Isa isa) : op_(std::move(op)), isa_(isa) {}
  static Result<std::unique_ptr<Kernel>> create(const KernelRequest& request) {
    return std::unique_ptr<Kernel>(new SimdKernel(std::get<S>(*request.op), request.target.isa));
  }
  Status run(const RunContext& context) override { return kRun(op_, isa_, context); }

 private:
  S op_;
  Isa isa_;
};

template <typename S, SimdFn<S> kRun>
constexpr KernelDef simd_def(std::string_view name, bool (*supports)(const KernelRequest&),
                             bool (*in_place)(const KernelRequest&, int, int) = nullptr,
                             Result<KernelNeeds> (*needs)(const KernelRequest&) = nullptr,
                             Status (*pack)(const KernelRequest&, int,
                                            std::span<std::byte>) = nullptr) {
  return KernelDef{.name = name,
                   .op = kOpKind<S>,
                   .supports = supports,
                   .needs = needs,
                   .pack = pack,
                   .create = SimdKernel<S, kRun>::create,
                   .in_place = in_place};
}

// Present, f32 and not packed.
inline bool is_plain_f32(const Operand& operand) {
  return operand.present && operand.dtype == DType::kF32 && operand.layout != Layout::kPacked;
}

// Whether consecutive elements along `axis` are neighbours.
inline bool is_contiguous(const Dims& dims, const Dims& strides, int axis) {
  return dims[axis] <= 1 || strides[axis] == 1;
}

}  // namespace memopt
