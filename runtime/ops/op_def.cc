#include "runtime/ops/op_def.h"

#include <algorithm>
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

Status check_results(const Op& op, size_t inferred, const std::vector<bool>& present) {
  const std::string name(op_name(op));
  if (present.size() != inferred) {
    return bad_input(name + ": needed " + std::to_string(inferred) + " results, found " +
                     std::to_string(present.size()));
  }
  const auto required = static_cast<size_t>(op_def(op).required_results);
  for (size_t i = 0; i < std::min(required, present.size()); ++i) {
    if (!present[i]) return bad_input(name + ": result " + std::to_string(i) + " is missing");
  }
  if (std::find(present.begin(), present.end(), true) == present.end()) {
    return bad_input(name + ": all results are missing");
  }
  return {};
}

TensorType part_type(const TensorType& type, const std::optional<AxisRange>& part) {
  TensorType result = type;
  if (part) result.dims[part->axis] = part->rows.count();
  return result;
}

namespace {

bool is_split_by_bytes(const TensorType& type) { return dtype_bits(type.dtype) >= 8; }

// The operator on the parts makes results of the promised extents.
bool is_consistent(const OpBand& band, InputTypes inputs, std::span<const TensorType> outputs,
                   int axis) {
  std::vector<TensorType> parts(inputs.size());
  std::vector<const TensorType*> pointers(inputs.size(), nullptr);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i]) continue;
    if (band.inputs[i] && !is_split_by_bytes(*inputs[i])) return false;
    parts[i] = part_type(*inputs[i], band.inputs[i]);
    pointers[i] = &parts[i];
  }
  const auto types = infer_types(band.op, pointers);
  if (!types.ok()) return false;
  for (size_t i = 0; i < static_cast<size_t>(band.outputs); ++i) {
    if ((*types)[i].dims != part_type(outputs[i], AxisRange{axis, band.rows}).dims) return false;
  }
  return true;
}

}  // namespace

std::optional<OpBand> band_of(const Op& op, InputTypes inputs, std::span<const TensorType> outputs,
                              int axis, Interval rows) {
  const OpDef& def = op_def(op);
  if (!def.band || axis < 0 || axis >= outputs[0].dims.rank()) return std::nullopt;
  if (rows.begin < 0 || rows.count() <= 0 || rows.end > outputs[0].dims[axis]) return std::nullopt;
  if (!is_split_by_bytes(outputs[0]) || outputs[0].count() == 0) return std::nullopt;
  std::optional<OpBand> band = def.band(op, inputs, outputs, axis, rows);
  if (band && !is_consistent(*band, inputs, outputs, axis)) return std::nullopt;
  return band;
}

}  // namespace memopt
