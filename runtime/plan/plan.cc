#include "runtime/plan/plan.h"

#include <array>

#include "runtime/base/check.h"
#include "runtime/base/checked.h"

namespace memopt {

std::string_view storage_name(Storage storage) {
  switch (storage) {
    case Storage::kArena:
      return "arena";
    case Storage::kConstant:
      return "constant";
    case Storage::kCaller:
      return "caller";
    case Storage::kState:
      return "state";
  }
  return "";
}

std::string_view bound_kind_name(BoundKind kind) {
  switch (kind) {
    case BoundKind::kFixedOrder:
      return "fixed_order";
    case BoundKind::kAllOrders:
      return "all_orders";
  }
  return "";
}

std::optional<int64_t> extent_bytes(DType dtype, const Dims& dims, const Dims& strides) {
  const std::optional<int64_t> count = checked_count(dims);
  if (!count || strides.rank() != dims.rank()) return std::nullopt;
  if (*count == 0) return 0;
  // From the innermost dimension in memory outwards: each must step over all of those inside it.
  std::array<int, kMaxRank> order;
  size_t used = 0;
  for (int i = 0; i < dims.rank(); ++i) {
    if (dims[i] <= 1) continue;
    size_t at = used++;
    for (; at > 0 && strides[order[at - 1]] > strides[i]; --at) order[at] = order[at - 1];
    order[at] = i;
  }
  int64_t last = 0;  // the largest element index so far
  for (size_t i = 0; i < used; ++i) {
    const int64_t stride = strides[order[i]];
    if (stride <= last) return std::nullopt;
    const std::optional<int64_t> reach = checked_mul(stride, dims[order[i]] - 1);
    const std::optional<int64_t> sum = reach ? checked_add(*reach, last) : std::nullopt;
    if (!sum) return std::nullopt;
    last = *sum;
  }
  const std::optional<int64_t> elements = checked_add(last, 1);
  return elements ? dtype_bytes(dtype, *elements) : std::nullopt;
}

uint32_t root_of(const Plan& plan, uint32_t value) {
  for (size_t steps = 0; plan.values[value].alias; ++steps) {
    MEMOPT_CHECK(steps <= plan.values.size());
    value = plan.values[value].alias->parent;
  }
  return value;
}

}  // namespace memopt
