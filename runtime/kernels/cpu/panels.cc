#include "runtime/kernels/cpu/panels.h"

#include <limits>

#include "runtime/base/checked.h"

namespace memopt::cpu {

std::optional<int64_t> panel_bytes(int64_t matrices, int64_t rows, int64_t columns, int64_t width) {
  const auto padded = checked_add(columns, width);  // panel_columns() is less
  const auto floats = padded ? checked_mul(rows, *padded) : std::nullopt;
  const auto all = floats ? checked_mul(matrices, *floats) : std::nullopt;
  if (!all || !checked_mul(*all, 4)) return std::nullopt;
  return matrices * rows * panel_columns(columns, width) * 4;
}

std::optional<AfterProduct> after_product(const Activation& activation, Isa isa) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  AfterProduct after{.low = -kInfinity, .high = kInfinity};
  switch (activation.fn) {
    case UnaryFn::kIdentity:
      return after;
    case UnaryFn::kRelu:
      after.low = 0;
      return after;
    case UnaryFn::kClip:
      after.low = static_cast<float>(activation.alpha);
      after.high = static_cast<float>(activation.beta);
      return after;
    default:
      after.loop = elementwise_loops(isa).unary[static_cast<size_t>(activation.fn)];
      after.alpha = static_cast<float>(activation.alpha);
      after.beta = static_cast<float>(activation.beta);
      if (after.loop == nullptr) return std::nullopt;
      return after;
  }
}

ProductParts product_parts(const Parallel* parallel, int64_t tiles, int64_t panels) {
  const int64_t threads = parallel == nullptr ? 1 : parallel->threads();
  if (threads == 1) return {};
  constexpr int64_t kPerThread = 4;  // so that a slow thread holds up little
  if (tiles >= 2 * threads) return {.tiles = std::min(tiles, kPerThread * threads), .panels = 1};
  return {.tiles = 1, .panels = std::min(panels, kPerThread * threads)};
}

bool over_residual(const KernelRequest& request, int input, int output) {
  return input == 3 && output == 0 && request.inputs[3].strides == request.outputs[0].strides;
}

}  // namespace memopt::cpu
