// Runs one operator on constants with its reference kernel: what constant folding does.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/base/account.h"
#include "runtime/base/result.h"
#include "runtime/base/type.h"
#include "runtime/ops/op.h"

namespace memopt {

// An operand of evaluate(): dense in the layout of its type, at any alignment.
struct ConstantOperand {
  const TensorType* type = nullptr;  // null: a missing optional operand
  std::span<const std::byte> bytes;
};

// The results, one per entry of `outputs`, dense in their layouts; null where `outputs` has a null.
// The types are those of infer_types, the required ones present. Counted on `account` is all memory
// that this takes, of which the results keep their part, and the work. An operator without a
// reference kernel for the types, values that it refuses, and limits that are reached are errors.
Result<std::vector<std::shared_ptr<const ConstantData>>> evaluate(
    const Op& op, std::span<const ConstantOperand> inputs,
    std::span<const TensorType* const> outputs, const std::shared_ptr<Account>& account);

// Whether the account affords to evaluate this only because it is better known now than later.
bool affords_evaluation(const Account& account, const Op& op,
                        std::span<const TensorType* const> inputs,
                        std::span<const TensorType* const> outputs);

}  // namespace memopt
