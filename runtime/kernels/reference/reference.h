// What the reference kernels share: the adapter from a plain function to a KernelDef. A reference
// kernel is `Status f(const S& op, const RunContext&)`, serves every type that S's OpDef lets
// through, on any strides (packed sub-byte types: dense only), serially or on context.parallel with
// the same result.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "runtime/kernels/element.h"
#include "runtime/kernels/kernel.h"
#include "runtime/kernels/strided.h"

namespace memopt {

// The definitions, one per line of ops.inc, in runtime/kernels/reference/<family>.cc; control flow
// returns nullptr.
#define OP(name) const KernelDef* name##_reference();
#include "runtime/ops/ops.inc"
#undef OP

// False where an operand is packed by some kernel, or is a slice of a tensor of sub-byte elements.
bool reference_supports(const KernelRequest& request);

// For element-wise operators: output `output` may overwrite input `input` if both have the same
// element size, dimensions and strides.
bool same_elements(const KernelRequest& request, int input, int output);

template <typename S>
using ReferenceFn = Status (*)(const S& op, const RunContext& context);

template <typename S, ReferenceFn<S> kRun>
class ReferenceKernel final : public Kernel {
 public:
  explicit ReferenceKernel(S op) : op_(std::move(op)) {}
  static Result<std::unique_ptr<Kernel>> create(const KernelRequest& request) {
    return std::unique_ptr<Kernel>(new ReferenceKernel(std::get<S>(*request.op)));
  }
  Status run(const RunContext& context) override { return kRun(op_, context); }

 private:
  S op_;
};

namespace detail {
template <typename S>
inline constexpr auto kReferenceName = [] {
  constexpr std::string_view kSuffix = ".reference";
  std::array<char, S::kName.size() + kSuffix.size()> text{};
  std::copy(kSuffix.begin(), kSuffix.end(),
            std::copy(S::kName.begin(), S::kName.end(), text.begin()));
  return text;
}();
}  // namespace detail

// The KernelDef "<S::kName>.reference":
//   const KernelDef* Conv_reference() {
//     static constexpr KernelDef kDef = reference_def<Conv, run_conv>();
//     return &kDef;
//   }
// `needs` asks for scratch; `in_place` is same_elements for element-wise operators.
template <typename S, ReferenceFn<S> kRun>
constexpr KernelDef reference_def(bool (*in_place)(const KernelRequest&, int, int) = nullptr,
                                  Result<KernelNeeds> (*needs)(const KernelRequest&) = nullptr) {
  constexpr const auto& kName = detail::kReferenceName<S>;
  return KernelDef{.name = std::string_view(kName.data(), kName.size()),
                   .op = kOpKind<S>,
                   .supports = reference_supports,
                   .needs = needs,
                   .pack = nullptr,
                   .create = ReferenceKernel<S, kRun>::create,
                   .in_place = in_place};
}

}  // namespace memopt
