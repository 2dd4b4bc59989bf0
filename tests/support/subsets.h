// Which operands and results of an operator may be there.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/ops/op_def.h"

namespace memopt::testing {

// Every subset of `count` things.
inline std::vector<std::vector<bool>> subsets(size_t count) {
  std::vector<std::vector<bool>> all;
  for (size_t bits = 0; bits < size_t{1} << count; ++bits) {
    std::vector<bool>& subset = all.emplace_back(count);
    for (size_t i = 0; i < count; ++i) subset[i] = (bits >> i & 1) != 0;
  }
  return all;
}

// Every subset of an operator's `count` results that it may be asked for.
inline std::vector<std::vector<bool>> allowed_results(const Op& op, size_t count) {
  std::vector<std::vector<bool>> allowed;
  for (const std::vector<bool>& present : subsets(count)) {
    if (check_results(op, count, present).ok()) allowed.push_back(present);
  }
  return allowed;
}

}  // namespace memopt::testing
