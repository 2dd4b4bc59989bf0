// Random plans of every kind of value and operand, and what may be wrong with one.
#pragma once

#include <random>

#include "runtime/plan/plan.h"
#include "runtime/plan/request.h"

namespace memopt {

class Dice {
 public:
  explicit Dice(uint32_t seed) : random_(seed) {}
  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  bool one_in(int64_t n) { return below(n) == 0; }
  template <typename List>
  auto& any(List&& list) {
    return list[static_cast<size_t>(below(static_cast<int64_t>(std::size(list))))];
  }
  const std::optional<uint32_t>& any_present(const std::vector<std::optional<uint32_t>>& list) {
    while (true) {
      if (const auto& item = any(list)) return item;
    }
  }

 private:
  std::mt19937 random_;
};

// A plan that is sound, as long as its kernels serve what they are asked: steps that read anything
// and write roots, parts of them, or over what they read. The numbers of its values mean nothing.
Plan sound_plan(Dice& dice);

// One field becomes something else: another number of the plan, one beside it, or its neighbour.
void damage_plan(Dice& dice, Plan& plan);

// The kernels of these plans. What some of them serve, need and overwrite depends on each part of
// what they are asked; none can be made.
const std::vector<KernelDef>& rule_kernels();
const KernelDef* rule_kernel(std::string_view name);

// The element types of their values, the common ones more than once.
inline constexpr DType kPlanTypes[] = {DType::kF32, DType::kF32, DType::kI32, DType::kF64,
                                       DType::kF16, DType::kI8,  DType::kU4,  DType::kC128};

}  // namespace memopt
