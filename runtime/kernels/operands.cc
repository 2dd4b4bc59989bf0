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

std::vector<int64_t> fingerprint(const KernelRequest& request) {
  std::vector<int64_t> print;
  for (const auto operands : {request.inputs, request.outputs}) {
    print.push_back(static_cast<int64_t>(operands.size()));
    for (const Operand& operand : operands) {
      print.push_back(
          operand.present | operand.constant << 1 | static_cast<int64_t>(operand.dtype) << 8 |
          static_cast<int64_t>(operand.layout) << 16 | int64_t{operand.dims.rank()} << 24);
      print.insert(print.end(), operand.dims.begin(), operand.dims.end());
      if (operand.layout == Layout::kPacked) continue;
      print.insert(print.end(), operand.strides.begin(), operand.strides.end());
    }
  }
  return print;
}

}  // namespace memopt
