#include "runtime/ops/op_def.h"

#include <string>

namespace memopt {

const OpDef& op_def(OpKind kind) {
  static const OpDef* const kDefs[kOpCount] = {
#define OP(name) &name##_def(),
#include "runtime/ops/ops.inc"
#undef OP
  };
  return *kDefs[kind];
}

Result<std::vector<TensorType>> infer_types(const Op& op, InputTypes inputs) {
  const OpDef& def = op_def(op);
  const int count = static_cast<int>(inputs.size());
  const std::string name(op_name(op));
  if (def.infer == nullptr) return bad_input(name + ": its result types come from its regions");
  if (count < def.min_inputs || count > def.max_inputs) {
    return bad_input(name + ": needed " + std::to_string(def.min_inputs) +
                     (def.max_inputs == def.min_inputs ? ""
                      : def.max_inputs == kUnlimited   ? " or more"
                                                       : " to " + std::to_string(def.max_inputs)) +
                     " inputs, found " + std::to_string(count));
  }
  for (int i = 0; i < def.min_inputs; ++i) {
    if (inputs[static_cast<size_t>(i)] == nullptr) {
      return bad_input(name + ": input " + std::to_string(i) + " is missing");
    }
  }
  auto types = def.infer(op, inputs);
  if (!types.ok()) return in_context(name, types.error());
  for (const TensorType& type : *types) {
    if (!is_valid_type(type))
      return bad_input(name + ": the result " + to_string(type) + " is too large");
  }
  return types;
}

}  // namespace memopt
