#include "runtime/kernels/reference/reference.h"

#include <cstring>

namespace memopt {
namespace {

bool is_served(const Operand& operand) {
  if (!operand.present) return true;
  if (operand.layout == Layout::kPacked) return false;
  return dtype_bits(operand.dtype) >= 8 || is_dense(operand.dims, operand.strides, operand.layout);
}

}  // namespace

bool reference_supports(const KernelRequest& request) {
  return std::all_of(request.inputs.begin(), request.inputs.end(), is_served) &&
         std::all_of(request.outputs.begin(), request.outputs.end(), is_served);
}

bool same_elements(const KernelRequest& request, int input, int output) {
  const Operand& in = request.inputs[static_cast<size_t>(input)];
  const Operand& out = request.outputs[static_cast<size_t>(output)];
  return in.present && out.present && dtype_bits(in.dtype) == dtype_bits(out.dtype) &&
         in.dims == out.dims && in.strides == out.strides;
}

}  // namespace memopt
