#include "runtime/kernels/operands.h"

namespace memopt {
namespace {

bool is_ambiguous(const Operand& operand) {
  return operand.present && operand.layout != Layout::kPacked &&
         same_memory(operand.dims, Layout::kRowMajor, Layout::kChannelsLast) &&
         is_dense(operand.dims, operand.strides, operand.layout);
}

}  // namespace

void unify_layouts(std::span<Operand> inputs, std::span<Operand> outputs) {
  bool certain = false;
  Layout layout = Layout::kRowMajor;
  const auto look_at = [&](const Operand& operand) {
    if (!operand.present || certain || operand.dims.rank() < 3) return;
    certain = !is_ambiguous(operand);
    if (certain) {
      layout = operand.layout;
    } else if (operand.layout == Layout::kChannelsLast) {
      layout = Layout::kChannelsLast;
    }
  };
  for (const Operand& output : outputs) look_at(output);
  if (!inputs.empty()) look_at(inputs[0]);
  if (layout == Layout::kPacked) return;
  const auto relabel = [&](Operand& operand) {
    if (!is_ambiguous(operand)) return;
    operand.layout = layout;
    operand.strides = dense_strides(operand.dims, layout);
  };
  for (Operand& input : inputs) relabel(input);
  for (Operand& output : outputs) relabel(output);
}

}  // namespace memopt
