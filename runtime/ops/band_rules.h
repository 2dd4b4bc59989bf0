// What the operators' bands have in common (OpDef::band).
#pragma once

#include <optional>

#include "runtime/ops/op_def.h"

namespace memopt {

// The same operator on all of its operands; the caller names those that are needed in parts.
inline OpBand whole_band(const Op& op, InputTypes inputs, Interval rows) {
  return {.op = op, .inputs = {inputs.size(), std::nullopt}, .rows = rows, .outputs = 1};
}

// The same operator on these rows of operand 0, which has the axes of the result.
inline OpBand band_of_first(const Op& op, InputTypes inputs, int axis, Interval rows) {
  OpBand band = whole_band(op, inputs, rows);
  band.inputs[0] = AxisRange{axis, rows};
  return band;
}

// The part of an operand that broadcasts to the result: all of it where it has one row for all.
inline std::optional<AxisRange> broadcast_part(const TensorType* input, const Dims& output,
                                               int axis, Interval rows) {
  if (!input) return std::nullopt;
  const int own = axis - (output.rank() - input->dims.rank());
  if (own < 0 || input->dims[own] == 1) return std::nullopt;
  return AxisRange{own, rows};
}

// Every operand broadcasts to the result.
inline std::optional<OpBand> broadcast_band(const Op& op, InputTypes inputs,
                                            std::span<const TensorType> outputs, int axis,
                                            Interval rows) {
  OpBand band = whole_band(op, inputs, rows);
  for (size_t i = 0; i < inputs.size(); ++i) {
    band.inputs[i] = broadcast_part(inputs[i], outputs[0].dims, axis, rows);
  }
  return band;
}

}  // namespace memopt
